import math

import numpy as np
import pytest
from streams import ODD, STREAMS, histogram

from tflq._errors import UserError
from tflq.ranges import Histogram, _registry, calibrators, get_calibrator, register_calibrator

NAMES = ("minmax", "moving_average", "percentile", "mse", "kl")


@pytest.fixture
def registered(monkeypatch):
    """Registers a calibrator that returns what it is given, for one test."""
    monkeypatch.setattr(_registry, "_CALIBRATORS", dict(_registry._CALIBRATORS))

    def register(low, high):
        register_calibrator("fixed")(lambda histogram, *, bits: (low, high))
        return get_calibrator("fixed")

    return register


def test_names():
    assert calibrators() == NAMES


def test_unknown_names_are_answered_with_the_known():
    with pytest.raises(UserError, match="'entropy' is unknown.*" + ".*".join(NAMES)):
        get_calibrator("entropy")


def test_names_are_taken_once():
    with pytest.raises(UserError, match="'mse' is registered already"):
        register_calibrator("mse")


def test_registering_returns_the_function(monkeypatch):
    monkeypatch.setattr(_registry, "_CALIBRATORS", {})

    def function(histogram, *, bits):
        return -1.0, bits

    assert register_calibrator("mine")(function) is function
    assert calibrators() == ("mine",)
    assert get_calibrator("mine")(histogram([[1]]), bits=8) == (-1.0, 8.0)


@pytest.mark.parametrize(
    ("returned", "expected"),
    [((1, 2), (0, 2)), ((-2, -1), (-2, 0)), ((-1, 1), (-1, 1)), ((0, 0), (0, 0))],
)
def test_results_are_widened_to_hold_zero(registered, returned, expected):
    assert registered(*returned)(histogram([[1]]), bits=8) == expected


@pytest.mark.parametrize("bad", [(1, -1), (math.nan, 1), (0, math.inf), (-math.inf, 0)])
def test_bad_results_are_refused_by_name(registered, bad):
    with pytest.raises(UserError, match="calibrator 'fixed' returned"):
        registered(*bad)(histogram([[1]]), bits=8)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_histogram_is_refused(name):
    with pytest.raises(UserError, match=f"{name!r} got an empty histogram"):
        get_calibrator(name)(Histogram(), bits=8)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("bits", [2, 4, 8, 12, 16])
@pytest.mark.parametrize("tensor", ODD)
@pytest.mark.parametrize("name", NAMES)
def test_odd_tensors(name, tensor, bits):
    h = histogram([ODD[tensor]])
    low, high = get_calibrator(name)(h, bits=bits)
    assert min(h.minimum, 0) <= low <= 0 <= high <= max(h.maximum, 0)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("tensor", ["zeros", "positive_constant", "negative_constant"])
@pytest.mark.parametrize("name", NAMES)
def test_constants_are_kept_exactly(name, tensor):
    value = ODD[tensor][0]
    low, high = get_calibrator(name)(histogram([ODD[tensor]]), bits=8)
    assert (low, high) == (min(value, 0), max(value, 0))


@pytest.mark.parametrize("tensor", STREAMS)
@pytest.mark.parametrize("name", NAMES)
def test_negated_tensors_have_negated_ranges(name, tensor):
    samples = STREAMS[tensor]
    low, high = get_calibrator(name)(histogram(samples), bits=8)
    other_low, other_high = get_calibrator(name)(histogram([-s for s in samples]), bits=8)
    # Rounding of the zero point prefers one side, so ranges agree to a scale or so.
    assert (-other_high, -other_low) == pytest.approx((low, high), abs=0.2 * (high - low))


@pytest.mark.parametrize("factor", [2.0**-20, 2.0**20])
@pytest.mark.parametrize("name", NAMES)
def test_ranges_scale_with_the_tensor(name, factor):
    samples = STREAMS["projection"]
    low, high = get_calibrator(name)(histogram(samples), bits=8)
    scaled = get_calibrator(name)(histogram([s * np.float32(factor) for s in samples]), bits=8)
    assert scaled == pytest.approx((low * factor, high * factor))
