import errno
import json
import os
import sys
import zipfile

import h5py
import hostile_models
import keras
import numpy as np
import pytest
import tf_keras

import tflq
from tflq import UserError, _limits
from tflq.keras_side import load_keras

pytestmark = pytest.mark.filterwarnings("ignore:Duplicate name", "ignore:.*HDF5 file via")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder that modules can be imported from, as the current one of a script."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "evil_by_name", raising=False)
    return tmp_path


@pytest.mark.parametrize("make", hostile_models.FILES, ids=lambda make: make.__name__)
def test_hostile_files_are_refused_before_anything_runs(make, place):
    marker = place / "marker"
    path = make(place, marker)
    with pytest.raises(UserError) as caught:
        load_keras(str(path))
    assert not marker.exists()
    message = str(caught.value)
    assert path.name in message and "\n" not in message and message.endswith(".")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (hostile_models.escaped_lambda, "Lambda layer.*safe_mode=False"),
        (hostile_models.polyglot, "Lambda layer.*safe_mode=False"),
        (hostile_models.residual_wrapper, "residual_fn_type.*safe_mode=False"),
        (hostile_models.write_file_h5, r"io\.write_file.*in layer 'f'.*safe_mode=False"),
        (hostile_models.wrapped_op, "ReadFile.*safe_mode=False"),
        (hostile_models.class_method, r"TFLiteConverter\.from_saved_model"),
        (hostile_models.function_of_a_module, "'evil_by_name'.*classes of your own"),
        (hostile_models.downloads, r"calls 'keras\.utils\.get_file'"),
        (hostile_models.vocabulary_file, "StringLookup layer that reads the file"),
        (hostile_models.saved_model_layer, "TFSMLayer"),
        (hostile_models.external_link, "link to another file"),
        (hostile_models.external_storage, "kept in another file"),
        (hostile_models.doubled_config, r"'config\.json' twice"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_reason_is_told(make, reason, place):
    path = make(place, place / "marker")
    with pytest.raises(UserError, match=reason):
        load_keras(str(path))


@pytest.mark.parametrize("verb", ["export", "compare", "fold"])
def test_verbs_have_the_same_guard(verb, place):
    marker = place / "marker"
    path = hostile_models.escaped_lambda(place, marker)
    calls = {
        "export": lambda: tflq.export(path, place / "o.tflite", scheme="dynamic"),
        "compare": lambda: tflq.compare(path, path, np.zeros((2, 4), np.float32)),
        "fold": lambda: tflq.fold(str(path)),
    }
    with pytest.raises((UserError, TypeError)):
        calls[verb]()
    assert not marker.exists()


def test_trusted_files_run(place):
    marker = place / "marker"
    model = load_keras(str(hostile_models.escaped_lambda(place, marker)), safe_mode=False)
    assert marker.exists() and model.layers[-1].name == "f"


def test_no_other_loader_is_asked_after_a_refusal(place, monkeypatch):
    asked = []
    for package in (keras, tf_keras):
        monkeypatch.setattr(package.models, "load_model", lambda *_, **__: asked.append(1))
    with pytest.raises(UserError):
        load_keras(str(hostile_models.write_file_h5(place, place / "marker")))
    assert not asked


def test_what_is_checked_is_what_is_loaded(place, monkeypatch):
    """A file that changes between the check and the loading is loaded as it was."""
    marker = place / "marker"
    hostile = hostile_models.lambda_h5(place, marker).read_bytes()
    path = hostile_models.write_h5(
        place / "m.h5", hostile_models.sequential(hostile_models.dense(use_bias=False))
    )
    path.write_bytes(_small_h5(place).read_bytes())
    from tflq.keras_side import _load

    def swap(config, names):
        path.write_bytes(hostile)

    monkeypatch.setattr(_load, "find_unsafe", swap)
    assert load_keras(str(path)).layers[-1].name == "dense"
    assert not marker.exists()


def _small_h5(folder):
    path = folder / "small.h5"
    tf_keras.Sequential([tf_keras.Input((4,)), tf_keras.layers.Dense(2, name="dense")]).save(path)
    return path


def test_a_full_disk_is_not_the_files_fault(tmp_path, monkeypatch):
    path = hostile_models.write_keras(tmp_path / "m.keras", hostile_models.sequential3())

    def full(source, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(UserError, match=r"m\.keras' cannot be read, or copied.*No space.*TMPDIR"):
        load_keras(str(path))


def test_an_archive_under_a_name_of_hdf5_is_told(tmp_path):
    path = hostile_models.write_keras(tmp_path / "m.h5", hostile_models.sequential3())
    with pytest.raises(UserError, match=r"those of a \.keras file, and its name ends in \.h5"):
        load_keras(str(path))


def test_a_configuration_of_any_size_is_not_read(tmp_path):
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * (_limits.KERAS_CONFIG + 1))
        archive.writestr("model.weights.h5", hostile_models.weights_file())
    assert path.stat().st_size < 2**20
    with pytest.raises(UserError, match=r"config\.json takes 32 MB, and at most 32 MB"):
        load_keras(str(path))


def test_a_long_configuration_in_hdf5_is_not_parsed(tmp_path):
    text = " " * (_limits.KERAS_CONFIG + 1)
    path = hostile_models.write_h5(tmp_path / "m.h5", hostile_models.sequential(), text=text)
    with pytest.raises(UserError, match="configuration takes 32 MB"):
        load_keras(str(path))


def test_an_archive_that_unpacks_to_more_than_the_disk_is_not_unpacked(tmp_path):
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", json.dumps(hostile_models.sequential3()))
        archive.writestr("model.weights.h5", bytes(_limits.UNPACKED_BYTES + 1))
    with pytest.raises(UserError, match="would unpack to 256 MB"):
        load_keras(str(path))


@pytest.mark.parametrize("where", ["h5", "keras", "attribute"])
def test_arrays_that_claim_more_than_is_stored_are_not_read(where, tmp_path):
    def change(file):
        if where == "attribute":
            # Each of the names may be the same part of the file, which is as large as all of it.
            file["large"] = np.zeros(2**18, np.uint8)
            kind = h5py.string_dtype()
            file["layers"].attrs.create("layer_names", ["x"] * 4000, dtype=kind)
        else:
            file.create_dataset("model_weights/d/kernel:0", (10**6, 10**6), "f4", chunks=(64, 64))

    if where == "keras":
        path = hostile_models.write_keras(
            tmp_path / "m.keras",
            hostile_models.sequential3(),
            weights=hostile_models.weights_file(change),
        )
    else:
        path = tmp_path / "m.h5"
        path.write_bytes(hostile_models.weights_file(change))
    with pytest.raises(UserError, match="unpack to far more than the file holds"):
        load_keras(str(path))


def test_a_deep_configuration_is_refused(tmp_path):
    for depth in (_limits.KERAS_NESTING + 1, 10**5):
        text = '{"class_name": "Sequential", "config": ' + "[" * depth + "]" * depth + "}"
        path = hostile_models.write_keras(tmp_path / "m.keras", text.encode())
        with pytest.raises(UserError, match="nested deeper than 500"):
            load_keras(str(path))


def test_a_configuration_of_many_parts_is_not_parsed(tmp_path):
    text = b'{"class_name": "Dense", "config": [' + b"[]," * _limits.KERAS_PARTS + b"1]}"
    path = hostile_models.write_keras(tmp_path / "m.keras", text)
    with pytest.raises(UserError, match=r"has 2,000,00\d parts, and at most 2,000,000"):
        load_keras(str(path))


def test_long_names_are_cut(tmp_path):
    layer = {"class_name": "\x1b[2J" + "x" * 10**6, "config": {}}
    path = hostile_models.write_keras(tmp_path / "m.keras", hostile_models.sequential(layer))
    with pytest.raises(UserError, match="x…' is not known") as caught:
        load_keras(str(path))
    assert len(str(caught.value)) < 500 and str(caught.value).isprintable()


@pytest.mark.parametrize(
    "value",
    [
        [],
        1,
        {"class_name": ["Dense"]},
        {"class_name": {"a": 1}, "config": {}},
        {"class_name": "function", "config": ["f"], "module": "keras"},
        {"class_name": "Dense", "config": {}, "module": 1},
        {"class_name": "Dense", "config": {}, "registered_name": ["x"]},
        {"class_name": "TFOpLambda", "config": {"function": ["add"]}},
        {"class_name": "InstanceMethod", "config": {"attr_name": []}},
        {"class_name": "ClassMethod", "config": {"cls_symbol": [], "method_name": {}}},
        {"class_name": "__typespec__", "spec_name": [], "module": {}},
        {"class_name": "TensorFlowOpLayer", "config": {"node_def": [1]}},
    ],
)
def test_odd_values_are_refused(value, tmp_path):
    path = hostile_models.write_keras(tmp_path / "m.keras", value)
    with pytest.raises(UserError):
        load_keras(str(path))
