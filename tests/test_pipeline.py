"""An export's methods, one after another."""

from pathlib import Path

import keras
import networks
import numpy as np
import pytest
from keras import layers

import tflq
from tflq.keras_side import Rewriting
from tflq.scheme import get_scheme


@pytest.fixture(scope="module")
def unlike():
    """A network whose first two convolutions have channels of very unlike ranges."""
    keras.utils.set_random_seed(0)
    image = keras.Input((12, 12, 3), name="image")
    x = layers.Conv2D(16, 3, padding="same", name="first")(image)
    x = layers.DepthwiseConv2D(3, padding="same", name="second")(layers.ReLU()(x))
    x = layers.Conv2D(8, 1, name="third")(layers.ReLU()(x))
    x = layers.Dense(5, name="logits")(layers.GlobalAveragePooling2D()(layers.ReLU()(x)))
    model = keras.Model(image, x, name="unlike")
    factors = np.geomspace(1, 1e-3, 16)
    kernel, _ = model.get_layer("first").get_weights()
    bias = np.random.default_rng(0).normal(size=16) * 0.1
    model.get_layer("first").set_weights([kernel * factors, bias * factors])
    kernel, _ = model.get_layer("third").get_weights()
    model.get_layer("third").set_weights([kernel / factors[:, None], np.ones(8) * 0.1])
    data = np.random.default_rng(1).normal(size=(40, 12, 12, 3)).astype(np.float32)
    return model, data


def _export(unlike, tmp_path, **choices):
    model, data = unlike
    return tflq.export(model, tmp_path / "m.tflite", data=choices.pop("data", data), **choices)


def test_without_methods_there_are_no_steps(unlike, tmp_path):
    report = _export(unlike, tmp_path)
    assert report.steps == () and report.plot(tmp_path / "pictures") == ()


def test_every_step_is_measured_and_the_last_is_the_file(unlike, tmp_path):
    report = _export(
        unlike,
        tmp_path,
        scheme="w8a8-per-tensor",
        equalize=True,
        absorb_bias=True,
        bias_correction="empirical",
        rounding="least_squares",
    )
    steps = {step.step: step for step in report.steps}
    assert list(steps) == ["ranges", "bias_correction", "equalize", "absorb_bias", "rounding"]
    assert all(step.kept for step in report.steps)
    assert steps["equalize"].sqnr_db > steps["ranges"].sqnr_db + 6
    assert steps["rounding"].sqnr_db > steps["absorb_bias"].sqnr_db
    assert report.outputs[0].sqnr_db == pytest.approx(steps["rounding"].sqnr_db)
    assert set(steps) <= set(report.seconds) | {"ranges"}
    assert report.verification == "held-out" and report.calibration_samples == 36


def test_the_file_holds_what_the_last_step_measured(unlike, tmp_path):
    report = _export(unlike, tmp_path, recipe="best", scheme="w4a8", verify_data=unlike[1])
    (output,) = tflq.compare(unlike[0], report.path, unlike[1]).outputs
    assert output.sqnr_db == pytest.approx(report.outputs[0].sqnr_db, abs=1e-3)


def test_best_never_ends_below_where_it_began(unlike, tmp_path):
    report = _export(unlike, tmp_path, recipe="best")
    kept = [step.sqnr_db for step in report.steps if step.kept]
    assert kept == sorted(kept)
    assert report.outputs[0].sqnr_db == pytest.approx(kept[-1])


def test_best_drops_what_hurts_and_says_so(unlike, tmp_path, monkeypatch):
    equalize = Rewriting.equalize

    def spoiling(self, samples, **options):
        done = equalize(self, samples, **options)
        for layer in self._graph.calls():
            if layer.name == "third":
                layer.weights[0] = layer.weights[0] * 10
        return done

    monkeypatch.setattr(Rewriting, "equalize", spoiling)
    with pytest.raises(tflq.ConversionError, match="does not compute what the model does"):
        _export(unlike, tmp_path, recipe="best", scheme="w4a8")
    monkeypatch.setattr("tflq._verify._TOLERANCE", 1e9)
    report = _export(unlike, tmp_path, recipe="best", scheme="w4a8")
    dropped = next(step for step in report.steps if step.step == "equalize")
    assert not dropped.kept
    assert "no " in str(report)
    assert report.outputs[0].sqnr_db >= report.steps[0].sqnr_db > dropped.sqnr_db
    forced = _export(unlike, tmp_path, equalize=True, scheme="w4a8")
    assert all(step.kept for step in forced.steps)


