"""Training, saving and running quantized models, and comparing them with their files."""

import keras
import numpy as np

import tflq
from tflq.qat import FakeQuant, QuantizedKernel


def outputs(model, data):
    """What the model computes, in the order of `model.outputs`; eagerly, which is not traced."""
    return [np.asarray(v) for v in keras.tree.flatten(model(data, training=False))]


def targets(model, data):
    """Standard normal targets in the structure of the outputs."""
    rng = np.random.default_rng(9)
    return keras.tree.map_structure(
        lambda v: rng.normal(size=v.shape).astype(np.float32), model(data, training=False)
    )


def fit(qat, data, *, epochs=1, rate=1e-3, batch_size=8, callbacks=(), **compiled):
    """A few steps; returns the history."""
    qat.compile(keras.optimizers.SGD(rate), "mse", **compiled)
    return qat.fit(
        data,
        targets(qat, data),
        epochs=epochs,
        batch_size=batch_size,
        shuffle=False,
        callbacks=list(callbacks),
        verbose=0,
    )


def value(result):
    """What a layer computes, without what it says about it."""
    return np.asarray(result[0] if isinstance(result, (tuple, list)) else result)


def quantizers(model):
    return [layer for layer in model.layers if isinstance(layer, FakeQuant)]


def kernels(model):
    return [layer for layer in model.layers if isinstance(layer, QuantizedKernel)]


def quantizer(model, name):
    """The quantizer whose name starts with `name`."""
    (found,) = [layer for layer in quantizers(model) if layer.name.startswith(name)]
    return found


def span(layer):
    """The range of a quantizer, as floats."""
    return tuple(float(bound) for bound in layer.range())


def run_file(content, data):
    """What the file computes, dequantized, with the scale of each output (None: float)."""
    from tflq.tflite_side import Graph, Runner

    runner, graph = Runner(content, threads=1), Graph.from_bytes(content, name="file")
    feeds = data if isinstance(data, dict) else {runner.inputs[0].name: data}
    count = len(next(iter(feeds.values())))
    rows = [
        runner.run({s.name: feeds[s.name][i : i + 1] for s in runner.inputs}) for i in range(count)
    ]
    scales = []
    for index in graph.outputs:
        tensor = graph.tensors[index]
        scales.append(float(tensor.quantization.scale[0]) if tensor.quantization else None)
    return [np.concatenate(output) for output in zip(*rows, strict=True)], scales


def agreement(qat, content, data):
    """By output: (share of equal codes, share of codes within 1); of float ones, within 1 % rms."""
    made, scales = run_file(content, data)
    found = []
    for want, value, scale in zip(outputs(qat, data), made, scales, strict=True):
        assert np.isfinite(want).all() and want.shape == value.shape
        unit = scale or 0.01 * max(want.std(), 1e-9)
        apart = np.abs(want.astype(np.float64) - value) / unit
        found.append((float(np.mean(apart < 0.5)), float(np.mean(apart < 1.5))))
    return found


def export(qat, folder, **options):
    """Exports without data; returns (report, content)."""
    path = folder / "model.tflite"
    report = tflq.export(qat, path, **options)
    return report, path.read_bytes()
