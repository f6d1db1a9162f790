"""How a model is to be quantized: the choices of one export, checked up front."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tflq._errors import UserError
from tflq._float_model import FloatModel
from tflq._methods import Methods
from tflq.ranges import WEIGHT_METHODS, get_calibrator
from tflq.scheme import Scheme, get_scheme
from tflq.tflite_side import Doors, Io, check_io, check_scheme_for, default_io, resolve_io


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The choices of one export; see `tflq.export` for what they mean.

    Attributes:
        scheme: what to quantize to.
        scheme_for: schemes of single layers, by name or pattern.
        calibrator: how ranges of activations are chosen.
        calibrator_for: calibrators of single layers, by name or pattern.
        weight_calibrator: how ranges of weights are chosen.
        methods: what else is done.
        input_range: smallest and largest value of the inputs, where there is no data.
        io: dtype of inputs and outputs, or dtypes by "input", "output" and name.
        split_outputs: hand out what outputs join at their end one by one.
    """

    scheme: Scheme
    scheme_for: Mapping[str, str] = field(default_factory=dict)
    calibrator: str
    calibrator_for: Mapping[str, str] = field(default_factory=dict)
    weight_calibrator: str
    methods: Methods
    input_range: tuple[float, float]
    io: Io
    split_outputs: bool = False


def make_recipe(
    *,
    scheme: str,
    scheme_for: Mapping[str, str] | None,
    calibrator: str,
    calibrator_for: Mapping[str, str] | None,
    weight_calibrator: str,
    methods: Methods,
    input_range: tuple[float, float],
    io: Io | None,
    split_outputs: bool = False,
) -> Recipe:
    """Checks the choices of an export.

    Raises:
        UserError: a name is unknown, or choices do not go together.
    """
    chosen = get_scheme(scheme)
    check_scheme_for(chosen, scheme_for or {})
    for name in (calibrator, *(calibrator_for or {}).values()):
        get_calibrator(name)
    if weight_calibrator not in WEIGHT_METHODS:
        raise UserError(
            f"weight_calibrator={weight_calibrator!r} is unknown; choose one of: "
            f"{', '.join(WEIGHT_METHODS)}."
        )
    low, high = input_range
    if not low < high:
        raise UserError(
            f"input_range={input_range!r} holds no values; give the smallest and the largest "
            "value of the inputs, such as (-1, 1)."
        )
    return Recipe(
        scheme=chosen,
        scheme_for=dict(scheme_for or {}),
        calibrator=calibrator,
        calibrator_for=dict(calibrator_for or {}),
        weight_calibrator=weight_calibrator,
        methods=methods,
        input_range=(float(low), float(high)),
        io=_chosen_io(io, chosen),
        split_outputs=split_outputs,
    )


def _chosen_io(io: Io | None, scheme: Scheme) -> Io:
    io = io or default_io(scheme)
    check_io(io, scheme)
    return dict(io) if isinstance(io, Mapping) else io


def doors_of(recipe: Recipe, model: FloatModel) -> Doors:
    """The dtypes that a recipe gives a model's inputs and outputs.

    Raises:
        UserError: it names one that the model does not have.
    """
    names = [spec.name for spec in model.inputs]
    return resolve_io(recipe.io, recipe.scheme, inputs=names, outputs=model.outputs)
