"""What to try for the layers that do most harm.

Each of the worst layers falls under the first rule that applies to it and has something to say;
those of one rule share one piece of advice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tflq.diagnosis._arguments import Argument
from tflq.diagnosis._layers import LayerReport
from tflq.diagnosis._numbers import percent
from tflq.diagnosis._setting import Setting, eight_bits
from tflq.ranges import calibrators

Layers = Sequence[LayerReport]

# Layers that are spoken of: so many, and none that makes less than this share of the noise.
_MOST, _LEAST_SHARE = 8, 0.02
_UNLIKE_CHANNELS = 4.0
_CONSTANT_ERROR = 0.25
_CLIPPED, _CLIPPING_SHARE = 0.001, 0.5
_WIDE_RANGE = 3.0


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What to try for some layers.

    Attributes:
        layers: their names, the worst first.
        sentence: what is wrong and what may help.
        arguments: each one to be tried alone, the most promising first.
    """

    layers: tuple[str, ...]
    sentence: str
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class _Rule:
    """When it applies to a layer, and what is said of all such layers."""

    applies: Callable[[LayerReport], bool]
    says: Callable[[Layers, Setting], tuple[str, Sequence[Argument | None]]]


def advise(layers: Layers, setting: Setting) -> tuple[Advice, ...]:
    """Advice for the worst layers.

    Args:
        layers: the worst first.
        setting: how they were quantized.

    Returns:
        First what is of the worst layer.
    """
    left = [layer for layer in layers[:_MOST] if layer.share >= _LEAST_SHARE]
    order = {layer.layer: place for place, layer in enumerate(left)}
    found = []
    for rule in _RULES:
        fitting = [layer for layer in left if rule.applies(layer)]
        if not fitting:
            continue
        sentence, offered = rule.says(fitting, setting)
        arguments = tuple(argument for argument in offered if argument is not None)
        if arguments:
            names = tuple(layer.layer for layer in fitting)
            found.append(Advice(layers=names, sentence=sentence, arguments=arguments))
            left = [layer for layer in left if layer.layer not in names]
    return tuple(sorted(found, key=lambda advice: order[advice.layers[0]]))


def _has_four_bits(layer: LayerReport) -> bool:
    return _is_of_weights(layer) and layer.weights is not None and layer.weights.bits == 4


def _four_bits(layers: Layers, setting: Setting) -> tuple[str, Sequence[Argument | None]]:
    scheme = setting.recipe.scheme
    eight = eight_bits(scheme, per_channel=scheme.per_channel)
    return (
        f"4-bit weights make {_least(layers)} of the noise: learn how to round them, or give them "
        "8 bits here.",
        (setting.learn_rounding("adaround"), setting.scheme_for(_names(layers), eight)),
    )


def _has_unlike_channels(layer: LayerReport) -> bool:
    weights = layer.weights
    if not _is_of_weights(layer) or weights is None or weights.scales > 1:
        return False
    return len(weights.lowest) > 1 and weights.ratio >= _UNLIKE_CHANNELS


def _unlike_channels(layers: Layers, setting: Setting) -> tuple[str, Sequence[Argument | None]]:
    ratio = max(layer.weights.ratio for layer in layers if layer.weights is not None)
    fine = eight_bits(setting.recipe.scheme, per_channel=True)
    return (
        f"One scale serves channels of unlike weights (the largest reaches {ratio:.0f} times the "
        "median one): make the channels alike, or give each its own scale here.",
        (setting.equalize(), setting.scheme_for(_names(layers), fine)),
    )


def _has_constant_error(layer: LayerReport) -> bool:
    error = layer.accumulated
    return layer.weights is not None and error is not None and error.bias_share >= _CONSTANT_ERROR


def _constant_error(layers: Layers, setting: Setting) -> tuple[str, Sequence[Argument | None]]:
    share = max(layer.accumulated.bias_share for layer in layers if layer.accumulated is not None)
    return (
        f"Up to {percent(share)} of the error of the outputs is a constant of each channel: a "
        "corrected bias takes it out, and costs nothing on the phone.",
        (setting.correct_biases(),),
    )


def _is_of_weights(layer: LayerReport) -> bool:
    return layer.weights_share >= 0.5


def _rounded_weights(layers: Layers, setting: Setting) -> tuple[str, Sequence[Argument | None]]:
    rounding = setting.learn_rounding("least_squares")
    hope = "learn how to round them" if rounding else "leave these layers in float32"
    return (
        f"Weights make {_least(layers)} of the noise: {hope}.",
        (rounding, setting.scheme_for(_names(layers), "float32")),
    )


def _is_clipped(layer: LayerReport) -> bool:
    values = layer.activation
    if values is None or values.origin not in calibrators() or values.origin == "minmax":
        return False
    return values.clipped >= _CLIPPED and values.clipping_share >= _CLIPPING_SHARE


def _clipped(layers: Layers, setting: Setting) -> tuple[str, Sequence[Argument | None]]:
    values = [layer.activation for layer in layers if layer.activation is not None]
    most, share = max(v.clipped for v in values), min(v.clipping_share for v in values)
    return (
        f"Up to {percent(most, 2)} of the values are clipped, which makes {percent(share)} or more "
        "of the rounding error: let another calibrator choose a wider range.",
        (setting.calibrator_for(_names(layers), "minmax"),),
    )


def _is_wide(layer: LayerReport) -> bool:
    values = layer.activation
    if values is None or values.origin not in set(calibrators()) - {"percentile", "kl"}:
        return False
    return values.width_of_bulk >= _WIDE_RANGE


def _wide(layers: Layers, setting: Setting) -> tuple[str, Sequence[Argument | None]]:
    times = max(x.activation.width_of_bulk for x in layers if x.activation is not None)
    return (
        f"The range is up to {times:.1f} times as wide as what holds 99.9 % of the values, so most "
        "codes are hardly used: let another calibrator cut the rare ones off.",
        [setting.calibrator_for(_names(layers), name) for name in ("percentile", "kl")],
    )


def _coarse(layers: Layers, setting: Setting) -> tuple[str, Sequence[Argument | None]]:
    widened = [layer for layer in layers if setting.widens[layer.op]]
    hope = "give them 16 bits, or leave them in float32" if widened else "leave them in float32"
    return (
        f"Rounding the outputs makes most of the noise, and their ranges fit: {hope}. That costs "
        "time.",
        (
            setting.scheme_for(_names(widened), "w8a16"),
            setting.scheme_for(_names(layers), "float32"),
        ),
    )


def _names(layers: Layers) -> tuple[str, ...]:
    return tuple(layer.layer for layer in layers)


def _least(layers: Layers) -> str:
    share = percent(min(layer.weights_share for layer in layers), 0)
    return share if len(layers) == 1 else f"{share} or more"


_RULES = (
    _Rule(_has_four_bits, _four_bits),
    _Rule(_has_unlike_channels, _unlike_channels),
    _Rule(_has_constant_error, _constant_error),
    _Rule(_is_of_weights, _rounded_weights),
    _Rule(_is_clipped, _clipped),
    _Rule(_is_wide, _wide),
    _Rule(lambda layer: True, _coarse),
)
