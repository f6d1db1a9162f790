import os

import hostile_graphs
import hostile_models
import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import tflq
from tflq import UserError
from tflq.keras_side import _pure_ops, from_saved_model
from tflq.keras_side._pure_symbols import PURE_SYMBOLS
from tflq.keras_side._saved_model_guard import check_saved_model

X = np.linspace(-3, 3, 20, dtype=np.float32).reshape(5, 4)


@pytest.mark.parametrize("make", hostile_graphs.GRAPHS, ids=lambda make: make.__name__)
def test_hostile_saved_models_are_refused_before_anything_runs(make, tmp_path):
    path = make(tmp_path, tmp_path / "marker")
    assert not list(tmp_path.glob("marker*"))
    with pytest.raises(UserError, match=r"SavedModel '.*/m'.*safe_mode=False") as caught:
        from_saved_model(str(path))
    assert not list(tmp_path.glob("marker*"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (hostile_graphs.main_op, "op 'WriteFile'"),
        (hostile_graphs.main_op_saves, "writes files where it should compute"),
        (hostile_graphs.signature_saves, "reads or writes files in function"),
        (hostile_graphs.prints_into_a_file, "op 'PrintV2'"),
        (hostile_graphs.unknown_op, "op 'SomebodysOwnOp'"),
        (hostile_graphs.asset_outside, r"the file '\.\./\.\./vocabulary\.txt'"),
        (hostile_graphs.table_of_any_file, "a file that its graph names"),
        (hostile_graphs.old_table_of_any_file, "a file that is not its own"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_reason_is_told(make, reason, tmp_path):
    with pytest.raises(UserError, match=reason):
        from_saved_model(str(make(tmp_path, tmp_path / "marker")))


@pytest.mark.parametrize("verb", ["export", "compare", "sensitivity"])
def test_verbs_have_the_same_guard(verb, tmp_path):
    path = str(hostile_graphs.main_op(tmp_path, tmp_path / "marker"))
    calls = {
        "export": lambda: tflq.export(path, tmp_path / "o.tflite", data=X),
        "compare": lambda: tflq.compare(path, path, X),
        "sensitivity": lambda: tflq.sensitivity(path, X),
    }
    with pytest.raises(UserError, match="WriteFile"):
        calls[verb]()
    assert not (tmp_path / "marker").exists()


def test_trusted_saved_models_run(tmp_path):
    path = str(hostile_graphs.main_op(tmp_path, tmp_path / "marker"))
    tflq.compare(path, path, X, safe_mode=False)
    assert (tmp_path / "marker").exists()


def test_pipes_are_not_waited_for(tmp_path):
    path = hostile_graphs.session_model(tmp_path / "m")
    os.mkfifo(path / "variables" / "variables.more")
    with pytest.raises(UserError, match=r"'variables/variables\.more' is no regular file"):
        from_saved_model(str(path))


def _converts(path, expected=None, **feeds):
    made = from_saved_model(str(path))
    if expected is not None:
        np.testing.assert_allclose(made.reference(feeds)[0], expected, atol=1e-6)


def test_exports_of_keras(tmp_path):
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((4,), name="x"),
            layers.Dense(8, activation="gelu"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Reshape((2, 4)),
            layers.LSTM(3),
        ]
    )
    model.compile("adam", "mse")
    model.train_on_batch(X, np.zeros((5, 3)))
    model.export(str(tmp_path / "m"), verbose=False)
    check_saved_model(str(tmp_path / "m"))


def test_what_tf_keras_saves(tmp_path):
    layers = tf_keras.layers
    model = tf_keras.Sequential(
        [
            tf_keras.Input((4,), name="x"),
            layers.Dense(8, kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
        ]
    )
    model.compile("adam", "mse", metrics=["mae"])
    model.train_on_batch(X, np.zeros((5, 8)))
    model.save(tmp_path / "m", save_format="tf")
    check_saved_model(str(tmp_path / "m"))


def test_code_that_tf_keras_kept_is_not_run(tmp_path):
    """A Lambda's bytecode lies beside the graph, for tf_keras; here the graph is what counts."""
    marker = tmp_path / "marker"
    layer = tf_keras.layers.deserialize(hostile_models.old_lambda(marker), use_legacy_format=True)
    model = tf_keras.Sequential([tf_keras.Input((4,), name="x"), layer])
    model.save(tmp_path / "m", save_format="tf")
    marker.unlink()
    _converts(tmp_path / "m", X, x=X)
    assert not marker.exists()


def test_modules_that_print_and_count(tmp_path):
    class Counting(tf.Module):
        def __init__(self):
            self.count = tf.Variable(0.0)
            self.seen = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)

        @tf.function(input_signature=[hostile_graphs.SPEC])
        def call(self, x):
            tf.print("x", x)
            tf.debugging.assert_less(x, 100.0)
            total = tf.zeros([])
            for i in tf.range(3):
                total += tf.cast(i, tf.float32)
            self.count.assign_add(total)
            return {"y": x * tf.random.uniform([]), "count": self.count.read_value()}

    module = Counting()
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=module.call)
    check_saved_model(str(tmp_path / "m"))


def test_vocabularies_among_the_assets(tmp_path):
    path = hostile_graphs.table_model(tmp_path)
    check_saved_model(str(path))
    loaded = tf.saved_model.load(str(path))
    tf.saved_model.save(
        loaded, str(tmp_path / "again"), signatures=loaded.signatures["serving_default"]
    )
    check_saved_model(str(tmp_path / "again"))


def test_main_ops_that_initialize(tmp_path):
    file = tmp_path / "vocabulary.txt"
    file.write_text("a\nb\n")

    def build():
        vocabulary = tf.constant(str(file), name="vocabulary")
        tf.compat.v1.add_to_collection("asset_filepaths", vocabulary)
        table = tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64)
        filled = tf.raw_ops.InitializeTableFromTextFileV2(
            table_handle=table, filename=vocabulary, key_index=-2, value_index=-1
        )
        tf.compat.v1.add_to_collection("table_initializer", filled)
        return tf.compat.v1.tables_initializer()

    _converts(hostile_graphs.session_model(tmp_path / "m", build), X, x=X)


