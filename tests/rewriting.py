"""Helpers for tests of what rewrites Keras graphs."""

import numpy as np
import tensorflow as tf


def outputs(model, data):
    """The model's outputs on a few samples, flattened."""
    return [np.asarray(value) for value in tf.nest.flatten(model(data, training=False))]


def difference(one, other, data):
    """Largest difference of an output, of its largest value."""
    pairs = zip(outputs(one, data), outputs(other, data), strict=True)
    return max(np.abs(a - b).max() / max(np.abs(a).max(), 1e-12) for a, b in pairs)


def named_samples(model, data):
    """The data one sample at a time, by input name, as calibration gives it."""
    names = list(data) if isinstance(data, dict) else [model.inputs[0].name.split(":")[0]]
    arrays = list(data.values()) if isinstance(data, dict) else [data]
    if not isinstance(data, dict):
        names = [model.inputs[0]._keras_history[0].name]
    return [
        {name: array[i : i + 1] for name, array in zip(names, arrays, strict=True)}
        for i in range(len(arrays[0]))
    ]
