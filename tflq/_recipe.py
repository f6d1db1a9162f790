"""How a model is to be quantized: the choices of one export, checked up front."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tflq._errors import UserError
from tflq.ranges import WEIGHT_METHODS, get_calibrator
from tflq.scheme import Scheme, get_scheme
from tflq.tflite_side import check_io


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The choices of one export; see `tflq.export` for what they mean.

    Attributes:
        scheme: what to quantize to.
        calibrator: how ranges of activations are chosen.
        calibrator_for: calibrators of single layers, by name or pattern.
        weight_calibrator: how ranges of weights are chosen.
        io: dtype of inputs and outputs.
    """

    scheme: Scheme
    calibrator: str
    calibrator_for: Mapping[str, str] = field(default_factory=dict)
    weight_calibrator: str
    io: str


def make_recipe(
    *,
    scheme: str,
    calibrator: str,
    calibrator_for: Mapping[str, str] | None,
    weight_calibrator: str,
    io: str | None,
) -> Recipe:
    """Checks the choices of an export.

    Raises:
        UserError: a name is unknown, or `io` does not go with the scheme.
    """
    chosen = get_scheme(scheme)
    for name in (calibrator, *(calibrator_for or {}).values()):
        get_calibrator(name)
    if weight_calibrator not in WEIGHT_METHODS:
        raise UserError(
            f"weight_calibrator={weight_calibrator!r} is unknown; choose one of: "
            f"{', '.join(WEIGHT_METHODS)}."
        )
    io = io or ("int8" if chosen.needs_data else "float32")
    check_io(io)
    if io != "float32" and not chosen.needs_data:
        raise UserError(
            f"io={io!r} does not go with scheme={scheme!r}, whose activations stay float32; "
            "choose io='float32'."
        )
    return Recipe(
        scheme=chosen,
        calibrator=calibrator,
        calibrator_for=dict(calibrator_for or {}),
        weight_calibrator=weight_calibrator,
        io=io,
    )
