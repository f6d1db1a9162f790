"""Made-up layers and settings, for rules and pages."""

import dataclasses

from tflq._choices import choose
from tflq.diagnosis import LayerReport, Setting
from tflq.diagnosis._accumulated import AccumulatedError
from tflq.diagnosis._activation import ActivationRange
from tflq.diagnosis._layers import StoredActivation
from tflq.diagnosis._weights import WeightRanges


def activation(**changes):
    """A range that fits."""
    fitting = ActivationRange(
        chosen=(0.0, 6.0),
        origin="mse",
        seen=(0.0, 6.0),
        bulk=(0.0, 5.0),
        clipped=0.0,
        clipping_share=0.0,
        edges=(0.0, 3.0, 6.0),
        counts=(5.0, 5.0),
    )
    return dataclasses.replace(fitting, **changes)


def weights(**changes):
    """Alike channels with a scale each."""
    alike = WeightRanges(bits=8, scales=2, lowest=(-1.0, -1.0), highest=(1.0, 1.0), ratio=1.0)
    return dataclasses.replace(alike, **changes)


def layer(**changes):
    """A layer whose activation makes its noise."""
    plain = LayerReport(
        layer="conv",
        kind="CONV_2D",
        op=0,
        alone_db=10.0,
        weights_db=30.0,
        share=0.5,
        weights_share=0.01,
        accumulated=AccumulatedError(sqnr_db=9.0, bias=(0.0, 0.0), bias_share=0.0),
        stored=StoredActivation(dtype="int8", scale=0.02, zero_point=-128),
        activation=activation(),
        weights=weights(),
    )
    return dataclasses.replace(plain, **changes)


def setting(choices=None, **changes):
    """An export of a Keras model with data."""
    plain = Setting(
        recipe=choose(choices or {}),
        shorthand=(choices or {}).get("recipe"),
        keras=True,
        data=True,
        trained=False,
        widens={-1: True, 0: True, 1: False},
        readers={"image": ("conv", "other")},
    )
    return dataclasses.replace(plain, **changes)
