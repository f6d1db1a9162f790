import io

import keras
import numpy as np
import pytest
from keras.applications.imagenet_utils import preprocess_input
from PIL import Image

from tflq import UserError
from tflq.data import PRESETS, ImageOptions, ImagePreset, InputSpec

SPEC = InputSpec("image", (None, 32, 48, 3), np.float32)


def _png(pixels):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def _noise(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("mode", ["tf", "torch", "caffe"])
def test_presets_of_keras_applications(mode):
    pixels = _noise(32, 48)
    came = ImageOptions(preset=mode).preparation(SPEC)(_png(pixels), "")
    wanted = preprocess_input(pixels.astype(np.float32), mode=mode)
    np.testing.assert_allclose(came, wanted, atol=2e-5)


FAMILIES = {
    "tf": "mobilenet mobilenet_v2 inception_v3 inception_resnet_v2 xception nasnet resnet_v2",
    "torch": "densenet",
    "caffe": "vgg16 vgg19 resnet",
    "raw": "efficientnet efficientnet_v2 mobilenet_v3 convnext",
}


@pytest.mark.parametrize(
    "preset, family",
    [(preset, family) for preset, names in FAMILIES.items() for family in names.split()],
)
def test_families_of_keras_applications(preset, family):
    pixels = _noise(32, 48)
    came = ImageOptions(preset=preset).preparation(SPEC)(_png(pixels), "")
    wanted = getattr(keras.applications, family).preprocess_input(pixels.astype(np.float32))
    np.testing.assert_allclose(came, wanted, atol=2e-5)


@pytest.mark.parametrize("preset, low, high", [("unit", 0, 1), ("raw", 0, 255), (None, 0, 255)])
def test_presets_of_plain_pixels(preset, low, high):
    pixels = _noise(32, 48)
    pixels[0, 0], pixels[0, 1] = 0, 255
    came = ImageOptions(preset=preset).preparation(SPEC)(_png(pixels), "")
    assert (came.min(), came.max()) == (low, high)
    np.testing.assert_allclose(came, pixels * np.float32(high / 255), rtol=1e-6)


@pytest.mark.parametrize("height, width", [(300, 400), (401, 333)])
def test_efficientnet_lite(height, width):
    pixels = _noise(height, width)
    side = int(224 / (224 + 32) * min(height, width))
    top, left = (height - side + 1) // 2, (width - side + 1) // 2
    part = Image.fromarray(pixels[top : top + side, left : left + side])
    wanted = (np.float32(part.resize((224, 224), Image.Resampling.BICUBIC)) - 127) / 128
    options = ImageOptions(preset="efficientnet-lite", image_size=224)
    np.testing.assert_allclose(options.preparation(SPEC)(_png(pixels), ""), wanted, atol=1e-6)


def test_every_preset_can_be_used():
    for name, preset in PRESETS.items():
        assert isinstance(preset, ImagePreset)
        assert ImageOptions(preset=name).preparation(SPEC).image_size == (32, 48)


def test_the_crop_follows_the_shorter_side_of_the_result():
    assert PRESETS["efficientnet-lite"].crop((240, 300)) == pytest.approx(240 / 272)
    assert PRESETS["tf"].crop((240, 300)) is None


def test_options_go_before_the_preset():
    options = ImageOptions(preset="caffe", mean=1.0, scale=[2, 3, 4], crop=0.5, image_size=8)
    found = options.preparation(SPEC)
    assert (found.mean, found.scale, found.crop) == ((1.0,), (2.0, 3.0, 4.0), 0.5)
    assert (found.image_size, found.bgr) == ((8, 8), True)


def test_zero_is_a_value():
    assert ImageOptions(preset="tf", mean=0.0).preparation(SPEC).mean == (0.0,)


def test_the_size_is_the_models_unless_given():
    assert ImageOptions().preparation(SPEC).image_size == (32, 48)
    assert ImageOptions(image_size=(5, 6)).preparation(SPEC).image_size == (5, 6)


@pytest.mark.parametrize("shape", [(None, None, 48, 3), (None, 32, None, 3)])
def test_an_open_size_must_be_given(shape):
    spec = InputSpec("image", shape, np.float32)
    with pytest.raises(UserError, match="leaves the size of pictures open; give image_size"):
        ImageOptions().preparation(spec)
    assert ImageOptions(image_size=8).preparation(spec).image_size == (8, 8)


def test_inputs_that_take_no_pictures():
    with pytest.raises(UserError, match=r"input 'ids' .* takes no pictures"):
        ImageOptions().preparation(InputSpec("ids", (None, 10), np.int32))


def test_unknown_presets_list_the_known():
    with pytest.raises(UserError, match="preset='keras' is unknown; choose one of: efficientnet"):
        ImageOptions(preset="keras").preparation(SPEC)


def test_bad_values_are_refused():
    for options in (ImageOptions(scale=0), ImageOptions(crop=2), ImageOptions(mean=[1, 2])):
        with pytest.raises(UserError):
            options.preparation(SPEC)
