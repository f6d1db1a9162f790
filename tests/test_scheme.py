import pytest

from tflq import Scheme, UserError, register_scheme, schemes
from tflq.scheme import Writer, get_scheme


def test_the_schemes_are_data():
    assert schemes()[:4] == ("w8a8", "w8a8-per-tensor", "w8", "dynamic")
    assert get_scheme("w8a8").per_channel and not get_scheme("w8a8-per-tensor").per_channel
    assert [get_scheme(name).needs_data for name in schemes()[:4]] == [True, True, False, False]


def test_an_unknown_scheme_is_refused_with_those_there_are():
    with pytest.raises(UserError, match="scheme='w4' is unknown; choose one of: w8a8, w8a8-per"):
        get_scheme("w4")


def test_a_scheme_is_added_in_one_place(monkeypatch):
    monkeypatch.setattr("tflq.scheme._SCHEMES", {})
    scheme = Scheme(
        name="mine",
        weight_bits=8,
        activation_bits=8,
        per_channel=False,
        writer=Writer.INTEGER,
        runtime="anything",
    )
    assert register_scheme(scheme) is get_scheme("mine")
    with pytest.raises(UserError, match="'mine' is registered already"):
        register_scheme(scheme)
