import builders
import numpy as np
import tensorflow as tf

from tflq.tflite_side import Graph, Runner, normalize

SHAPE = (1, 4, 4, 3)


def _content():
    return builders.tflite(lambda x: -tf.nn.relu(x) + tf.exp(-x), SHAPE)


def test_negation_becomes_multiplication_and_computes_the_same():
    content = _content()
    plain = normalize(content, name="it")
    kinds = [op.kind for op in plain.graph.ops]
    assert "NEG" not in kinds and kinds.count("MUL") >= 1
    for seed in range(3):
        sample = {"x0": builders.weights(*SHAPE, seed=seed)}
        np.testing.assert_array_equal(
            Runner(plain.content).run(sample)[0], Runner(content).run(sample)[0]
        )


def test_nothing_stays_float_for_it():
    data = [{"x0": builders.weights(*SHAPE, seed=s)} for s in range(4)]
    content = builders.tflite(lambda x: 1.0 - tf.tanh(-x), SHAPE)
    quantized, _, plain = builders.quantize_file(content, data)
    assert quantized.deviations == ()
    wanted = Runner(plain.content).run(data[0])[0]
    came = Runner(quantized.content).run(data[0])[0]
    assert np.abs(wanted - came).max() < 0.05


def test_squares_become_multiplications_and_compute_in_int8():
    data = [{"x0": builders.weights(*SHAPE, seed=s)} for s in range(4)]
    content = builders.tflite(lambda x: 0.5 + tf.square(tf.square(x) * 0.3), SHAPE)
    assert "SQUARE" in [op.kind for op in Graph.from_bytes(content).ops]
    plain = normalize(content, name="it")
    assert {op.kind for op in plain.graph.ops} == {"ADD", "MUL"}
    for sample in data:
        wanted, came = (Runner(c).run(sample)[0] for c in (content, plain.content))
        np.testing.assert_array_equal(came, wanted)
    quantized, _, _ = builders.quantize_file(content, data)
    assert quantized.deviations == ()
    wanted, came = (Runner(c).run(data[0])[0] for c in (content, quantized.content))
    assert np.abs(wanted - came).max() < 0.05 * np.abs(wanted).max()


def test_integer_negation_is_left_alone():
    content = builders.tflite(lambda x: -x, (1, 4), dtype=tf.int32)
    assert [op.kind for op in normalize(content, name="it").graph.ops] == ["NEG"]
