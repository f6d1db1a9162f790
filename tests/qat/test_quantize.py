"""Ways to train: policies, compilation, several devices, interruptions."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from small_networks import LAYERS, noise, shake
from training import agreement, export, fit, kernels, outputs, quantizers, span

import tflq

HERE = Path(__file__).parent


def _model():
    keras.utils.set_random_seed(0)
    given = keras.Input((8, 8, 3), name="given")
    x = layers.BatchNormalization(name="bn")(layers.Conv2D(4, 3, name="conv")(given))
    x = layers.MaxPooling2D()(layers.ReLU(name="relu")(x))
    return shake(keras.Model(given, layers.Dense(3, name="last")(layers.Flatten()(x))))


X = noise(8, 8, 3)


def _spans(model):
    return [span(q) for q in quantizers(model)]


def test_the_copy_has_the_models_weights():
    model = _model()
    qat = tflq.quantize(model)
    held = {"/".join(v.path.split("/")[-2:]): np.asarray(v) for v in qat.variables}
    for variable in model.variables:
        np.testing.assert_array_equal(held["/".join(variable.path.split("/")[-2:])], variable)


@pytest.mark.parametrize("ranges", ["moving_average", "lsq", "pact"])
@pytest.mark.parametrize("scheme", ["w8a8", "w4a8"])
def test_ways_to_find_ranges(ranges, scheme, tmp_path):
    qat = tflq.quantize(LAYERS["residual"](), scheme=scheme, ranges=ranges)
    history = fit(qat, X, epochs=4, rate=1e-2)
    assert history.history["loss"][-1] < history.history["loss"][0]
    _, content = export(qat, tmp_path)
    for _, close in agreement(qat, content, X):
        assert close >= 0.98


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy, tmp_path):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        qat = tflq.quantize(_model())
        fit(qat, X)
        assert {v.dtype for v in qat.variables} <= {"float32", "uint32", "int64"}
        _, content = export(qat, tmp_path)
        qat.save(tmp_path / "qat.keras")
        again = keras.models.load_model(tmp_path / "qat.keras")
    finally:
        keras.config.set_dtype_policy(before)
    np.testing.assert_array_equal(outputs(again, X)[0], outputs(qat, X)[0])
    assert keras.config.dtype_policy().name == "float32"
    for _, close in agreement(qat, content, X):
        assert close >= 0.9, "half precision moves values by some codes"


def test_compiled_and_eager_trainings_find_the_same():
    found = []
    for options in ({}, {"jit_compile": True}, {"run_eagerly": True}):
        qat = tflq.quantize(_model())
        fit(qat, X, **options)
        found.append((_spans(qat), [np.asarray(v) for v in qat.trainable_variables]))
    for spans, weights in found[1:]:
        np.testing.assert_allclose(spans, found[0][0], rtol=1e-4)
        for one, other in zip(weights, found[0][1], strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_resumed_training_is_the_uninterrupted_one(optimizer, tmp_path):
    """Weights, ranges, statistics and the optimizer's state go through the file."""
    y = noise(3, seed=4)
    whole, half = tflq.quantize(_model()), tflq.quantize(_model())
    for model in (whole, half):
        model.compile(keras.optimizers.get(optimizer), "mse")
    whole.fit(X, y, batch_size=4, epochs=4, shuffle=False, verbose=0)
    half.fit(X, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    half.save(tmp_path / "half.keras")
    again = keras.models.load_model(tmp_path / "half.keras")
    again.fit(X, y, batch_size=4, epochs=4, initial_epoch=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(_spans(again), _spans(whole), rtol=1e-5)
    for one, other in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    assert int(again.optimizer.iterations) == int(whole.optimizer.iterations) == 16


def test_a_checkpoint_of_weights_is_enough(tmp_path):
    qat = tflq.quantize(_model())
    fit(qat, X)
    qat.save_weights(tmp_path / "q.weights.h5")
    again = tflq.quantize(_model())
    again.load_weights(tmp_path / "q.weights.h5")
    np.testing.assert_array_equal(outputs(again, X)[0], outputs(qat, X)[0])


def test_backup_and_restore_continues(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    y, spans = noise(3, seed=4), []
    for stopping in (False, True):
        qat = tflq.quantize(_model())
        qat.compile("adam", "mse")
        backup = keras.callbacks.BackupAndRestore(tmp_path / str(stopping))
        options = {"batch_size": 4, "epochs": 3, "shuffle": False, "verbose": 0}
        if stopping:
            with pytest.raises(KeyboardInterrupt):
                qat.fit(X, y, callbacks=[backup, Stop()], **options)
            qat = tflq.quantize(_model())
            qat.compile("adam", "mse")
        qat.fit(X, y, callbacks=[backup], **options)
        spans.append(_spans(qat))
    np.testing.assert_allclose(spans[1], spans[0], rtol=1e-5)


def test_equalizing_folds_and_keeps_the_function():
    model = _model()
    gamma = np.asarray(model.get_layer("bn").gamma) * [0.02, 1, 5, 1]
    model.get_layer("bn").gamma.assign(gamma)
    want = outputs(model, X)[0]
    qat = tflq.quantize(model, equalize=True, data=X, scheme="w8a8-per-tensor")
    plain = tflq.quantize(model, data=X, scheme="w8a8-per-tensor")
    assert all(k.normalization is None for k in kernels(qat))
    errors = [np.square(outputs(m, X)[0] - want).mean() for m in (qat, plain)]
    assert errors[0] < errors[1]


def test_frozen_layers_stay_frozen():
    model = _model()
    model.get_layer("conv").trainable = False
    qat = tflq.quantize(model)
    before = np.array(kernels(qat)[0].layer.kernel)
    fit(qat, X, rate=0.1)
    np.testing.assert_array_equal(kernels(qat)[0].layer.kernel, before)


def test_sample_and_class_weights_and_metrics():
    given = keras.Input((8, 8, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(given))
    qat = tflq.quantize(keras.Model(given, layers.Dense(3, activation="softmax")(x)))
    qat.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    labels = np.arange(16) % 3
    history = qat.fit(X, labels, class_weight={0: 1.0, 1: 2.0, 2: 0.5}, verbose=0)
    qat.fit(X, labels, sample_weight=np.ones(16), verbose=0)
    assert set(history.history) == {"loss", "accuracy"}
    assert len(qat.evaluate(X, labels, verbose=0)) == 2


# Both workers, and both devices, see one half of every batch; statistics are of the whole.
SCRIPT = HERE / "several_devices.py"


def _run(*arguments, environment=None, timeout=120):
    return subprocess.Popen(
        [sys.executable, SCRIPT, *map(str, arguments)],
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | (environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _result(process, timeout=120):
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert process.returncode == 0, err[-2000:]
    return json.loads(out.splitlines()[-1])


def test_two_devices_find_the_ranges_of_the_whole_batch():
    one, two = _result(_run("one")), _result(_run("mirrored"))
    assert one["replicas"] == 1 and two["replicas"] == 2
    assert two["spans"]["given_quant"] == one["spans"]["given_quant"]
    np.testing.assert_allclose(two["spans"]["conv_quant"], one["spans"]["conv_quant"], rtol=1e-3)
    # The mean of two halves is that of the whole; the variances of halves are smaller.
    np.testing.assert_allclose(two["mean"], one["mean"], atol=1e-2)
    assert min(two["variance"]) > 0.05 and max(two["variance"]) < 10


def _free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for each in held:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def test_two_workers_end_with_the_same_ranges():
    workers = [f"127.0.0.1:{port}" for port in _free_ports(2)]
    running = [
        _run(
            "workers",
            environment={
                "TF_CONFIG": json.dumps(
                    {"cluster": {"worker": workers}, "task": {"type": "worker", "index": i}}
                )
            },
        )
        for i in range(2)
    ]
    try:
        first, second = (_result(process) for process in running)
    finally:
        for process in running:
            process.kill()
    assert first["replicas"] == 2
    for name in ("spans", "weights", "mean", "variance"):
        assert first[name] == second[name]
    # Either worker saw one half of the data, whose extremes are in the second.
    assert first["spans"]["given_quant"][1] > 6
    assert all(high > low for low, high in first["spans"].values())


def test_half_precision_holds_the_sums_of_wide_layers():
    """The integers of a file go beyond what float16 can hold."""
    keras.utils.set_random_seed(0)
    given = keras.Input((512,), name="given")
    dense = layers.Dense(8, activation="relu", dtype="mixed_float16", name="wide")
    model = keras.Model(given, layers.Dense(3, name="last")(dense(given)))
    dense.kernel.assign(np.abs(dense.kernel))
    x = np.abs(noise(512))
    want = outputs(model, x)[0].astype(np.float32)
    came = outputs(tflq.quantize(model, data=x), x)[0].astype(np.float32)
    assert np.abs(came - want).max() < 0.02 * np.abs(want).max()


def test_networks_deeper_than_pythons_stack(tmp_path):
    x = given = keras.Input((2,))
    for _ in range(260):
        x = layers.Dense(2, activation="tanh")(x)
    model, usual = keras.Model(given, x), sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(1000)
        qat = tflq.quantize(model)
        qat.save(tmp_path / "deep.keras")
        sys.setrecursionlimit(1000)
        loaded = keras.saving.load_model(tmp_path / "deep.keras")
    finally:
        sys.setrecursionlimit(usual)
    assert len(loaded.layers) == len(qat.layers) > 1000
