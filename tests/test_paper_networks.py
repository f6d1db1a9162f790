"""The networks of tools/paper_networks."""

import io

import keras
import numpy as np
import PIL.Image
import pytest
from paper_networks import NETWORKS, realistic
from paper_networks._roi_align import roi_align

from tflq.keras_side import from_keras
from tflq.tflite_side import Runner

# Millions of parameters, of one network of each file that defines some. Figures of others than
# keras.io leave out the statistics of batch norms, which is within the tolerance.
PUBLISHED = {
    "mobilenet_v2_1_4": 6.1,  # Sandler et al.: 6.06 without the statistics
    "resnext50_32x4d": 25.03,  # torchvision
    "inception_v4": 42.68,  # timm
    "deeplab_v3": 60.996 - 2.365,  # torchvision, without the auxiliary classifier
    "mask_rcnn": 44.40,  # torchvision
    "gnmt": 160.67,  # NVIDIA's DeepLearningExamples
    "transformer": 213.0,  # Vaswani et al.
    "jasper": 333.0,  # Li et al.
    "bert_large": 335.14,  # keras.io
}


def batched(samples):
    return {name: np.concatenate([sample[name] for sample in samples]) for name in samples[0]}


def outputs(model, samples):
    """All outputs for all samples, by output."""
    batch = batched(samples)
    found = model(keras.tree.map_structure(lambda spec: batch[spec.name], model.input))
    return [np.asarray(value) for value in keras.tree.flatten(found)]


def small(name):
    keras.utils.set_random_seed(0)
    return NETWORKS[name].build(smoke=True, weights=None)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_tells_its_samples_apart(name):
    network = NETWORKS[name]
    model = small(name)
    samples = network.samples(model, 3, seed=1)
    assert [spec.name for spec in model.inputs] == list(samples[0])
    for value in outputs(model, samples):
        assert np.isfinite(value).all()
        assert (value.std(axis=0) > 0).any()


@pytest.mark.parametrize(
    "name", ["resnext50_32x4d", "mask_rcnn", "jasper", "transformer", "bert_large"]
)
def test_small_versions_convert_and_compute_the_same(name):
    model = small(name)
    (sample,) = NETWORKS[name].samples(model, 1, seed=1)
    made = from_keras(model)
    found = Runner(made.tflite, inputs=made.inputs).run(sample)
    for one, other in zip(found, made.reference(sample), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3 * np.abs(other).max())


@pytest.mark.parametrize("name", PUBLISHED)
def test_true_sizes_are_the_published_ones(name):
    # Weights that are never made cost no memory.
    with keras.StatelessScope(initialize_variables=False):
        count = NETWORKS[name].build(smoke=False, weights=None).count_params()
    keras.utils.clear_session()
    assert count / 1e6 == pytest.approx(PUBLISHED[name], rel=0.03)


def test_roi_align_gives_means_of_the_bins():
    # Features that grow linearly with the place, so that the mean of a bin is its center's.
    height, width = np.mgrid[:32, :32] + 0.5
    place = np.stack([height, width], axis=-1)[None].astype(np.float32)
    inputs = {level: keras.Input((32 >> (level - 2), 32 >> (level - 2), 2)) for level in (2, 3)}
    # Of sides that belong to levels 2 and 3, of pictures of 128 pixels.
    boxes = np.array([[8.0, 16.0, 120.0, 128.0], [40.0, 24.0, 64.0, 88.0]])
    pooled, order = roi_align(inputs, boxes, 4, "box")
    features = [place * 4, place[:, ::2, ::2] * 4 + 2]
    found = keras.Model(list(inputs.values()), pooled)(features).numpy()
    assert order.tolist() == [1, 0]
    for values, (top, left, bottom, right) in zip(found, boxes[order], strict=True):
        steps = (np.arange(4) + 0.5) / 4
        inside = slice(0, 3)  # The last bins reach past the last centers.
        np.testing.assert_allclose(
            values[inside, inside, 0],
            np.tile(top + steps * (bottom - top), (4, 1)).T[inside, inside],
        )
        np.testing.assert_allclose(
            values[inside, inside, 1],
            np.tile(left + steps * (right - left), (4, 1))[inside, inside],
        )


