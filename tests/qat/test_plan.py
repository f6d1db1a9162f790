"""Which activations share a range, seen on quantized models."""

import keras
import numpy as np
import pytest
from keras import layers
from small_networks import LAYERS, noise
from training import fit, kernels, outputs, quantizer, quantizers, span

import tflq
from tflq.keras_side import read_graph
from tflq.qat._plan import Rules, edges, groups
from tflq.qat._prepare import prepare


def _image(body):
    keras.utils.set_random_seed(0)
    given = keras.Input((8, 8, 3), name="given")
    return keras.Model(given, body(given))


def _names(model):
    return {layer.name for layer in quantizers(tflq.quantize(model))}


def test_layers_that_move_values_get_no_range_of_their_own():
    def body(x):
        x = layers.Conv2D(4, 3, name="conv")(x)
        x = layers.MaxPooling2D(name="pool")(layers.ZeroPadding2D(name="pad")(x))
        x = layers.Permute((2, 1, 3), name="permute")(layers.Dropout(0.1, name="drop")(x))
        return layers.Dense(2, name="dense")(layers.Flatten(name="flat")(x))

    assert _names(_image(body)) == {"given_quant", "conv_quant", "dense_quant"}


def test_means_are_rounded_to_the_range_of_what_they_average():
    def body(x):
        x = layers.Conv2D(4, 3, name="conv")(x)
        return layers.Conv2D(2, 1, name="last")(layers.AveragePooling2D(2, name="pool")(x))

    qat = tflq.quantize(_image(body))
    assert {layer.name for layer in quantizers(qat)} == {"given_quant", "conv_quant", "last_quant"}
    conv = quantizer(qat, "conv_quant")
    assert conv.sites == 1 and len(conv._inbound_nodes) == 2
    fit(qat, noise(8, 8, 3))
    pooled = keras.Model(qat.input, conv._inbound_nodes[1].output_tensors[0])
    low, high = span(conv)
    codes = outputs(pooled, noise(8, 8, 3))[0] / ((high - low) / 255)
    np.testing.assert_allclose(codes, np.rint(codes), atol=2e-3)


def test_a_concatenation_of_unlike_ranges_has_one_scale():
    def body(x):
        a, b = (layers.Conv2D(2, 1, name=name, use_bias=False) for name in "ab")
        y = layers.Concatenate(name="join")([a(x), b(x)])
        b.set_weights([64 * a.get_weights()[0]])
        return layers.Conv2D(2, 1, name="last")(y)

    qat = tflq.quantize(_image(body))
    shared = quantizer(qat, "a_quant")
    assert shared.sites == 2
    fit(qat, noise(8, 8, 3), rate=1e-9)
    low, high = np.asarray(shared.low), np.asarray(shared.high)
    np.testing.assert_allclose(low[1] / low[0], 64, rtol=0.05)
    assert span(shared) == (low[1], high[1])


def test_a_residual_sum_has_a_range_of_its_own():
    def body(x):
        a = layers.Conv2D(3, 1, name="a")(x)
        b = layers.BatchNormalization()(layers.Conv2D(3, 1, name="b")(a))
        return layers.Conv2D(2, 1, name="last")(layers.ReLU(name="relu")(layers.Add()([a, b])))

    names = {"given_quant", "a_quant", "b_quant", "relu_quant", "last_quant"}
    assert _names(_image(body)) == names


def test_a_softmax_beside_a_convolution_is_converted_to_the_shared_range():
    qat = tflq.quantize(LAYERS["softmax beside convolution"]())
    (own,) = [layer for layer in quantizers(qat) if layer.fixed is not None]
    shared = quantizer(qat, "a_quant")
    assert own.fixed == (0, 255 / 256) and shared.fixed is None and shared.sites == 2
    assert own.name.startswith("probabilities_quant")
    fit(qat, noise(8, 8, 3))
    assert span(shared)[0] < -0.5 and span(shared)[1] > 0.996


