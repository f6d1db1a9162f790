"""What to try for the layers that do most harm: rules, the first that applies speaks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tflq.diagnosis._arguments import Argument
from tflq.diagnosis._layers import LayerReport
from tflq.diagnosis._setting import Setting, eight_bits
from tflq.ranges import calibrators

# Layers that are spoken of: so many, and none that makes less than this share of the noise.
_MOST, _LEAST_SHARE = 5, 0.02
_UNLIKE_CHANNELS = 4.0
_CONSTANT_ERROR = 0.25
_CLIPPED, _CLIPPING_SHARE = 0.001, 0.5
_WIDE_RANGE = 3.0


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What to try for one layer.

    Attributes:
        layer: its name.
        sentence: what is wrong and what may help.
        arguments: each one to be tried alone, the most promising first.
    """

    layer: str
    sentence: str
    arguments: tuple[Argument, ...]


Rule = Callable[[LayerReport, Setting], Advice | None]


def advise(layers: Sequence[LayerReport], setting: Setting) -> tuple[Advice, ...]:
    """Advice for the worst layers.

    Args:
        layers: the worst first.
        setting: how they were quantized.
    """
    worst = [layer for layer in layers[:_MOST] if layer.share >= _LEAST_SHARE]
    found = (next(filter(None, (rule(x, setting) for rule in _RULES)), None) for x in worst)
    return tuple(advice for advice in found if advice is not None)


def _advice(layer: LayerReport, sentence: str, *arguments: Argument | None) -> Advice | None:
    """None where nothing of it can be done."""
    possible = tuple(argument for argument in arguments if argument is not None)
    return Advice(layer=layer.layer, sentence=sentence, arguments=possible) if possible else None


def _four_bits(layer: LayerReport, setting: Setting) -> Advice | None:
    if not _is_of_weights(layer) or layer.weights is None or layer.weights.bits != 4:
        return None
    scheme = setting.recipe.scheme
    return _advice(
        layer,
        f"Its 4-bit weights make {layer.weights_share:.0%} of its noise: learn how to round them, "
        "or give this layer 8 bits.",
        setting.learn_rounding("adaround"),
        setting.scheme_for(layer.layer, eight_bits(scheme, per_channel=scheme.per_channel)),
    )


def _unlike_channels(layer: LayerReport, setting: Setting) -> Advice | None:
    weights = layer.weights
    if not _is_of_weights(layer) or weights is None or weights.scales > 1:
        return None
    if len(weights.lowest) < 2 or weights.ratio < _UNLIKE_CHANNELS:
        return None
    return _advice(
        layer,
        f"One scale serves channels of unlike weights (the largest reaches {weights.ratio:.0f} "
        "times the median one): make the channels alike, or give this layer a scale a channel.",
        setting.equalize(),
        setting.scheme_for(layer.layer, eight_bits(setting.recipe.scheme, per_channel=True)),
    )


def _constant_error(layer: LayerReport, setting: Setting) -> Advice | None:
    error = layer.accumulated
    if layer.weights is None or error is None or error.bias_share < _CONSTANT_ERROR:
        return None
    return _advice(
        layer,
        f"{error.bias_share:.0%} of the error of its outputs is a constant of each channel: a "
        "corrected bias takes it out at no cost.",
        setting.correct_biases(),
    )


def _rounded_weights(layer: LayerReport, setting: Setting) -> Advice | None:
    if not _is_of_weights(layer):
        return None
    bits = 8 if layer.weights is None else layer.weights.bits
    rounding = setting.learn_rounding("least_squares")
    hope = "learn how to round them" if rounding else "leave this layer in float32"
    return _advice(
        layer,
        f"Its {bits}-bit weights make {layer.weights_share:.0%} of its noise: {hope}.",
        rounding,
        setting.scheme_for(layer.layer, "float32"),
    )


def _clipped(layer: LayerReport, setting: Setting) -> Advice | None:
    values = layer.activation
    if values is None or values.origin not in calibrators() or values.origin == "minmax":
        return None
    if values.clipped < _CLIPPED or values.clipping_share < _CLIPPING_SHARE:
        return None
    wider = [name for name in ("minmax", "percentile") if name != values.origin]
    return _advice(
        layer,
        f"Its range, chosen by {values.origin}, clips {values.clipped:.2%} of the values, which "
        f"makes {values.clipping_share:.0%} of the error: let another calibrator choose a wider "
        "one.",
        *(setting.calibrator_for(layer.layer, name) for name in wider),
    )


def _wide_range(layer: LayerReport, setting: Setting) -> Advice | None:
    values = layer.activation
    if values is None or values.origin not in set(calibrators()) - {"percentile", "kl"}:
        return None
    bulk = values.bulk[1] - values.bulk[0]
    times = (values.chosen[1] - values.chosen[0]) / bulk if bulk else 0.0
    if times < _WIDE_RANGE:
        return None
    return _advice(
        layer,
        f"Its range is {times:.1f} times as wide as what holds 99.9 % of its values, so most codes "
        "are hardly used: let another calibrator cut the rare ones off.",
        *(setting.calibrator_for(layer.layer, name) for name in ("percentile", "kl")),
    )


def _coarse_activation(layer: LayerReport, setting: Setting) -> Advice | None:
    widens = setting.widens[layer.op]
    bits = 16 if layer.stored is not None and layer.stored.dtype == "int16" else 8
    hope = "give it 16 bits, or leave it in float32" if widens else "leave it in float32"
    own = "make most of its noise" if layer.weights is not None else "are all of its noise"
    return _advice(
        layer,
        f"The {bits} bits of its activation {own}, and its range fits: {hope}. Both cost time.",
        setting.scheme_for(layer.layer, "w8a16") if widens else None,
        setting.scheme_for(layer.layer, "float32"),
    )


def _is_of_weights(layer: LayerReport) -> bool:
    return layer.weights_share >= 0.5


_RULES: tuple[Rule, ...] = (
    _four_bits,
    _unlike_channels,
    _constant_error,
    _rounded_weights,
    _clipped,
    _wide_range,
    _coarse_activation,
)
