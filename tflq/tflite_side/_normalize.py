"""Brings a float .tflite of any origin into the one form that the writers take.

What a float file may hold besides float32 ops with int8 kernels is taken out:

- float16 weights behind a DEQUANTIZE, and sparse ones behind a DENSIFY, become float32 constants;
- a QUANTIZE followed by a DEQUANTIZE, which is what fake quantization of a quantization-aware
  trained network converts to, goes: its scale and zero point become the *trained range* of the
  activation, or the *trained bound* of the weights. Ops that only move values and were drawn
  between the two become float again;
- NEG becomes a multiplication with -1, SQUARE one with itself;
- masks of minus infinity become finite;
- an activation that stands alone becomes part of the op before it;
- what grows without bound where it is not selected is bounded;
- a file that computes in integers already is refused.
"""

from dataclasses import dataclass, field

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq._errors import UserError
from tflq.tflite_side._file import pack, parse
from tflq.tflite_side._finite import refuse_infinite
from tflq.tflite_side._fuse_activations import fuse_activations
from tflq.tflite_side._graph import Graph, Op, Quantization
from tflq.tflite_side._kernel_rules import SAME_SCALE
from tflq.tflite_side._masks import prepare_masks
from tflq.tflite_side._products import multiply_instead
from tflq.tflite_side._stored import store, store_results
from tflq.tflite_side._unselected import bound_exponentials
from tflq.tflite_side._zero_biases import add_zero_biases

_INTEGER_LIMITS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}


@dataclass(frozen=True, kw_only=True)
class Normalized:
    """A plain float32 .tflite.

    Attributes:
        content: the flatbuffer.
        graph: the same, parsed.
        ranges: trained (min, max) of activations by tensor index; empty for most networks.
        bounds: trained largest absolute weights by tensor index, one value or one a channel.
    """

    content: bytes
    graph: Graph
    ranges: dict[int, tuple[float, float]] = field(default_factory=dict)
    bounds: dict[int, np.ndarray] = field(default_factory=dict)


def normalize(content: bytes, *, name: str, biases: bool = False) -> Normalized:
    """Normalizes a float .tflite.

    Args:
        content: the flatbuffer.
        name: how messages call it.
        biases: give convolutions and dense layers without a bias one of zeros.

    Raises:
        UserError: it is damaged, quantized already, computes in float16, or a weight is not
            finite.
    """
    graph = Graph.from_bytes(content, name=name)
    _refuse_quantized(graph, name)
    if store_results(graph.model):
        content = pack(graph.model)
        graph = Graph(parse(content, name=name))
    rewriter = _Rewriter(graph)
    if any(op.kind in ("QUANTIZE", "DEQUANTIZE") for op in graph.ops):
        content = rewriter.rewrite()
        graph = Graph(parse(content, name=name))
    changed = False
    for rewrite in (multiply_instead, fuse_activations, prepare_masks, bound_exponentials):
        if rewrite(graph):
            # What a graph tells of its ops is that of before.
            graph, changed = Graph(graph.model), True
    if changed:
        content = pack(graph.model)
        graph = Graph(parse(content, name=name))
    if biases and add_zero_biases(graph):
        content = pack(graph.model)
        graph = Graph(parse(content, name=name))
    _check_floats(graph, name)
    return Normalized(content=content, graph=graph, ranges=rewriter.ranges, bounds=rewriter.bounds)


def _refuse_quantized(graph: Graph, name: str) -> None:
    for op in graph.ops:
        if op.kind in ("QUANTIZE", "DEQUANTIZE"):
            continue
        for index in op.inputs:
            if index >= 0 and _is_integer(graph, index):
                tensor = graph.tensors[index]
                raise UserError(
                    f"{name} is quantized already (tensor {tensor.name!r} is {tensor.dtype}); "
                    "give the float model it was made from."
                )