def test_realistic_weights_settle_batch_norms_and_depend_on_the_seed_only():
    network = NETWORKS["resnext50_32x4d"]
    models = [small("resnext50_32x4d") for _ in range(3)]
    samples = network.samples(models[0], 4, seed=0)
    for model, seed in zip(models, (5, 5, 6), strict=True):
        realistic(model, samples, seed)
    first, same, other = ([np.asarray(w) for w in model.weights] for model in models)
    assert all(np.array_equal(one, two) for one, two in zip(first, same, strict=True))
    varied = [(one, two) for one, two in zip(first, other, strict=True) if one.ndim > 1]
    assert not any(np.array_equal(one, two) for one, two in varied)
    model = models[0]
    norm = model.get_layer("stage3_block1_middle_bn")
    reached = keras.Model(model.input, norm.input)(batched(samples)["image"]).numpy()
    # The layers before it compute in evaluation what they computed while they settled.
    np.testing.assert_allclose(norm.moving_mean, reached.mean((0, 1, 2)), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(norm.moving_variance, reached.var((0, 1, 2)), rtol=1e-3)
    assert norm.momentum == pytest.approx(0.99)
    (value,) = outputs(model, samples)
    assert 0.1 < value.std() < 10


def test_realistic_leaves_dropout_out_and_in_place():
    model = small("deeplab_v3")
    samples = NETWORKS["deeplab_v3"].samples(model, 3, seed=0)
    realistic(model, samples, 0)
    dropout = model.get_layer("pyramid_dropout")
    assert dropout.rate == 0.5
    norm = model.get_layer("head_bn")
    reached = keras.Model(model.input, norm.input)(batched(samples)["image"]).numpy()
    np.testing.assert_allclose(norm.moving_mean, reached.mean((0, 1, 2)), rtol=1e-3, atol=1e-3)


def test_kernels_keep_their_root_mean_square_but_not_their_channels():
    model = small("jasper")
    layer = model.get_layer("prologue_conv")
    before = layer.kernel.numpy()
    realistic(model, NETWORKS["jasper"].samples(model, 2, seed=0), 0)
    after = layer.kernel.numpy()
    assert np.square(after).mean() == pytest.approx(np.square(before).mean(), rel=1e-4)
    spreads = [np.log(np.square(kernel).mean((0, 1))).std() for kernel in (before, after)]
    assert spreads[1] > 3 * spreads[0]


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("mobilenet_v1", -1, 1), ("efficientnet_b0", 0, 255), ("resnet18", -2.2, 2.7)],
)
def test_pictures_are_smooth_and_within_the_range_of_their_network(name, low, high):
    network = NETWORKS[name]
    # A model that is never built deep is enough for its input's shape.
    model = keras.Sequential([keras.Input((64, 48, 3), name="image"), keras.layers.Flatten()])
    first, second = (sample["image"] for sample in network.samples(model, 2, seed=0))
    assert first.shape == (1, 64, 48, 3)
    assert first.dtype == np.float32
    assert low <= first.min() < first.max() <= high
    assert not np.array_equal(first, second)
    assert np.array_equal(first, network.samples(model, 1, seed=0)[0]["image"])
    # White noise has 1.13.
    assert np.abs(np.diff(first, axis=1)).mean() < 0.7 * first.std()


def test_words_are_as_frequent_as_zipf_found_them():
    model = small("bert_large")
    samples = NETWORKS["bert_large"].samples(model, 100, seed=0)
    ids = np.concatenate([sample["token_ids"].ravel() for sample in samples])
    assert ids.dtype == np.int32
    assert ids.min() >= 4
    assert ids.max() < 200
    counts = np.sort(np.bincount(ids))[::-1]
    assert counts[0] == pytest.approx(2 * counts[1], rel=0.4)
    assert set(np.unique(samples[0]["segment_ids"])) == {0, 1}


def encoded(pixels):
    stream = io.BytesIO()
    PIL.Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def test_photos_are_prepared_for_the_networks_that_have_weights():
    photo = encoded(np.full((300, 400, 3), (255, 128, 0), np.uint8))
    ready = {}
    for name, network in NETWORKS.items():
        assert (network.preparation is not None) == network.has_weights
        if network.preparation is not None:
            ready[name] = network.preparation(96)(photo, "photo")
            assert ready[name].shape == (96, 96, 3)
    np.testing.assert_allclose(ready["efficientnet_b0"][5, 7], (255, 128, 0))
    bgr = (-103.939, 128 - 116.779, 255 - 123.68)
    np.testing.assert_allclose(ready["resnet_v1_50"][5, 7], bgr, rtol=1e-5)


def test_only_the_middle_of_a_photo_is_seen():
    pixels = np.zeros((200, 400, 3), np.uint8)
    pixels[:, 100:300] = 255
    assert (NETWORKS["mobilenet_v1"].preparation(64)(encoded(pixels), "photo") == 1).all()


def test_networks_without_weights_say_so():
    with pytest.raises(ValueError, match="there are none"):
        NETWORKS["jasper"].build(smoke=True, weights="imagenet")


def test_trained_weights_fix_the_structure():
    model = NETWORKS["efficientnet_lite0"].build(smoke=True, weights="imagenet")
    assert model.input_shape == (None, 224, 224, 3)
    assert model.output_shape == (None, 1000)
