"""How a network is going to be quantized."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tflq.affine import Affine, Mode, code_limits
from tflq.tflite_side._file import pack, parse
from tflq.tflite_side._graph import Graph, Op
from tflq.tflite_side._weights import SLOTS, weights_of


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """How the network is to be quantized.

    Attributes:
        doors: how each activation is quantized, by tensor index; others stay float.
        bounds: largest absolute weight, by weight tensor index: one value, or one a channel.
        bits: bits of each weight tensor; those left out stay float.
    """

    doors: Mapping[int, Affine]
    bounds: Mapping[int, np.ndarray]
    bits: Mapping[int, int]

    def grid(self, index: int) -> tuple[np.ndarray, int]:
        """A weight tensor's scale, as float32, and its largest code."""
        _, highest = code_limits(self.bits[index], Mode.SYMMETRIC_RESTRICTED)
        bound = self.bounds[index]
        # A dead channel has no bound; any scale serves it.
        return np.where(bound > 0, bound / highest, 1.0).astype(np.float32), highest


def round_weights(graph: Graph, op: Op, plan: Plan) -> np.ndarray:
    """The values that an op's weights stand for once rounded to nearest; float32."""
    index = weights_of(graph, op)
    weights = graph.constant(index)
    scale, highest = plan.grid(index)
    along = [1] * weights.ndim
    along[SLOTS[op.kind].channel_axis] = scale.size
    scale = scale.reshape(along)
    rounded: np.ndarray = np.clip(np.rint(weights / scale), -highest, highest) * scale
    return rounded.astype(np.float32)


def shared(graph: Graph, index: int) -> bool:
    """Whether several ops read a constant, so that none of them may decide it."""
    return len(graph.consumers.get(index, ())) > 1


def with_constants(content: bytes, constants: Mapping[int, np.ndarray]) -> bytes:
    """A float .tflite with other values of some constants, by tensor index."""
    if not constants:
        return content
    model = parse(content, name="the float file")
    for index, value in constants.items():
        tensor = model.subgraphs[0].tensors[index]
        # Equal constants may share a buffer, so this one gets its own.
        buffer = type(model.buffers[0])()
        buffer.data = np.frombuffer(np.ascontiguousarray(value).tobytes(), np.uint8)
        model.buffers.append(buffer)
        tensor.buffer = len(model.buffers) - 1
    return pack(model)
