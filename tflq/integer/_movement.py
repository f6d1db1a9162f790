"""Ops that move values and compute nothing, of codes and of any other dtype."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from tflq.integer._arithmetic import merged, parted
from tflq.integer._site import Function, Site, Value


def reshape(site: Site, values: Sequence[Value]) -> list[Value]:
    """RESHAPE, SQUEEZE and EXPAND_DIMS: the file knows the shape that comes out."""
    return [parted(values[0], site.output.shape)]


def transpose(site: Site, values: Sequence[Value]) -> list[Value]:
    """Axes in another order."""
    order = [int(axis) + 1 for axis in site.constant(1)]
    return [tf.transpose(values[0], [0, *order])]


def concatenate(site: Site, values: Sequence[Value]) -> list[Value]:
    """Tensors of the same codes behind one another."""
    axis = int(site.options.axis) % len(site.output.shape) + 1
    return [tf.concat(_as_many(values), axis)]


def pack(site: Site, values: Sequence[Value]) -> list[Value]:
    """Tensors along a new axis."""
    axis = int(site.options.axis) % len(site.output.shape) + 1
    return [tf.stack(_as_many(values), axis)]


def unpack(site: Site, values: Sequence[Value]) -> list[Value]:
    """The parts along an axis, which goes."""
    axis = int(site.options.axis) % len(site.input(0).shape) + 1
    return list(tf.unstack(values[0], len(site.outputs), axis))


def split(site: Site, values: Sequence[Value]) -> list[Value]:
    """Equal parts; the axis comes first."""
    axis = int(np.ravel(site.constant(0))[0]) % len(site.input(1).shape) + 1
    return list(tf.split(values[1], len(site.outputs), axis))


def split_v(site: Site, values: Sequence[Value]) -> list[Value]:
    """Parts of given sizes."""
    axis = int(np.ravel(site.constant(2))[0]) % len(site.input(0).shape)
    return list(tf.split(values[0], [place.shape[axis] for place in site.outputs], axis + 1))


def cut(site: Site, values: Sequence[Value]) -> list[Value]:
    """SLICE: a block that begins somewhere."""
    begin = [int(n) for n in site.constant(1)]
    return [tf.slice(values[0], [0, *begin], [-1, *site.output.shape])]


def strided_slice(site: Site, values: Sequence[Value]) -> list[Value]:
    """Every n-th element of ranges; masks as TensorFlow has them, moved behind the samples."""
    begin, end, step = ([0, *map(int, site.constant(i))] for i in (1, 2, 3))
    step[0] = 1
    options = site.options
    return [
        tf.strided_slice(
            values[0],
            begin,
            end,
            step,
            begin_mask=options.beginMask * 2 + 1,
            end_mask=options.endMask * 2 + 1,
            ellipsis_mask=options.ellipsisMask * 2,
            new_axis_mask=options.newAxisMask * 2,
            shrink_axis_mask=options.shrinkAxisMask * 2,
        )
    ]


def pad(site: Site, values: Sequence[Value]) -> list[Value]:
    """PAD and PADV2: margins of a given value, else of the code of 0."""
    around = [(0, 0), *((int(a), int(b)) for a, b in site.constant(1))]
    value: Any = site.source.one_zero if site.input(0).codes is not None else 0
    if site.has(2):
        value = np.ravel(site.constant(2))[0].item()
    return [tf.pad(values[0], around, constant_values=tf.cast(value, values[0].dtype))]


def mirror_pad(site: Site, values: Sequence[Value]) -> list[Value]:
    """Margins that mirror what lies inside."""
    around = [(0, 0), *((int(a), int(b)) for a, b in site.constant(1))]
    reflect = site.options.mode == schema.MirrorPadMode.REFLECT
    return [tf.pad(values[0], around, "REFLECT" if reflect else "SYMMETRIC")]


def depth_to_space(site: Site, values: Sequence[Value]) -> list[Value]:
    """Channels become pixels."""
    image = merged(values[0], site.input(0).shape)
    return [parted(tf.nn.depth_to_space(image, site.options.blockSize), site.output.shape)]


def space_to_depth(site: Site, values: Sequence[Value]) -> list[Value]:
    """Pixels become channels."""
    image = merged(values[0], site.input(0).shape)
    return [parted(tf.nn.space_to_depth(image, site.options.blockSize), site.output.shape)]


def batch_to_space(site: Site, values: Sequence[Value]) -> list[Value]:
    """The file's batch becomes pixels."""
    block, crops = site.constant(1), site.constant(2)
    return [_beside_samples(values[0], lambda x: tf.batch_to_space(x, block, crops))]