def test_plain_session_models(tmp_path):
    path = hostile_graphs.session_model(tmp_path / "m", tf.compat.v1.local_variables_initializer)
    _converts(path, X, x=X)


def test_text_files_are_read_too(tmp_path):
    from google.protobuf import text_format
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    path = hostile_graphs.main_op(tmp_path, tmp_path / "marker")
    content = SavedModel.FromString((path / "saved_model.pb").read_bytes())
    (path / "saved_model.pbtxt").write_text(text_format.MessageToString(content))
    (path / "saved_model.pb").unlink()
    with pytest.raises(UserError, match="WriteFile"):
        from_saved_model(str(path))


def test_the_ops_of_the_list_are_ops_and_none_has_effects():
    # What Python, files, processes, devices and other machines are called by.
    suspicious = ("File", "Py", "Save", "Restore", "Dataset", "Reader", "Remote", "Recv", "Rpc")
    for name in _pure_ops.SAFE_OPS:
        assert hasattr(tf.raw_ops, name), name
        assert not any(word in name for word in suspicious), name
    for name in ("Abort", "ImmutableConst", "DecodeProtoV2", "FixedUnigramCandidateSampler"):
        assert hasattr(tf.raw_ops, name) and name not in _pure_ops.SAFE_OPS


def test_the_functions_of_the_list_are_functions():
    from tensorflow.python.util.tf_export import get_symbol_from_name

    for name in PURE_SYMBOLS:
        found = get_symbol_from_name(name) or get_symbol_from_name(f"compat.v1.{name}")
        assert callable(found), name
