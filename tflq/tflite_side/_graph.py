"""A read-only view of a .tflite graph: tensors, ops, who makes and who reads a tensor."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq._errors import UserError
from tflq.tflite_side._file import parse
from tflq.tflite_side._int4 import unpack_int4
from tflq.tflite_side._sound import KINDS, TYPES, indices

_TYPE_NAMES = {value: name.lower() for value, name in TYPES.items()}


@dataclass(frozen=True, kw_only=True)
class Quantization:
    """Scale and zero point of a tensor: float32 and int64 arrays, one value or one a channel."""

    scale: np.ndarray
    zero_point: np.ndarray
    axis: int


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """One tensor; `shape` has None where the size is only known at run time."""

    index: int
    name: str
    shape: tuple[int | None, ...]
    dtype: str
    is_constant: bool
    is_variable: bool
    quantization: Quantization | None


@dataclass(frozen=True, kw_only=True)
class Op:
    """One operation.

    Attributes:
        index: place in the execution order.
        kind: the builtin's name, such as CONV_2D, or the custom op's.
        version: of the kind; a runtime that knows only older ones refuses the op.
        inputs, outputs: indices of tensors, -1 where an optional input is missing.
        options: as the schema has them, or None.
    """

    index: int
    kind: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any

    @property
    def is_custom(self) -> bool:
        """Whether no builtin has its kind."""
        return not hasattr(schema.BuiltinOperator, self.kind)


class Graph:
    """A subgraph of a .tflite.

    Args:
        model: a `ModelT`, as `parse` returns it.
        number: of the subgraph; 0 is the main one.
    """

    def __init__(self, model: Any, number: int = 0):
        self.model = model
        self._subgraph = model.subgraphs[number]

    @classmethod
    def from_bytes(cls, content: bytes, *, name: str = "the .tflite") -> "Graph":
        """Parses and checks `content`; raises UserError when it is damaged."""
        return cls(parse(content, name=name))

    @cached_property
    def tensors(self) -> tuple[Tensor, ...]:
        """All tensors, by index."""
        return tuple(self._tensor(i, raw) for i, raw in enumerate(self._subgraph.tensors))

    @cached_property
    def ops(self) -> tuple[Op, ...]:
        """All operations of the subgraph, in execution order."""
        return _read_ops(self.model, self._subgraph)

    @cached_property
    def inner_ops(self) -> tuple[Op, ...]:
        """Operations of the other subgraphs: the bodies of loops and branches."""
        return tuple(op for sub in self.model.subgraphs[1:] for op in _read_ops(self.model, sub))

    @cached_property
    def inputs(self) -> tuple[int, ...]:
        """Indices of the graph's input tensors."""
        return tuple(indices(self._subgraph.inputs))

    @cached_property
    def outputs(self) -> tuple[int, ...]:
        """Indices of the graph's output tensors."""
        return tuple(indices(self._subgraph.outputs))

    @cached_property
    def producer(self) -> dict[int, Op]:
        """The op that makes a tensor."""
        return {tensor: op for op in self.ops for tensor in op.outputs}

    @cached_property
    def consumers(self) -> dict[int, tuple[Op, ...]]:
        """The ops that read a tensor."""
        readers: dict[int, list[Op]] = {}
        for op in self.ops:
            for tensor in dict.fromkeys(op.inputs):
                readers.setdefault(tensor, []).append(op)
        return {tensor: tuple(ops) for tensor, ops in readers.items()}

    @cached_property
    def live(self) -> frozenset[int]:
        """The tensors that an output of the graph, or a kept state, depends on.

        A runtime need not write any other: what lies in their memory is left there by chance.
        """
        live = set(self.outputs)
        for op in reversed(self.ops):
            if not op.outputs or not live.isdisjoint(op.outputs):
                live.update(tensor for tensor in op.inputs if tensor >= 0)
        return frozenset(live)

    @cached_property
    def by_name(self) -> dict[str, Tensor]:
        """Tensors by name; of duplicate names the first."""
        return {tensor.name: tensor for tensor in reversed(self.tensors)}

    def constant(self, index: int) -> np.ndarray:
        """The value of a constant tensor, in its own dtype (int4 as int8) and shape.

        Raises:
            UserError: NumPy has no such dtype, or values of it are packed in another way.
        """
        tensor = self.tensors[index]
        data = self.model.buffers[self._subgraph.tensors[index].buffer].data
        shape = [size or 0 for size in tensor.shape]
        if tensor.dtype == "int4":
            return unpack_int4(np.frombuffer(bytes(data), np.uint8), shape)
        try:
            return np.frombuffer(bytes(data), np.dtype(tensor.dtype)).reshape(shape)
        except (TypeError, ValueError) as error:
            raise UserError(
                f"tensor {tensor.name!r} of the .tflite holds {tensor.dtype} values, which are not "
                "read; export the model with float32 or int8 weights."
            ) from error

    def _tensor(self, index: int, raw: Any) -> Tensor:
        data = self.model.buffers[raw.buffer].data
        shape = raw.shape if raw.shapeSignature is None else raw.shapeSignature
        return Tensor(
            index=index,
            name=raw.name.decode("utf-8", "replace") if raw.name else f"tensor_{index}",
            shape=tuple(None if n < 0 else int(n) for n in ([] if shape is None else shape)),
            dtype=_TYPE_NAMES[raw.type],
            is_constant=data is not None and len(data) > 0,
            is_variable=bool(raw.isVariable),
            quantization=_quantization(raw.quantization),
        )


def counterparts(quantized: Graph, floating: Graph) -> tuple[tuple[Op, Op], ...]:
    """Pairs of an op and the float op it was made from: same kind, same name of its output."""
    made = {
        (op.kind, quantized.tensors[op.outputs[0]].name): op for op in quantized.ops if op.outputs
    }
    names = (
        ((op.kind, floating.tensors[op.outputs[0]].name), op) for op in floating.ops if op.outputs
    )
    return tuple((made[name], op) for name, op in names if name in made)


def op_names(content: bytes) -> Callable[[int], str | None]:
    """Names the ops of a .tflite by their outputs; none of a damaged file."""

    def name(index: int) -> str | None:
        try:
            graph = Graph.from_bytes(content)
            return graph.tensors[graph.ops[index].outputs[0]].name.split(";")[0]
        except (UserError, IndexError):
            return None

    return name


def _quantization(raw: Any) -> Quantization | None:
    if raw is None or raw.scale is None or len(raw.scale) == 0:
        return None
    zero_point = np.zeros(len(raw.scale)) if raw.zeroPoint is None else np.asarray(raw.zeroPoint)
    return Quantization(
        scale=np.asarray(raw.scale, np.float32),
        zero_point=zero_point.astype(np.int64),
        axis=int(raw.quantizedDimension),
    )


def _read_ops(model: Any, subgraph: Any) -> tuple[Op, ...]:
    return tuple(
        Op(
            index=index,
            kind=_kind(model.operatorCodes[raw.opcodeIndex]),
            version=int(model.operatorCodes[raw.opcodeIndex].version),
            inputs=tuple(indices(raw.inputs)),
            outputs=tuple(indices(raw.outputs)),
            options=raw.builtinOptions,
        )
        for index, raw in enumerate(subgraph.operators or [])
    )


def _kind(code: Any) -> str:
    if code.builtinCode == schema.BuiltinOperator.CUSTOM:
        return code.customCode.decode("utf-8", "replace") if code.customCode else "CUSTOM"
    return KINDS.get(code.builtinCode, f"BUILTIN_{code.builtinCode}")
