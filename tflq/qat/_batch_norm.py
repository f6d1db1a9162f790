"""Batch normalization by TensorFlow's fused kernel.

Keras 3 normalizes with single operations, which on a CPU takes as long as the convolutions do.
"""

from typing import Any

import tensorflow as tf

Tensor = Any


def normalize_batch(norm: Any, x: Tensor) -> Tensor:
    """Normalizes with the batch's statistics and moves the layer's, as the layer does in training.

    Args:
        norm: a built `keras.layers.BatchNormalization` over the last axis.
        x: its input.
    """
    masked = getattr(x, "_keras_mask", None) is not None
    if len(x.shape) != 4 or norm.synchronized or norm.renorm or masked:
        return norm(x, training=True)
    channels = norm.moving_variance.shape
    y, mean, variance = tf.compat.v1.nn.fused_batch_norm(
        x,
        scale=tf.convert_to_tensor(norm.gamma) if norm.scale else tf.ones(channels),
        offset=tf.convert_to_tensor(norm.beta) if norm.center else tf.zeros(channels),
        epsilon=norm.epsilon,
        is_training=True,
    )
    # The kernel gives the unbiased variance, Keras keeps the biased one.
    count = tf.cast(tf.size(x) // tf.shape(x)[-1], tf.float32)
    variance = variance * (count - 1) / count
    moving = (norm.moving_mean, norm.moving_variance)
    for kept, seen in zip(moving, _over_replicas([mean, variance]), strict=True):
        kept.assign(kept * norm.momentum + tf.stop_gradient(seen) * (1 - norm.momentum))
    return y


def _over_replicas(values: list[Tensor]) -> list[Tensor]:
    """Their means over all replicas, so that every worker exports the same file."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    means: list[Tensor] = context.all_reduce(tf.distribute.ReduceOp.MEAN, values)
    return means
