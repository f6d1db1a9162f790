"""Outputs that join what has unlike ranges, such as boxes and scores."""

import keras
import numpy as np
import pytest
from keras import layers

import tflq
from tflq.tflite_side import Runner

IMAGES = np.random.default_rng(0).random((60, 16, 16, 3)).astype("float32")


def _heads(name):
    """Boxes of 0 to 640, scores of 0 to 1, made of one image."""
    keras.utils.set_random_seed(0)
    image = keras.Input((16, 16, 3), name="image")
    x = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(image)
    boxes = layers.Reshape((64, 4))(layers.Conv2D(4, 1)(x))
    boxes = layers.Rescaling(200.0, offset=320.0, name="boxes")(boxes)
    scores = layers.Conv2D(5, 1, activation="sigmoid")(x)
    scores = layers.Reshape((64, 5), name="scores")(scores)
    return image, boxes, scores


def _detector():
    image, boxes, scores = _heads("joined")
    return keras.Model(image, layers.Concatenate(name="joined")([boxes, scores]))


def _run(path):
    runner = Runner(path.read_bytes())
    name = runner.inputs[0].name
    parts = [runner.run({name: image[None]}) for image in IMAGES[:20]]
    return [np.concatenate(values) for values in zip(*parts, strict=True)]


def _sqnr_db(wanted, came):
    return 10 * np.log10(np.sum(wanted**2) / np.sum((wanted - came) ** 2))


def test_a_narrow_input_is_told_with_its_channels(tmp_path):
    report = tflq.export(_detector(), tmp_path / "m.tflite", data=IMAGES)
    (note,) = report.notes
    assert "'joined'" in note and "'scores'" in note and "split_outputs" in note
    whole, channels = report.outputs[0].sqnr_db, report.outputs[0].channels_db
    assert whole > 40 and min(channels[:4]) > 40 and max(channels[4:]) < 10
    assert "Channels of the last axis" in str(report) and "Take note" in str(report)


def test_outputs_in_float_are_joined_in_float(tmp_path):
    model, path = _detector(), tmp_path / "m.tflite"
    report = tflq.export(model, path, data=IMAGES, io="float32")
    (joined,) = _run(path)
    wanted = model.predict(IMAGES[:20], verbose=0)
    assert _sqnr_db(wanted[..., :4], joined[..., :4]) > 30
    assert _sqnr_db(wanted[..., 4:], joined[..., 4:]) > 25
    assert "CONCATENATION (joined)" in report.kept_float and not report.notes
    assert report.facts.float_ops == ("CONCATENATION (joined)",)


@pytest.mark.parametrize("scheme", ["w8a8", "w8a16"])
def test_split_outputs_have_scales_of_their_own(scheme, tmp_path):
    model, path = _detector(), tmp_path / "m.tflite"
    report = tflq.export(model, path, data=IMAGES, scheme=scheme, split_outputs=True)
    assert [output.name for output in report.outputs] == ["joined_0", "joined_1"]
    boxes, scores = _run(path)
    wanted = model.predict(IMAGES[:20], verbose=0)
    assert _sqnr_db(wanted[..., :4], boxes) > 30
    assert _sqnr_db(wanted[..., 4:], scores) > 25
    assert not report.notes and "CONCATENATION" not in report.facts.ops


def test_concatenations_of_concatenations_are_split_and_others_kept(tmp_path):
    image, boxes, scores = _heads("nested")
    first = layers.Concatenate()([boxes, scores])
    second = layers.Concatenate()([layers.Rescaling(0.5)(boxes), layers.Rescaling(0.5)(scores)])
    outer = layers.Concatenate(axis=1, name="all")([first, second])
    plain = layers.Dense(2, name="plain")(layers.Flatten()(scores))
    model, path = keras.Model(image, [outer, plain]), tmp_path / "m.tflite"
    report = tflq.export(model, path, data=IMAGES, split_outputs=True)
    names = [output.name for output in report.outputs]
    assert names == ["all_0", "all_1", "all_2", "all_3", "plain"]
    shapes = [value.shape[1:] for value in _run(path)]
    assert shapes == [(64, 4), (64, 5), (64, 4), (64, 5), (2,)]
    assert all(output.sqnr_db > 20 for output in report.outputs)


def test_split_outputs_survive_rewriting(tmp_path):
    keras.utils.set_random_seed(0)
    image = keras.Input((16, 16, 3), name="image")
    x = layers.Conv2D(8, 3, use_bias=False)(image)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Conv2D(8, 3, activation="relu")(x)
    joined = layers.Concatenate(name="joined")([layers.Conv2D(4, 1)(x), layers.Conv2D(2, 1)(x)])
    report = tflq.export(
        keras.Model(image, joined),
        tmp_path / "m.tflite",
        data=IMAGES,
        equalize=True,
        split_outputs=True,
    )
    assert [output.name for output in report.outputs] == ["joined_0", "joined_1"]
    assert {step.step for step in report.steps} >= {"equalize"}


def test_a_model_without_such_an_output_is_refused(tmp_path):
    image = keras.Input((4,), name="image")
    model = keras.Model(image, layers.Dense(3, name="head")(image))
    with pytest.raises(tflq.UserError, match=r"split_outputs=True: no output of .*\(head\)"):
        tflq.export(model, tmp_path / "m.tflite", data=IMAGES[:, 0, :4, 0], split_outputs=True)
    assert not (tmp_path / "m.tflite").exists()


def test_a_narrow_input_inside_is_told(tmp_path):
    image, boxes, scores = _heads("inside")
    x = layers.Concatenate(name="inside")([boxes, scores])
    model = keras.Model(image, layers.Dense(3)(x))
    (note,) = tflq.export(model, tmp_path / "m.tflite", data=IMAGES).notes
    assert "'inside'" in note and "scheme_for" in note
