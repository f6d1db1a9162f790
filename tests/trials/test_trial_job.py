"""Models on their way to workers."""

import pickle

import keras
import numpy as np
import pytest
import tf_keras

from tflq._opened import open_for
from tflq._source import open_model
from tflq.tflite_side import Graph, graph_digest
from tflq.trials import Job, Shipped
from tflq.trials._job import evaluate_shard, export_one

DATA = np.random.default_rng(0).normal(size=(10, 8)).astype(np.float32)


def model_of(library):
    library.utils.set_random_seed(0)
    layers = [library.layers.Dense(6, activation="relu"), library.layers.Dense(4)]
    return library.Sequential([library.layers.Input((8,)), *layers])


def source(kind, folder):
    model = model_of(tf_keras if kind == "tf_keras" else keras)
    if kind == "file":
        model.save(folder / "model.keras")
        return folder / "model.keras"
    if kind == "saved_model":
        model.export(folder / "saved", verbose=False)
        return folder / "saved"
    if kind == "tflite":
        (folder / "model.tflite").write_bytes(open_model(model).tflite)
        return str(folder / "model.tflite")
    return model


@pytest.mark.parametrize("kind", ["keras", "tf_keras", "file", "saved_model", "tflite"])
def test_models_arrive_as_they_were(kind, tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    model = source(kind, tmp_path / "here")
    shipped = pickle.loads(pickle.dumps(Shipped.of(model)))
    came = shipped.unpack(tmp_path / "there")
    there, here = (
        open_for({}, which, DATA, batch_size=1, safe_mode=True).source for which in (came, model)
    )
    assert there.outputs == here.outputs
    # Names of tensors may be numbered anew.
    digests = [graph_digest(Graph.from_bytes(source.tflite)) for source in (there, here)]
    assert digests[0] == digests[1]


def test_inputs_without_a_name_are_met_by_their_order():
    model = model_of(keras)
    (given,) = open_for({}, model, DATA, batch_size=1, safe_mode=True).source.inputs
    shipped = [{given.name: row[None]} for row in DATA]
    job = Job(
        identity="unnamed",
        model=Shipped.of(model),
        calibration=shipped,
        judged=shipped,
        labels=None,
        metric="sqnr",
        batch_size=1,
        safe_mode=True,
        checkpoints="none",
    )
    content, _ = export_one(job, None, {"equalize": True}, "key")
    assert evaluate_shard(job, content, slice(0, 10)).score().value > 20