def test_without_data_batch_normalization_gives_the_ranges(tmp_path):
    keras.utils.set_random_seed(0)
    image = keras.Input((12, 12, 3), name="image")
    x = image
    for name in ("one", "two"):
        x = layers.Conv2D(8, 3, padding="same", use_bias=False, name=name)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Dense(5, name="logits")(layers.GlobalAveragePooling2D()(x))
    data = networks.noise(12, 12, 3)
    model = networks.settle(keras.Model(image, x), data)
    report = tflq.export(
        model,
        tmp_path / "m.tflite",
        recipe="data-free",
        input_range=(-4.0, 4.0),
        verify_data=data,
    )
    assert report.calibration_samples == 0 and report.verification == "given"
    assert report.ranges["image"] == (-4.0, 4.0)
    assert report.outputs[0].sqnr_db > 15
    silent = tflq.export(model, tmp_path / "n.tflite", recipe="data-free", input_range=(-4, 4))
    assert silent.verification == "none" and silent.outputs == ()
    assert {step.sqnr_db for step in silent.steps} == {None}


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "tanh", "log_softmax"])
def test_without_data_logits_reach_as_far_as_their_inputs_make_them(activation, tmp_path):
    keras.utils.set_random_seed(0)
    image = keras.Input((12, 12, 3), name="image")
    x = layers.BatchNormalization()(layers.Conv2D(8, 3, use_bias=False)(image))
    x = layers.GlobalAveragePooling2D()(layers.ReLU(6.0)(x))
    data = networks.noise(12, 12, 3)
    model = networks.settle(keras.Model(image, layers.Dense(5, activation=activation)(x)), data)
    report = tflq.export(
        model, tmp_path / "m.tflite", recipe="data-free", input_range=(-4, 4), verify_data=data
    )
    assert report.outputs[0].sqnr_db > 20


def test_without_data_and_normalization_the_missing_ranges_are_named(tmp_path):
    x = keras.Input((4,), name="x")
    y = layers.Dense(3, name="after")(layers.Activation("swish", name="odd")(layers.Dense(4)(x)))
    with pytest.raises(tflq.UserError, match=r"batch normalization tells nothing.*odd.*give data="):
        tflq.export(keras.Model(x, y), tmp_path / "m.tflite", recipe="data-free")


def test_an_empty_input_range_is_refused(unlike, tmp_path):
    with pytest.raises(tflq.UserError, match=r"input_range=\(1, 1\) holds no values"):
        _export(unlike, tmp_path, data=None, recipe="data-free", input_range=(1, 1))


def test_what_cannot_be_equalized_is_said_and_left(tmp_path):
    model, data = networks.shared_layer()
    report = tflq.export(model, tmp_path / "m.tflite", data=data, equalize=True, verify_data=data)
    step = report.steps[1]
    assert step.note == "0 links" and step.left == {"conv": "it is used more than once"}
    assert "What equalize left alone" in str(report)
    assert step.sqnr_db == pytest.approx(report.steps[0].sqnr_db, abs=0.1)


