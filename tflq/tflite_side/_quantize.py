"""The neck of tflq: a float .tflite, ranges and weight bounds become a quantized one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tflq._errors import ConversionError, UserError
from tflq._signatures import DEFAULT_SIGNATURE
from tflq.apart import CrashError, TimeLimitError, try_model
from tflq.ranges import weight_bounds
from tflq.scheme import Scheme, Writer
from tflq.tflite_side._assignment import Assignment, float_ops, per_channel, weight_bits
from tflq.tflite_side._domains import move
from tflq.tflite_side._file import drop_unused_tensors, pack, share_buffers
from tflq.tflite_side._float_writer import write_float_activations
from tflq.tflite_side._graph import Graph
from tflq.tflite_side._half import halve_constants
from tflq.tflite_side._integer_writer import write_integer
from tflq.tflite_side._io import Io, resolve_io, set_io
from tflq.tflite_side._op_versions import set_versions
from tflq.tflite_side._readback import Deviation, activation_deviations, weight_deviations
from tflq.tflite_side._signature import set_signature
from tflq.tflite_side._weights import SLOTS, held_bounds, weighted_ops, weights_of


@dataclass(frozen=True, kw_only=True)
class Quantized:
    """A quantized file and how far it holds what was asked.

    Attributes:
        content: the flatbuffer.
        asked: how many ranges (of activations and weights) were asked for.
        deviations: those that the file does not hold, with the rule that forced another.
    """

    content: bytes
    asked: int
    deviations: tuple[Deviation, ...]


def choose_bounds(
    graph: Graph, *, assignment: Assignment, method: str, trained: Mapping[int, np.ndarray]
) -> dict[int, np.ndarray]:
    """Largest absolute weights, by weight tensor index: trained ones, else calibrated.

    Weights that only float32 ops read have none.

    Raises:
        UserError: the method is unknown.
    """
    bits, fine = weight_bits(graph, assignment), per_channel(graph, assignment)
    bounds: dict[int, np.ndarray] = {}
    for op in weighted_ops(graph):
        index = weights_of(graph, op)
        if index in trained and index in bits:
            bounds[index] = trained[index]
        elif index in bits and index not in bounds:
            axis = SLOTS[op.kind].channel_axis if fine[index] else None
            bounds[index] = weight_bounds(
                graph.constant(index), axis=axis, bits=bits[index], method=method
            )
    return bounds


def quantize(
    floating: Graph,
    *,
    ranges: Mapping[int, tuple[float, float]],
    bounds: Mapping[int, np.ndarray],
    scheme: Scheme,
    assignment: Assignment,
    io: Io,
    inputs: Sequence[str],
    outputs: Sequence[str],
    signature: str = DEFAULT_SIGNATURE,
) -> Quantized:
    """Writes the file of a scheme.

    Args:
        floating: the normalized float graph; it is changed and must not be used again.
        ranges: (min, max) of every activation by tensor index; empty for schemes that keep
            activations in float32.
        bounds: largest absolute weight by weight tensor index.
        scheme: whose writer writes the file.
        assignment: the scheme of every op.
        io: dtypes of inputs and outputs.
        inputs: the user's names of the inputs.
        outputs: the user's names of the outputs.
        signature: the name under which the file is called with these names.

    Returns:
        The file with its names, and the deviations read back from it.

    Raises:
        UserError: the graph has nothing to quantize, or TensorFlow's quantizer refuses it.
        ConversionError: the file crashes LiteRT.
    """
    bits = weight_bits(floating, assignment)
    deviations: tuple[Deviation, ...] = ()
    if scheme.writer is Writer.INTEGER:
        quantized = write_integer(
            floating,
            ranges,
            bounds,
            bits,
            per_channel=scheme.per_channel,
            apart=float_ops(assignment),
        )
        doors = resolve_io(io, scheme, inputs=inputs, outputs=outputs)
        quantized = move(
            set_io(quantized, doors),
            floating,
            assignment,
            ranges,
            int16_doors=scheme.activation_bits == 16,
        )
        deviations = activation_deviations(quantized, floating, ranges, assignment)
    else:
        _require_weights(floating, scheme)
        quantized = floating
        if bounds:
            quantized = write_float_activations(floating, bounds, bits, scheme)
    _require_effect(quantized, scheme)
    held = held_bounds(quantized, floating, bits=bits)
    if scheme.writer is not Writer.INTEGER:
        halve_constants(quantized)
    quantized = _tidy(quantized.model)
    set_signature(quantized, signature, inputs=inputs, outputs=outputs)
    content = pack(quantized.model)
    _try(content)
    return Quantized(
        content=content,
        asked=len(ranges) + len(bounds),
        deviations=deviations + weight_deviations(floating, bounds, held),
    )


def _tidy(model: Any) -> Graph:
    drop_unused_tensors(model)
    set_versions(model)
    share_buffers(model)
    return Graph(model)


def _require_weights(floating: Graph, scheme: Scheme) -> None:
    if not weighted_ops(floating):
        raise UserError(
            f"scheme={scheme.name!r} quantizes the weights of convolutions and dense layers, "
            "and the model has none; choose scheme='w8a8'."
        )


def _try(content: bytes) -> None:
    """Runs the file elsewhere first: this process would not outlive a crash."""
    try:
        try_model(content=content)
    except (CrashError, TimeLimitError) as error:
        raise ConversionError(
            f"LiteRT does not outlive the quantized file ({error}); nothing was written. Please "
            "report it with the model, and export with another scheme meanwhile."
        ) from error


_CODES = ("int4", "int8", "uint8", "int16")


def _require_effect(quantized: Graph, scheme: Scheme) -> None:
    """Refuses a file that computes as the float one does: nobody asked for that."""
    for op in quantized.ops:
        sources = [quantized.tensors[index] for index in op.inputs if index >= 0]
        conversion = op.kind == "QUANTIZE" or (
            op.kind == "DEQUANTIZE" and not sources[0].is_constant
        )
        if not conversion and any(t.dtype in _CODES and t.quantization for t in sources):
            return
    kinds = ", ".join(dict.fromkeys(op.kind for op in quantized.ops)) or "none at all"
    raise UserError(
        f"scheme={scheme.name!r} quantized nothing: every op of the model stays in float32 (its "
        f"ops: {kinds}), as asked by scheme_for or since integers would ruin it; ask for single "
        f"layers by scheme_for={{NAME: {scheme.name!r}}}, or keep the float file."
    )
