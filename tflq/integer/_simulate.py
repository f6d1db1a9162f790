"""Codes of a file for many samples, without the runtime."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tflq._errors import UserError
from tflq.integer._conversion import at_the_door
from tflq.integer._program import Program
from tflq.integer._site import LIMITS, Place, Value
from tflq.tflite_side import Graph, delegated_ops, probe, read_bytes, signature_names

_AT_ONCE = 16


def simulate(file: str | os.PathLike[str] | bytes, x: Any) -> list[np.ndarray]:
    """Evaluates an integer .tflite in TensorFlow, with the integers that LiteRT computes.

    Args:
        file: path or content of the file.
        x: samples, an array of shape (samples, ...), or a dict of them by input name; numbers,
            or codes in the dtype of the file's input.

    Returns:
        The codes of every output in the file's dtypes, samples first.

    Raises:
        UserError: the file is damaged or float, has an op without a kernel, or `x` does not fit.

    Example:
        >>> import keras, numpy as np, tempfile, tflq
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, use_bias=False)])
        >>> model.set_weights([np.eye(4, 2)])
        >>> x = np.array([[-1, 0, 0, 0], [1, 0.5, 0, 0]], "float32")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = tflq.export(model, folder + "/it.tflite", data=x, calibrator="minmax")
        ...     (codes,) = tflq.simulate(folder + "/it.tflite", x)
        >>> codes.dtype.name, codes.tolist()
        ('int8', [[-128, -1], [126, 63]])
    """
    content, name = opened(file)
    program = program_of(content, name=name)
    feeds = [fed(x, program, position) for position in range(len(program.inputs))]
    count = same_length(feeds)
    pieces = []
    for start in range(0, count, _AT_ONCE):
        values = [
            encoded_input(feed[start : start + _AT_ONCE], place)
            for feed, place in zip(feeds, program.inputs, strict=True)
        ]
        made = program.run(values)
        pieces.append([stored(made[i], program.place(i)) for i in program.graph.outputs])
    return [np.concatenate(output) for output in zip(*pieces, strict=True)]


def opened(file: str | os.PathLike[str] | bytes) -> tuple[bytes, str]:
    """The content of a file, tried in a process of its own, and how messages call it."""
    if isinstance(file, bytes):
        return file, "the .tflite"
    if not isinstance(file, (str, os.PathLike)):
        raise UserError(
            f"file is a {type(file).__name__}; give the path or the bytes of a .tflite."
        )
    content, name = read_bytes(file), f"model file {str(Path(file))!r}"
    Graph.from_bytes(content, name=name)
    probe(file)
    return content, name


def program_of(content: bytes, *, name: str) -> Program:
    """The program of an integer file.

    Raises:
        UserError: it is damaged, float, or has an op without a kernel.
    """
    graph = Graph.from_bytes(content, name=name)
    computed = (tensor for tensor in graph.tensors if not tensor.is_constant)
    if not any(t.quantization is not None and t.dtype in LIMITS for t in computed):
        raise UserError(
            f"{name} computes in float32 throughout; give an integer .tflite, such as tflq.export "
            "writes."
        )
    return Program(graph, delegated=delegated_ops(content), name=name)


def fed(x: Any, program: Program, position: int) -> np.ndarray:
    """The samples of one input, as an array that fits it."""
    names, _ = signature_names(program.graph)
    name, place = names[position], program.inputs[position]
    if isinstance(x, Mapping):
        unknown = sorted(map(str, set(x) - set(names)))
        if unknown or name not in x:
            raise UserError(
                f"x has the inputs {', '.join(map(str, x))}; the file's are {', '.join(names)}."
            )
        x = x[name]
    elif len(names) > 1:
        raise UserError(
            f"x is one array, but the file has {len(names)} inputs; give a dict with "
            f"{', '.join(names)}."
        )
    array = np.asarray(x)
    if array.shape[1:] != place.shape[1:] or array.ndim == 0 or array.dtype.kind not in "fiub":
        raise UserError(
            f"x has shape {array.shape} and dtype {array.dtype} for input {name!r}; numbers of "
            f"shape (samples, {', '.join(map(str, place.shape[1:]))}) were expected."
        )
    return array


def same_length(feeds: Sequence[np.ndarray]) -> int:
    """How many samples there are."""
    lengths = {len(feed) for feed in feeds}
    if len(lengths) != 1 or 0 in lengths:
        raise UserError(
            f"x has {' and '.join(map(str, sorted(lengths)))} samples; every input needs the same "
            "number of them, at least 1."
        )
    return lengths.pop()


def encoded_input(x: np.ndarray | Value, place: Place) -> Value:
    """Values of an input, from numbers or from codes of its dtype."""
    kind = x.dtype.name
    value = tf.convert_to_tensor(x)
    if place.codes is None or kind == place.dtype:
        value = tf.cast(value, place.carrier)
    else:
        value = at_the_door(value, place.codes)
    return tf.reshape(value, [-1, *place.shape])


def stored(value: Value, place: Place) -> np.ndarray:
    """A value in the file's dtype, samples as its first axis."""
    array = np.asarray(value)
    if array.size % max(1, math.prod(place.shape[1:])):
        raise UserError(
            f"output {place.name!r} has shape {array.shape[1:]}, and the .tflite tells "
            f"{place.shape}; export it again."
        )
    return array.reshape(-1, *place.shape[1:]).astype(place.dtype)