def test_the_users_model_stays_as_it_is(unlike, tmp_path):
    model, _ = unlike
    before = [weight.copy() for weight in model.get_weights()]
    _export(unlike, tmp_path, recipe="best", scheme="w4a8")
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("rounding", ["least_squares", "adaround"])
def test_learned_rounding_goes_on_where_it_was_stopped(rounding, unlike, tmp_path, monkeypatch):
    from tflq.tflite_side import _refine

    solved = []
    solve = _refine.ROUNDINGS[rounding]

    def stopping(problem):
        solved.append(problem)
        if len(solved) == 3:
            raise KeyboardInterrupt
        return solve(problem)

    choices = {"rounding": rounding, "scheme": "w4a8"}
    monkeypatch.setitem(_refine.ROUNDINGS, rounding, stopping)
    with pytest.raises(KeyboardInterrupt):
        _export(unlike, tmp_path, **choices)
    assert not (tmp_path / "m.tflite").exists()
    assert len(list((tmp_path / ".m.tflite.rounding").glob("*.rounded"))) == 2
    _export(unlike, tmp_path, **choices)
    # Four layers: two came from the disk, the one that was stopped was begun anew.
    assert len(solved) == 3 + 2
    assert list(tmp_path.iterdir()) == [tmp_path / "m.tflite"]
    resumed = (tmp_path / "m.tflite").read_bytes()
    monkeypatch.setitem(_refine.ROUNDINGS, rounding, solve)
    _export(unlike, tmp_path, **choices)
    assert (tmp_path / "m.tflite").read_bytes() == resumed


def test_pictures_show_what_equalization_and_correction_did(unlike, tmp_path):
    report = _export(unlike, tmp_path, scheme="w8a8-per-tensor", recipe="best")
    before, after = (
        max(change) / min(change)
        for change in (
            report.weight_ranges["first"].before,
            report.weight_ranges["first"].after,
        )
    )
    assert before > 100 * after
    biases = report.output_biases.values()
    old, new = (np.concatenate([getattr(c, side) for c in biases]) for side in ("before", "after"))
    assert np.square(new).sum() < np.square(old).sum()
    drawn = report.plot(tmp_path / "pictures")
    assert [path.rsplit("/", 1)[1] for path in drawn] == ["weight_ranges.png", "output_biases.png"]
    for path in map(Path, drawn):
        assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_pictures_need_a_folder(unlike, tmp_path):
    report = _export(unlike, tmp_path, bias_correction="empirical")
    (tmp_path / "file").write_text("")
    with pytest.raises(tflq.UserError, match=r"folder '.*file' cannot be made: "):
        report.plot(tmp_path / "file")


@pytest.mark.parametrize(
    ("scheme_for", "dtypes"),
    [
        ({"second": "w8a16"}, {"int8", "int16"}),
        ({"*ir*": "float32"}, {"int8", "float32"}),
        ({"first": "w4a8", "second": "float32"}, {"int8", "int4", "float32"}),
    ],
)
def test_layers_may_have_schemes_of_their_own(scheme_for, dtypes, unlike, tmp_path):
    report = _export(unlike, tmp_path, scheme_for=scheme_for, verify_data=unlike[1])
    held = {t.dtype for t in tflq.inspect(report.path).tensors}
    assert held - {"int32", "int64"} == dtypes
    assert report.deviations == ()
    assert report.outputs[0].sqnr_db > 10
    said = " ".join(str(report).split())
    for pattern, scheme in scheme_for.items():
        runtime = "" if scheme == "float32" else f" ({get_scheme(scheme).runtime})"
        assert f"of {pattern} {scheme}{runtime}" in said


def test_a_pattern_that_matches_nothing_is_refused(unlike, tmp_path):
    with pytest.raises(tflq.UserError, match=r"scheme_for.*'fourth' matches no"):
        _export(unlike, tmp_path, scheme_for={"fourth": "w8a16"})


def test_w8a16_keeps_what_w8a8_loses(unlike, tmp_path):
    report = _export(unlike, tmp_path, scheme="w8a16", equalize=True, verify_data=unlike[1])
    assert report.outputs[0].sqnr_db > 40
    assert report.recipe.io == "int16"
    assert "XNNPACK takes none of it" in str(report)
    assert report.facts.delegation.delegated == 0


def test_methods_work_on_a_tflite_and_on_16_bit_activations(unlike, tmp_path):
    from tflq._source import open_model

    model, data = unlike
    (tmp_path / "float.tflite").write_bytes(open_model(model).tflite)
    report = tflq.export(
        tmp_path / "float.tflite",
        tmp_path / "m.tflite",
        data=data,
        scheme="w8a16",
        rounding="least_squares",
        bias_correction="empirical",
    )
    first, *_, last = (step.sqnr_db for step in report.steps)
    assert last > first