def space_to_batch(site: Site, values: Sequence[Value]) -> list[Value]:
    """Pixels become the file's batch; margins are zeros, or codes of 0."""
    block, around = site.constant(1), site.constant(2)
    zero = float(site.source.one_zero) if site.input(0).codes is not None else 0.0
    x = values[0] - tf.cast(zero, values[0].dtype)
    moved = _beside_samples(x, lambda x: tf.space_to_batch(x, block, around))
    return [moved + tf.cast(zero, moved.dtype)]


def gather(site: Site, values: Sequence[Value]) -> list[Value]:
    """Slices by number, such as the rows of an embedding."""
    table, numbers = values[:2]
    options, rank = site.options, len(site.input(0).shape)
    axis = int(options.axis if options else 0) % rank
    inner = int((options.batchDims if options else 0) or 0)
    if site.input(1).value is not None and not inner:
        return [tf.gather(table, numbers[0], axis=axis + 1)]
    if site.input(0).value is not None and axis == inner == 0:
        # The table of an embedding is not repeated for every sample.
        return [tf.gather(table[0], numbers)]
    table, numbers = _as_many([table, numbers])
    return [tf.gather(table, numbers, axis=axis + 1, batch_dims=inner + 1)]


def tile(site: Site, values: Sequence[Value]) -> list[Value]:
    """Repeats along axes."""
    return [tf.tile(values[0], [1, *map(int, site.constant(1))])]


def broadcast_to(site: Site, values: Sequence[Value]) -> list[Value]:
    """Repeats to a shape."""
    shape, given = site.output.shape, site.input(0).shape
    ones = [1] * (len(shape) - len(given))
    x = parted(values[0], (*ones, *given))
    return [tf.broadcast_to(x, [tf.shape(x)[0], *shape])]


def reverse(site: Site, values: Sequence[Value]) -> list[Value]:
    """Axes run backwards."""
    rank = len(site.output.shape)
    return [tf.reverse(values[0], [int(axis) % rank + 1 for axis in np.ravel(site.constant(1))])]


def resize_nearest(site: Site, values: Sequence[Value]) -> list[Value]:
    """Each pixel takes the nearest one; positions in float32, as the kernel counts them."""
    _, height, width, _ = site.input(0).shape
    _, rows, columns, _ = site.output.shape
    image = tf.gather(values[0], _nearest(site.options, height, rows), axis=2)
    return [tf.gather(image, _nearest(site.options, width, columns), axis=3)]


def _nearest(options: Any, size: int, wanted: int) -> np.ndarray:
    corners = bool(options.alignCorners) and wanted > 1
    step = np.float32(size - 1 if corners else size) / np.float32(wanted - 1 if corners else wanted)
    half = np.float32(0.5 if options.halfPixelCenters else 0.0)
    at = (np.arange(wanted, dtype=np.float32) + half) * step
    rounded = np.floor(at + np.float32(0.5)) if options.alignCorners else np.floor(at)
    return np.clip(rounded, 0, size - 1).astype(np.int32)


def _as_many(values: Sequence[Value]) -> list[Value]:
    """The values with constants repeated for every sample."""
    counts = [tf.shape(value)[0] for value in values]
    most = tf.reduce_max(tf.stack(counts))
    return [
        tf.broadcast_to(value, tf.concat([[most], tf.shape(value)[1:]], 0))
        if value.shape[0] == 1
        else value
        for value in values
    ]


def _beside_samples(x: Value, move: Callable[[Value], Value]) -> Value:
    """Applies what moves a file's batch and image while the samples lie with the channels."""
    rank = len(x.shape)
    order = [*range(1, rank - 1), 0, rank - 1]
    turned = tf.transpose(x, order)
    channels = x.shape[-1]
    folded = tf.reshape(turned, tf.concat([tf.shape(turned)[:-2], [-1]], 0))
    moved = move(folded)
    apart = tf.reshape(moved, tf.concat([tf.shape(moved)[:-1], [-1, channels]], 0))
    return tf.transpose(apart, [rank - 2, *range(rank - 2), rank - 1])


MOVES: dict[str, Function] = {
    "BATCH_TO_SPACE_ND": batch_to_space,
    "BROADCAST_TO": broadcast_to,
    "CONCATENATION": concatenate,
    "DEPTH_TO_SPACE": depth_to_space,
    "EXPAND_DIMS": reshape,
    "GATHER": gather,
    "MIRROR_PAD": mirror_pad,
    "PACK": pack,
    "PAD": pad,
    "PADV2": pad,
    "RESHAPE": reshape,
    "RESIZE_NEAREST_NEIGHBOR": resize_nearest,
    "REVERSE_V2": reverse,
    "SLICE": cut,
    "SPACE_TO_BATCH_ND": space_to_batch,
    "SPACE_TO_DEPTH": space_to_depth,
    "SPLIT": split,
    "SPLIT_V": split_v,
    "SQUEEZE": reshape,
    "STRIDED_SLICE": strided_slice,
    "TILE": tile,
    "TRANSPOSE": transpose,
    "UNPACK": unpack,
}
