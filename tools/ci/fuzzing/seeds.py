"""Small whole files of every kind that tflq reads, to be damaged."""

import io
import json
import re
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import tflq
from fuzzing.damage_archives import framed, zipped
from tflq._source import open_model

SAMPLES = 6


def tflite_seeds() -> dict[str, bytes]:
    """Float and quantized .tflite files by what they are."""
    layers = keras.layers
    networks: dict[str, Callable[[Any], Any]] = {
        "cnn": _cnn,
        "residual": _residual,
        "attention": lambda x: layers.MultiHeadAttention(2, 4)(x, x),
        "recurrent": lambda x: layers.LSTM(4)(x),
        "loop": lambda x: layers.GRU(3, reset_after=False)(x),
    }
    shapes = {"cnn": (8, 8, 3), "residual": (6, 6, 4)}
    keras.utils.set_random_seed(0)
    seeds: dict[str, bytes] = {}
    for name, network in networks.items():
        x = keras.Input(shapes.get(name, (5, 8)), name="x")
        seeds |= _exported(name, keras.Model(x, network(x)), x.shape[1:])
    return seeds | {"signatures": _signatures(), "files": _with_files(seeds["cnn w8a8"])}


def _cnn(x: Any) -> Any:
    layers = keras.layers
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(x)
    x = layers.DepthwiseConv2D(3, padding="same", activation="relu6")(x)
    x = layers.MaxPooling2D()(x)
    return layers.Dense(5, activation="softmax", name="dense")(layers.Flatten()(x))


def _residual(x: Any) -> Any:
    layers = keras.layers
    y = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(x))
    y = layers.Concatenate()([layers.Add()([x, y]), layers.UpSampling2D()(y)[:, :6, :6]])
    return layers.GlobalAveragePooling2D()(layers.Activation("silu")(y))


def _exported(name: str, model: Any, shape: tuple[int, ...]) -> dict[str, bytes]:
    data = np.random.default_rng(0).normal(size=(SAMPLES, *shape)).astype(np.float32)
    made = {name: open_model(model).tflite}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.tflite")
        for scheme in ("w8a8", "w8a16", "w4a8", "dynamic") if name == "cnn" else ("w8a8",):
            tflq.export(model, path, data=data, scheme=scheme)
            made[f"{name} {scheme}"] = path.read_bytes()
    return made


def _signatures() -> bytes:
    def second(x: Any) -> dict[str, Any]:
        loop = tf.while_loop(lambda v: tf.reduce_sum(v) > 3.0, lambda v: (v * 0.5,), (x,))
        return {"z": loop[0] @ tf.ones((4, 2))}

    module = tf.Module()
    module.first, module.second = _traced(lambda x: {"y": tf.nn.relu(x)}), _traced(second)
    names = {"first": module.first, "second": module.second}
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=names)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        return bytes(converter.convert())


def _traced(function: Callable[[Any], Any]) -> Any:
    return tf.function(function, input_signature=[tf.TensorSpec((1, 4), name="x")])


def _with_files(content: bytes) -> bytes:
    return content + zipped([("labels.txt", b"cat\ndog\n")])


def keras_seeds(suffix: str) -> dict[str, bytes]:
    """Keras files of both packages, trained for quantization or not."""
    import tf_keras

    seeds = {}
    with tempfile.TemporaryDirectory() as folder:
        for package, kind in ((keras, "keras"), (tf_keras, "tf_keras")):
            layers = package.layers
            x = layers.Input((8, 8, 3), name="x")
            y = layers.BatchNormalization()(layers.Conv2D(4, 3, name="conv")(x))
            y = layers.Dense(5, activation="softmax")(layers.Flatten()(layers.ReLU()(y)))
            y = tf.nn.relu(y) if kind == "tf_keras" else keras.ops.relu(y)
            path = Path(folder, f"m{suffix}")
            package.Model(x, y[:, :3]).save(path)
            seeds[kind] = path.read_bytes()
        inner = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4), keras.layers.ReLU()])
        if suffix == ".keras":
            tflq.quantize(inner).save(path)
            seeds["trained"] = path.read_bytes()
    return seeds


def saved_model_seeds() -> dict[str, bytes]:
    """SavedModel folders, each as a zip."""
    x = keras.Input((8,), name="x")
    model = keras.Model(x, keras.layers.Dense(3, activation="relu")(x))
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer([1, 2], [3.0, 4.0], tf.int32, tf.float32), 0.0
    )

    looked = tf.Module()
    looked.table = table
    looked.serve = _traced(lambda x: {"y": x * table.lookup(tf.constant([1]))})
    seeds = {}
    with tempfile.TemporaryDirectory() as folder:
        model.export(f"{folder}/keras", verbose=False)
        tf.saved_model.save(looked, f"{folder}/table", signatures=looked.serve)
        for name in ("keras", "table"):
            root = Path(folder, name)
            files = [p for p in sorted(root.rglob("*")) if p.is_file()]
            members = [(str(p.relative_to(root)), p.read_bytes()) for p in files]
            seeds[name] = zipped(members)
    return seeds


def record_seeds() -> dict[str, bytes]:
    """TFRecord files of numbers and of a picture."""
    feature, floats = tf.train.Feature, tf.train.FloatList(value=range(4))
    numbers = tf.train.Features(feature={"x": feature(float_list=floats)})
    picture = tf.train.BytesList(value=[picture_seeds()["png"]])
    encoded = tf.train.Features(feature={"image/encoded": feature(bytes_list=picture)})
    return {
        name: b"".join(framed(tf.train.Example(features=f).SerializeToString()) for _ in range(3))
        for name, f in {"numbers": numbers, "picture": encoded}.items()
    }


def picture_seeds() -> dict[str, bytes]:
    """Pictures by their format."""
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 255, (9, 11, 3), np.uint8)
    image = Image.fromarray(pixels)
    kinds: dict[str, Any] = {
        "png": image,
        "jpg": image,
        "gif": image.convert("P"),
        "webp": image,
        "bmp": image.convert("L"),
    }
    return {kind: _saved(picture, kind) for kind, picture in kinds.items()}


def _saved(picture: Any, kind: str) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, {"jpg": "JPEG"}.get(kind, kind.upper()))
    return stream.getvalue()


def array_seeds(kind: str) -> dict[str, bytes]:
    """A .npy, or a .npz with and without compression."""
    stream = io.BytesIO()
    np.save(stream, np.random.default_rng(0).random((8, 4), dtype=np.float32))
    if kind == "npy":
        return {"npy": stream.getvalue()}
    methods = {"stored": zipfile.ZIP_STORED, "deflated": zipfile.ZIP_DEFLATED}
    members = [("x.npy", stream.getvalue())]
    return {name: zipped(members, method) for name, method in methods.items()}


def answer_seeds() -> dict[str, bytes]:
    """The result that the protocol of the phone's app shows."""
    text = Path(__file__).parents[3].joinpath("android_demo", "PROTOCOL.md").read_text()
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    results = [block for block in blocks if block["schema"].startswith("tflq-bench-result")]
    return {"result": json.dumps(results[0]).encode()}
