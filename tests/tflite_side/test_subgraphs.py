import copy

import numpy as np
import pytest
import tensorflow as tf

from tflq import UserError
from tflq.tflite_side import Graph, Runner, take_signature
from tflq.tflite_side._file import pack, parse

SPEC = [tf.TensorSpec((1, 4), tf.float32, name="x")]
X = np.float32([[1, -2, 3, 4]])


class Signatures(tf.Module):
    """Two of them, one with a loop, whose condition and body are subgraphs too."""

    @tf.function(input_signature=SPEC)
    def grow(self, x):
        steps = 3 + tf.cast(tf.reduce_sum(x) * 0, tf.int32)
        _, x = tf.while_loop(lambda i, x: i < steps, lambda i, x: (i + 1, x * 2), (0, x))
        return {"grown": x}

    @tf.function(input_signature=SPEC)
    def turn(self, x):
        return {"turned": -x}


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """Subgraphs: the signatures in the order of their names, then what they run."""
    folder = str(tmp_path_factory.mktemp("saved"))
    module = Signatures()
    both = {"turn": module.turn, "grow": module.grow}
    tf.saved_model.save(module, folder, signatures=both)
    return tf.lite.TFLiteConverter.from_saved_model(folder).convert()


@pytest.mark.parametrize(("wanted", "subgraphs", "expected"), [("grow", 3, 8 * X), ("turn", 1, -X)])
def test_one_signature_is_taken_with_all_that_it_runs(content, wanted, subgraphs, expected):
    taken, key = take_signature(content, wanted, name="it")
    assert key == wanted
    model = parse(taken, name="it")
    assert len(model.subgraphs) == subgraphs
    assert [(s.signatureKey, s.subgraphIndex) for s in model.signatureDefs] == [
        (wanted.encode(), 0)
    ]
    np.testing.assert_array_equal(Runner(taken).run({"x": X})[0], expected)


def test_the_loop_may_lie_anywhere(content):
    model = parse(content, name="it")
    # The signature with the loop last, as files of other tools may have it.
    model.subgraphs.append(model.subgraphs[0])
    for signature in model.signatureDefs:
        if signature.signatureKey == b"grow":
            signature.subgraphIndex = len(model.subgraphs) - 1
    taken, _ = take_signature(pack(model), "grow", name="it")
    assert len(parse(taken, name="it").subgraphs) == 3
    np.testing.assert_array_equal(Runner(taken).run({"x": X})[0], 8 * X)


def test_a_file_of_one_signature_stays_as_it_is(content):
    taken, _ = take_signature(content, "turn", name="it")
    assert take_signature(taken, None, name="it") == (taken, "turn")


def test_subgraphs_that_nothing_runs_are_left_behind(content):
    model = parse(content, name="it")
    model.signatureDefs = None
    taken, key = take_signature(pack(model), None, name="it")
    assert key is None
    assert [op.kind for op in Graph.from_bytes(taken).ops] == ["WHILE"]
    assert len(parse(taken, name="it").subgraphs) == 3


def test_of_several_one_must_be_chosen(content):
    with pytest.raises(UserError, match=r"my file has 2 signatures \(grow, turn\).*signature="):
        take_signature(content, None, name="my file")
    with pytest.raises(UserError, match=r"signature='serve' is not in my file.*grow, turn"):
        take_signature(content, "serve", name="my file")


def test_two_names_of_one_function_need_no_choice(content):
    taken, _ = take_signature(content, "turn", name="it")
    model = parse(taken, name="it")
    model.signatureDefs.append(copy.copy(model.signatureDefs[0]))
    model.signatureDefs[1].signatureKey = b"serving_default"
    twice = pack(model)
    single, key = take_signature(twice, None, name="it")
    assert key == "serving_default"
    assert len(parse(single, name="it").signatureDefs) == 1
    assert take_signature(twice, "turn", name="it")[1] == "turn"


def test_damaged_numbers_are_refused(content):
    model = parse(content, name="it")
    model.signatureDefs[1].subgraphIndex = 9
    with pytest.raises(UserError, match="damaged"):
        take_signature(pack(model), None, name="it")
    model = parse(content, name="it")
    model.subgraphs[0].operators[0].builtinOptions.bodySubgraphIndex = 7
    with pytest.raises(UserError, match="my file is damaged"):
        take_signature(pack(model), "grow", name="my file")
