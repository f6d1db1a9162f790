"""Compares any two models on the same samples."""

from dataclasses import dataclass
from typing import Any

from tflq._calibrate import batched
from tflq._errors import UserError
from tflq._fidelity import OutputFidelity
from tflq._float_model import FloatModel
from tflq._report import facts_table, fidelity_table
from tflq._source import has_signatures, open_model
from tflq._tables import megabytes, to_json
from tflq._verify import Run, measure_fidelity
from tflq.data import data_dtypes
from tflq.tflite_side import FileFacts, Graph, Runner, read_facts, refuse_infinite


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How far a candidate is from a reference.

    Attributes:
        reference, candidate: the two models, in words.
        outputs: fidelity of the candidate, one entry an output.
        reference_facts, candidate_facts: what the two files consist of; for models that are no
            .tflite, those of their float .tflite.
    """

    reference: str
    candidate: str
    outputs: tuple[OutputFidelity, ...]
    reference_facts: FileFacts
    candidate_facts: FileFacts

    def __str__(self) -> str:
        """Tables for the terminal."""
        sizes = (self.reference_facts.size, self.candidate_facts.size)
        title = (
            f"{self.candidate} ({megabytes(sizes[1])}, {sizes[0] / sizes[1]:.2f}x smaller) "
            f"against {self.reference} ({megabytes(sizes[0])})"
        )
        return f"{fidelity_table(title, self.outputs)}\n\n{facts_table(self.candidate_facts)}"

    def to_json(self) -> str:
        """The comparison as JSON."""
        return to_json(self)


def compare(
    reference: Any,
    candidate: Any,
    data: Any,
    *,
    signature: str | None = None,
    safe_mode: bool = True,
) -> Comparison:
    """Runs two models on the same samples and compares their outputs, in order.

    Args:
        reference: the model to be met: anything that `tflq.export` takes, or a quantized
            .tflite.
        candidate: the model to be judged, likewise; its inputs have the same shapes.
        data: samples, as for `tflq.export`; names are the reference's.
        signature: name of the signature to compare, where a `.tflite` or a SavedModel has
            several.
        safe_mode: refuse Keras files and SavedModels that do more than compute.

    Returns:
        A `Comparison`; `print` shows it as a table.

    Raises:
        UserError: inputs or outputs of the two do not correspond, data does not fit, or a weight
            is not finite.

    Example:
        >>> import keras, numpy as np, tflq
        >>> model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)])
        >>> tflq.compare(model, model, np.ones((3, 8), "float32")).outputs[0].cosine
        1.0
    """
    dtypes = data_dtypes(data)
    first, second = (
        open_model(
            model,
            safe_mode=safe_mode,
            dtypes=dtypes,
            signature=signature if has_signatures(model) else None,
        )
        for model in (reference, candidate)
    )
    for model in (first, second):
        refuse_infinite(Graph.from_bytes(model.tflite), model.source, bounds=True)
    _require_same_doors(first, second)
    stream = batched(data, first.inputs, description="comparing")
    outputs = measure_fidelity(_run(first, first), _run(second, first), stream, names=first.outputs)
    return Comparison(
        reference=first.source,
        candidate=second.source,
        outputs=outputs,
        reference_facts=read_facts(first.tflite),
        candidate_facts=read_facts(second.tflite),
    )


def _run(model: FloatModel, named_as: FloatModel) -> Run:
    """The source itself where it can be run, else the file, under the other's input names."""
    if model.reference is None:
        return Runner(model.tflite, inputs=named_as.inputs).run
    reference = model.reference
    names = [(s.name, other.name) for s, other in zip(model.inputs, named_as.inputs, strict=True)]
    return lambda sample: reference({name: sample[other] for name, other in names})


def _require_same_doors(first: FloatModel, second: FloatModel) -> None:
    shapes = [[spec.shape[1:] for spec in model.inputs] for model in (first, second)]
    if shapes[0] != shapes[1]:
        raise UserError(
            f"the models take different inputs ({first.source}: {shapes[0]}, {second.source}: "
            f"{shapes[1]}, without the batch); compare models of the same network."
        )
    if len(first.outputs) != len(second.outputs):
        raise UserError(
            f"{first.source} has {len(first.outputs)} output(s), {second.source} has "
            f"{len(second.outputs)}; compare models of the same network."
        )