def _is_integer(graph: Graph, index: int) -> bool:
    """Whether a tensor holds codes that no fake quantization made."""
    tensor, producer = graph.tensors[index], graph.producer.get(index)
    if tensor.quantization is None or tensor.dtype not in (*_INTEGER_LIMITS, "int4"):
        return False
    # The converter draws moving ops, and readers, in front of the DEQUANTIZE.
    return producer is None or producer.kind not in ("QUANTIZE", *SAME_SCALE)


def _check_floats(graph: Graph, name: str) -> None:
    for tensor in graph.tensors:
        if tensor.dtype in ("float16", "bfloat16") and not tensor.is_constant:
            raise UserError(
                f"{name} computes in {tensor.dtype} (tensor {tensor.name!r}); build the model "
                "with dtype policy 'float32' and load its weights into that."
            )
    refuse_infinite(graph, name)


class _Rewriter:
    """Removes fake quantization from one graph."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self.ranges: dict[int, tuple[float, float]] = {}
        self.bounds: dict[int, np.ndarray] = {}
        self._replaced: dict[int, int] = {}
        self._removed: set[int] = set()

    def rewrite(self) -> bytes:
        for op in self.graph.ops:
            if op.kind == "QUANTIZE" and not self.graph.tensors[op.inputs[0]].is_constant:
                self._quantize(op)
            elif op.kind == "DEQUANTIZE":
                self._dequantize(op)
            else:
                self._float_again(op)
        subgraph = self.graph.model.subgraphs[0]
        subgraph.operators = [
            raw for i, raw in enumerate(subgraph.operators) if i not in self._removed
        ]
        for raw in subgraph.operators:
            if raw.inputs is not None:
                raw.inputs = [self._resolve(int(i)) for i in raw.inputs]
        subgraph.outputs = [self._resolve(i) for i in self.graph.outputs]
        return pack(self.graph.model)

    def _resolve(self, tensor: int) -> int:
        while tensor in self._replaced:
            tensor = self._replaced[tensor]
        return tensor

    def _dequantize(self, op: Op) -> None:
        source, target = op.inputs[0], op.outputs[0]
        tensor = self.graph.tensors[source]
        if tensor.dtype == "float16":
            # It computes in it, which is refused by a better name.
            return
        producer = self.graph.producer.get(source)
        if producer is None or tensor.quantization is None:
            raise UserError(
                f"tensor {tensor.name!r} is {tensor.dtype} already; "
                "give the float model it was made from."
            )
        self._removed.add(op.index)
        if producer.kind == "QUANTIZE" and self.graph.tensors[producer.inputs[0]].is_constant:
            self._removed.add(producer.index)
            low, high = _INTEGER_LIMITS[tensor.dtype]
            model = self.graph.model
            store(model, model.subgraphs[0], target, self.graph.constant(producer.inputs[0]))
            # Weights are symmetric, restricted to an odd number of codes: 127 of them up.
            codes = (high - low - 1) // 2
            self.bounds[target] = tensor.quantization.scale.astype(np.float64) * codes
        else:
            self._replaced[target] = source

    def _quantize(self, op: Op) -> None:
        """Fake quantization of an activation: it keeps its float tensor, which gets the range."""
        source, target = self._resolve(op.inputs[0]), op.outputs[0]
        tensor = self.graph.tensors[target]
        if tensor.quantization is None or tensor.dtype not in _INTEGER_LIMITS:
            return
        self._removed.add(op.index)
        self._replaced[target] = source
        self.ranges[source] = _range(tensor.quantization, tensor.dtype)

    def _float_again(self, op: Op) -> None:
        for index in op.outputs:
            tensor = self.graph.tensors[index]
            if tensor.quantization is None or tensor.dtype not in _INTEGER_LIMITS:
                continue
            self.ranges[index] = _range(tensor.quantization, tensor.dtype)
            raw = self.graph.model.subgraphs[0].tensors[index]
            raw.type, raw.quantization = schema.TensorType.FLOAT32, None


def _range(quantization: Quantization, dtype: str) -> tuple[float, float]:
    low, high = _INTEGER_LIMITS[dtype]
    scale, zero_point = float(quantization.scale[0]), int(quantization.zero_point[0])
    return scale * (low - zero_point), scale * (high - zero_point)
