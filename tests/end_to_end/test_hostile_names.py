"""Names from files reach the terminal as text: nothing of them is obeyed, none crashes."""

import json
import zipfile

import builders
import keras
import numpy as np
import pytest
import tensorflow as tf

from tflq.cli.main import main
from tflq.tflite_side import Graph, pack

ESCAPES = "\x1b]0;owned\x07\x9b2J\r\n\t\u202egnp.\u2066\u200b\u2028"
NAMES = {
    "escapes": ESCAPES,
    "long": "n" * 10_000,
    "signs": "a/b;c%s{0}$x_{\\frac",
    "scripts": "尺寸größe🙂",
    "empty": "",
}


def is_safe(text):
    return all(c == "\n" or c.isprintable() for c in text)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "x.npy"
    np.save(path, np.random.default_rng(0).normal(size=(12, 6)).astype(np.float32))
    return str(path)


@pytest.fixture(params=NAMES)
def named(request, tmp_path):
    """A .tflite whose every tensor, and whose signature and its doors, have such a name."""
    name = NAMES[request.param]
    content = builders.tflite(lambda x: tf.nn.softmax(x @ builders.weights(6, 4)) * 2.0, (1, 6))
    model = Graph.from_bytes(content).model
    for index, tensor in enumerate(model.subgraphs[0].tensors):
        tensor.name = name + (str(index) if name else "")
    for signature in model.signatureDefs or []:
        signature.signatureKey = name or "serving_default"
        for door in (*signature.inputs, *signature.outputs):
            door.name = name or "x"
    model.description = name
    path = tmp_path / "model.tflite"
    path.write_bytes(pack(model))
    return str(path)


def _ran(capsys, *arguments):
    code = main(arguments)
    out, err = capsys.readouterr()
    assert is_safe(out) and is_safe(err) and code in (0, 2), (out, err)
    return code, out + err


def test_files(named, data, tmp_path, capsys):
    output, told = str(tmp_path / "out.tflite"), tmp_path / "told.json"
    assert _ran(capsys, "inspect", named, "--target=nnapi,gpu", f"--json={told}")[0] == 0
    assert is_safe(told.read_text()) and json.loads(told.read_text())
    assert _ran(capsys, "export", named, output, f"--data={data}")[0] == 0
    assert _ran(capsys, "compare", named, output, f"--data={data}")[0] == 0
    page = tmp_path / "page.html"
    assert _ran(capsys, "report", named, str(page), f"--data={data}", "--nolatency")[0] == 0
    assert "\u202e" not in page.read_text() and "\x1b" not in page.read_text()


@pytest.mark.parametrize("kind", NAMES)
def test_keras_models(kind, data, tmp_path, capsys):
    # Keras has no names with slashes, and TensorFlow's graphs few others than of ASCII.
    name = NAMES[kind].replace("/", "_")
    inputs = keras.Input((6,), name=name or "x")
    layer = keras.layers.Dense(4, name=f"{name}dense")
    model = keras.Model(inputs, keras.layers.ReLU()(layer(inputs)), name=name)
    path, output = str(tmp_path / "model.keras"), str(tmp_path / "out.tflite")
    model.save(path)
    choices = ("--equalize", "--bias_correction=empirical", f"--pictures={tmp_path / 'drawn'}")
    code, told = _ran(capsys, "export", path, output, f"--data={data}", *choices)
    if kind in ("long", "empty"):
        assert code == 0, told
        assert _ran(capsys, "compare", path, output, f"--data={data}")[0] == 0
    else:
        assert code == 2 and "takes no layer or model that is named" in told
        assert told.count("\n") == 1
    # What fails leaves nothing of the name on those that follow.
    follower = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="follower")])
    assert follower.weights[0].path in ("follower/kernel", f"{follower.name}/follower/kernel")


def _picture(folder, name):
    (folder / f"{name.replace('/', '')}.png").write_bytes(b"no picture")
    return str(folder)


def _archive(folder, name):
    with zipfile.ZipFile(folder / "x.npz", "w") as archive:
        archive.writestr(name, b"no array")
    return str(folder / "x.npz")


def _records(folder, name):
    example = tf.train.Example()
    example.features.feature[name].int64_list.value.append(1)
    with tf.io.TFRecordWriter(str(folder / "x.tfrecord")) as writer:
        writer.write(example.SerializeToString())
    return str(folder / "x.tfrecord")


@pytest.mark.parametrize("make", [_picture, _archive, _records])
def test_names_in_data(make, float_file, tmp_path, capsys):
    folder = tmp_path / "data"
    folder.mkdir()
    data = make(folder, ESCAPES)
    output = str(tmp_path / "out.tflite")
    code, told = _ran(capsys, "export", str(float_file), output, f"--data={data}")
    assert code == 2 and "\\u202e" in told


def test_refusals(tmp_path, data, capsys):
    config = {"class_name": ESCAPES, "config": {"name": ESCAPES}}
    path = tmp_path / "model.h5"
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config)
    output = str(tmp_path / "out.tflite")
    code, told = _ran(capsys, "export", str(path), output, f"--data={data}")
    assert (code == 2 and "\\u202e" in told) or "cannot be loaded" in told
