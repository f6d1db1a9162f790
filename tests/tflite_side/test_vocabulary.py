import tensorflow as tf
from builders import tflite, weights

from tflq.tflite_side import Graph, vocabulary

TABLE = tf.constant(weights(7, 3))


def _asked(function, *shapes):
    graph = Graph.from_bytes(tflite(function, *shapes, dtype=tf.int32))
    return vocabulary(graph, graph.inputs[0])


def test_ids_know_their_table():
    assert _asked(lambda x: tf.gather(TABLE, x), (1, 4)) == 7


def test_ids_know_it_through_what_only_moves_them():
    def moved(x):
        return tf.gather(TABLE, tf.cast(tf.reshape(x, (2, 2)), tf.int64)[:, :1])

    assert _asked(moved, (1, 4)) == 7


def test_of_two_tables_the_smaller_one_counts():
    other = tf.constant(weights(5, 3))
    assert _asked(lambda x: tf.gather(TABLE, x) + tf.gather(other, x), (1, 4)) == 5


def test_classes_of_one_hot_count_as_rows():
    assert _asked(lambda x: tf.one_hot(x, 6), (1, 4)) == 6


def test_other_integers_know_none():
    assert _asked(lambda x: tf.cast(x, tf.float32) * 0.5, (1, 4)) is None


def test_what_is_picked_from_does_not_count():
    picked = tf.constant([0, 2])
    assert _asked(lambda x: tf.cast(tf.gather(x, picked, axis=1), tf.float32), (1, 4)) is None
