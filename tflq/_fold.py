"""Folds batch normalizations, as a verb."""

from typing import Any

import numpy as np

from tflq._errors import UserError
from tflq.data import InputSpec

_OPEN_SIZE = 16
_SAMPLES = 2


def fold(model: Any) -> Any:
    """Makes an equal model without the batch normalizations that convolutions can hold.

    Those after a convolution or dense layer go into its kernel and bias (equation 24 of the
    paper), those before one where no zeros are padded. Nested models are opened, and separable
    convolutions become the two that they are.

    Args:
        model: a functional or Sequential model of Keras 3 or tf_keras; it is left as it is.

    Returns:
        A new model of the same inputs and outputs. Its attribute `folding` tells which
        normalizations were folded, which were left and why, and the largest difference of an
        output on random inputs, relative to the largest value.

    Raises:
        UserError: only the model's own code knows its graph, a layer cannot be rebuilt, or a
            weight is not finite.

    Example:
        >>> import keras
        >>> layers = keras.layers
        >>> model = keras.Sequential(
        ...     [keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.BatchNormalization(name="bn")]
        ... )
        >>> folded = fold(model)
        >>> folded.folding.folded, folded.folding.difference < 1e-4, len(folded.layers)
        (('bn',), True, 2)
    """
    from tflq.keras_side import Rewriting, keras_kind, read_signature, refuse_infinite

    if keras_kind(model) is None:
        raise UserError(
            f"model is a {type(model).__name__}; fold takes a functional or Sequential Keras model."
        )
    refuse_infinite(model)
    rewriting = Rewriting(model)
    folded = rewriting.build()
    inputs = read_signature(model, None).inputs
    sample = [_random(spec) for spec in inputs]
    pair = [read_signature(one, None).call(sample) for one in (model, folded)]
    folded.folding = rewriting.folding.with_difference(_difference(*pair))
    return folded


def _random(spec: InputSpec) -> Any:
    import tensorflow as tf

    shape = [_SAMPLES, *(size or _OPEN_SIZE for size in spec.shape[1:])]
    if spec.shape and spec.shape[0]:
        shape[0] = spec.shape[0]
    drawn = np.random.default_rng(0).normal(size=shape)
    floating = np.issubdtype(spec.dtype, np.floating)
    return tf.constant((drawn if floating else np.zeros(shape)).astype(spec.dtype))


def _difference(expected: Any, came: Any) -> float:
    import tensorflow as tf

    pairs = zip(tf.nest.flatten(expected), tf.nest.flatten(came), strict=True)
    worst = 0.0
    for wanted, got in pairs:
        wanted, got = np.asarray(wanted, np.float64), np.asarray(got, np.float64)
        largest = float(np.abs(wanted).max(initial=0.0)) or 1.0
        worst = max(worst, float(np.abs(wanted - got).max(initial=0.0)) / largest)
    return worst