def test_a_concatenation_of_sigmoids_keeps_their_range():
    def body(x):
        a, b = (layers.Conv2D(2, 1, activation="sigmoid", name=name)(x) for name in "ab")
        return layers.Conv2D(2, 1, name="last")(layers.Concatenate()([a, b]))

    fixed = [q for q in quantizers(tflq.quantize(_image(body))) if q.fixed is not None]
    assert len(fixed) == 1 and fixed[0].sites == 2


@pytest.mark.parametrize(
    "clamp",
    [
        lambda: layers.ReLU(),
        lambda: layers.ReLU(6.0),
        lambda: layers.ReLU(2.5),
        lambda: layers.Activation("relu"),
        lambda: layers.Activation("hard_tanh"),
    ],
)
def test_what_only_a_clamp_reads_has_no_range(clamp):
    made = _image(lambda x: layers.Conv2D(2, 1)(clamp()(layers.Conv2D(2, 1, name="conv")(x))))
    assert not any(name.startswith("conv_quant") for name in _names(made))


def test_what_clamps_a_mean_keeps_the_scale_of_what_is_averaged():
    """The kernel of the mean clamps, too, and cannot change the scale."""

    def body(x):
        x = layers.AveragePooling2D(2, name="pool")(layers.Conv2D(4, 3, name="conv")(x))
        return layers.Conv2D(2, 1, name="last")(layers.ReLU(name="relu")(x))

    assert _names(_image(body)) == {"given_quant", "conv_quant", "last_quant"}


@pytest.mark.parametrize("read", ["twice", "as an output"])
def test_what_a_clamp_and_others_read_has_one(read):
    def body(x):
        y = layers.Conv2D(2, 1, name="conv")(x)
        z = layers.ReLU(name="relu")(y)
        return [y, z] if read == "as an output" else layers.Add()([y, z])

    assert {"conv_quant", "relu_quant"} <= _names(_image(body))


def test_leaky_rectifiers_are_not_fused():
    made = _image(lambda x: layers.LeakyReLU(name="leaky")(layers.Conv2D(2, 1, name="conv")(x)))
    assert {"conv_quant", "leaky_quant"} <= _names(made)


def test_rectified_ranges_need_no_smallest():
    qat = tflq.quantize(_image(lambda x: layers.ReLU(name="r")(layers.Conv2D(2, 1)(x))))
    assert quantizer(qat, "r_quant").nonnegative
    assert not quantizer(qat, "given_quant").nonnegative


def test_integers_are_not_quantized():
    qat = tflq.quantize(LAYERS["Embedding"]())
    assert not any("given" in layer.name for layer in quantizers(qat))


def test_every_float_tensor_is_in_one_group():
    graph = read_graph(LAYERS["squeeze and excite"]())
    prepare(graph)
    found = groups(graph, Rules(graph, ()))
    members = [tensor for group in found for tensor in group.members]
    assert len(members) == len(set(members))
    assert set(graph.outputs) <= set(members) and set(graph.inputs) <= set(members)
    assert all(set(group.sources) <= set(group.members) for group in found)


def test_edges_are_the_first_and_last_weighted_layers_of_every_way():
    def body(x):
        a = layers.Conv2D(2, 1, name="a")(x)
        b = layers.Conv2D(2, 1, name="b")(layers.ReLU()(x))
        c = layers.Conv2D(2, 1, name="c")(layers.Add()([a, b]))
        return [layers.Conv2D(2, 1, name="d")(c), layers.Conv2D(2, 1, name="e")(c)]

    graph = read_graph(_image(body))
    assert {layer.name for layer in edges(graph)} == {"a", "b", "d", "e"}


def test_what_only_scales_is_no_edge_and_keeps_8_bits():
    def body(x):
        x = layers.Conv2D(4, 3, name="first")(layers.Rescaling([0.5, 1.0, 2.0], name="pre")(x))
        x = layers.Conv2D(4, 3, name="middle")(layers.DepthwiseConv2D(3, name="inner")(x))
        return layers.Rescaling(0.1, name="post")(layers.Conv2D(2, 1, name="last")(x))

    qat = tflq.quantize(_image(body), scheme="w4a8")
    bits = {layer.layer.name: layer.quantizer.bits for layer in kernels(qat)}
    assert bits == {"pre": 8, "first": 8, "inner": 4, "middle": 4, "last": 8, "post": 8}
