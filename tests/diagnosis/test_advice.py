import pytest
from reports import activation, layer, setting, weights

from tflq.diagnosis import advise
from tflq.diagnosis._accumulated import AccumulatedError

OF_WEIGHTS = {"weights_share": 0.9}


def _python(layers, where=None):
    advice = advise(layers, where or setting())
    return [argument.python for one in advice for argument in one.arguments]


@pytest.mark.parametrize(
    ("changes", "choices", "python"),
    [
        (
            OF_WEIGHTS | {"weights": weights(bits=4)},
            {"scheme": "w4a8"},
            ['rounding="adaround"', 'scheme_for={"conv": "w8a8"}'],
        ),
        (
            OF_WEIGHTS | {"weights": weights(bits=4, scales=1)},
            {"scheme": "w4a8-per-tensor", "rounding": "adaround"},
            ['scheme_for={"conv": "w8a8-per-tensor"}'],
        ),
        (
            OF_WEIGHTS | {"weights": weights(scales=1, ratio=9.0)},
            {"scheme": "w8a8-per-tensor"},
            ["equalize=True", 'scheme_for={"conv": "w8a8"}'],
        ),
        (
            {"accumulated": AccumulatedError(sqnr_db=9.0, bias=(1.0,), bias_share=0.6)},
            {},
            ['bias_correction="empirical"'],
        ),
        (OF_WEIGHTS, {}, ['rounding="least_squares"', 'scheme_for={"conv": "float32"}']),
        (
            {"activation": activation(clipped=0.02, clipping_share=0.9)},
            {},
            ['calibrator_for={"conv": "minmax"}'],
        ),
        (
            {"activation": activation(bulk=(0.0, 0.5), origin="minmax")},
            {"calibrator": "minmax"},
            ['calibrator_for={"conv": "percentile"}', 'calibrator_for={"conv": "kl"}'],
        ),
        ({}, {}, ['scheme_for={"conv": "w8a16"}', 'scheme_for={"conv": "float32"}']),
        ({"op": 1}, {}, ['scheme_for={"conv": "float32"}']),
    ],
)
def test_each_rule_names_its_arguments(changes, choices, python):
    assert _python([layer(**changes)], setting(choices)) == python


def test_layers_of_one_rule_share_their_advice():
    layers = [layer(), layer(layer="a b", share=0.3)]
    (advice,) = advise(layers, setting({"scheme_for": {"stem": "float32"}}))
    assert advice.layers == ("conv", "a b")
    python = 'scheme_for={"stem": "float32", "conv": "w8a16", "a b": "w8a16"}'
    assert advice.arguments[0].python == python
    flags = ("--scheme_for=conv=w8a16", "--scheme_for='a b=w8a16'")
    assert advice.arguments[0].flags == flags


def test_an_input_has_the_bits_of_its_readers():
    found = _python([layer(layer="image", kind="INPUT", op=-1, weights=None)])
    assert found[0] == 'scheme_for={"conv": "w8a16", "other": "w8a16"}'


def test_small_harm_is_not_spoken_of():
    assert advise([layer(share=0.01)], setting()) == ()


@pytest.mark.parametrize(
    ("shorthand", "python"),
    [("fast", 'recipe="best"'), ("best", 'scheme_for={"conv": "float32"}')],
)
def test_single_methods_are_not_put_beside_a_shorthand(shorthand, python):
    assert _python([layer(**OF_WEIGHTS)], setting({"recipe": shorthand}))[0] == python


def test_what_was_trained_is_trained_anew():
    (advice,) = advise([layer()], setting(trained=True))
    assert advice.arguments[0].python == 'tflq.quantize(model, scheme_for={"conv": "w8a16"})'
    assert advice.arguments[0].flags == ()


def test_schemes_of_float_activations_are_not_mixed():
    assert _python([layer(**OF_WEIGHTS)], setting({"scheme": "w8"})) == ['rounding="least_squares"']
