import numpy as np
import pytest

from tflq._source import open_model
from tflq.tflite_side import Graph, channel_errors, paired_activations, same_activations


@pytest.fixture(scope="module")
def files(small_cnn, integer_file):
    source = open_model(small_cnn[0])
    samples = [{"image": image[None]} for image in small_cnn[1][:3]]
    return source, integer_file.read_bytes(), samples


def test_doors_are_found_by_their_place(files):
    source, quantized, _ = files
    graph, other = Graph.from_bytes(source.tflite), Graph.from_bytes(quantized)
    doors = [*graph.inputs, *graph.outputs]
    found = same_activations(graph, other, doors)
    assert [tensor.index for tensor in found.values()] == [*other.inputs, *other.outputs]


def test_pairs_come_sample_by_sample_and_lie_close(files):
    source, quantized, samples = files
    graph = Graph.from_bytes(source.tflite)
    outputs = [op.outputs[0] for op in graph.ops if op.kind == "ADD"]
    pairs = list(paired_activations(source.tflite, quantized, samples, source.inputs, outputs))
    assert [index for index, _, _ in pairs] == outputs * len(samples)
    for _, wanted, came in pairs:
        assert came.dtype == np.float64
        assert np.abs(came - wanted).max() < 0.1 * np.abs(wanted).max()


def test_mean_errors_are_those_of_the_pairs(files):
    source, quantized, samples = files
    errors = channel_errors(source.tflite, quantized, samples, source.inputs)
    index, error = next(iter(errors.items()))
    pairs = paired_activations(source.tflite, quantized, samples, source.inputs, [index])
    means = [(came - wanted).reshape(-1, error.size).mean(axis=0) for _, wanted, came in pairs]
    np.testing.assert_allclose(error, np.mean(means, axis=0))
