"""TRANSPOSE_CONV: each input pixel adds its window to the output; requantized as CONV_2D is."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from tflq.integer._arithmetic import centred, merged, parted
from tflq.integer._convolution import coded, reach
from tflq.integer._site import Site, Value
from tflq.integer._sums import slices, summed
from tflq.integer._windows import strides


def transpose_conv(site: Site, values: Sequence[Value]) -> list[Value]:
    """Inputs are the output's shape, weights (outputs, height, width, inputs), image and bias."""
    place = site.input(2)
    weights = site.constant(1).astype(np.int32) - site.input(1).known.one_zero
    image = merged(centred(values[2], place.known), place.shape)
    sums = _spread(site, image, weights.transpose(1, 2, 0, 3), reach(place.known))
    if site.has(3):
        sums = sums + tf.constant(site.constant(3).astype(np.int32))
    codes = coded(site, sums, place.known, site.input(1).known)
    return [parted(codes, site.output.shape)]


def _spread(site: Site, image: Value, weights: np.ndarray, largest: int) -> Value:
    padding = "SAME" if site.options.padding == schema.Padding.SAME else "VALID"
    shape = [tf.shape(image)[0], *site.output.shape[1:]]
    kernel = weights.astype(np.float32)
    dense = np.abs(weights.astype(np.int64)).sum(axis=(0, 1)).T
    return summed(
        slices(dense, largest),
        lambda piece: tf.nn.conv2d_transpose(
            image[..., piece],
            tf.constant(kernel[..., piece]),
            shape,
            strides(site.options),
            padding,
        ),
    )
