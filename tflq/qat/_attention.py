"""Multi-head attention as its four projections and what is between them.

The projections are dense layers with ranges and weights like any other; the scores and their
softmax stay float, in the file as well.
"""

import functools
import math
from typing import Any

import keras
from keras import ops

from tflq.keras_side import KerasGraph, Layer, Node, live_config, single_argument
from tflq.qat._mask import take_masks
from tflq.qat._parts import Namer

Tensor = Any

# What Keras gives scores that do not count.
_HIDDEN = {"float32": -1e9, "bfloat16": -1e9, "float16": -3e4, "float64": -1e9}


@keras.saving.register_keras_serializable(package="tflq")
class AttentionCore(keras.layers.Layer):
    """softmax(q k^T / sqrt(d)) v, head by head.

    Args:
        dropout: of the scores.
        causal: whether a position sees only those before it.

    Call arguments: q of shape (batch, targets, heads, d), k and v of shape (batch, sources,
    heads, d), all float, and their masks of padding, of shape (batch, targets) and (batch,
    sources), which Keras gives where they hang on q, k and v. It returns (batch, targets, heads,
    d).
    """

    def __init__(self, *, dropout: float = 0.0, causal: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.dropout, self.causal = dropout, causal
        self._drop = keras.layers.Dropout(dropout)
        self.supports_masking = True

    def call(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        q_mask: Tensor | None = None,
        k_mask: Tensor | None = None,
        v_mask: Tensor | None = None,
        training: bool | None = None,
    ) -> Tensor:
        """Attends."""
        scores = ops.einsum("btnh,bsnh->bnts", q / math.sqrt(q.shape[-1]), k)
        hidden = _HIDDEN[keras.backend.standardize_dtype(scores.dtype)]
        if self.causal:
            # Added, for XNNPACK has a kernel for that and none for selecting.
            seen = ops.tril(ops.ones(ops.shape(scores)[-2:]))
            scores = scores + (1.0 - ops.cast(seen, scores.dtype)) * hidden
        seen = _seen(q_mask, k_mask, v_mask)
        if seen is not None:
            scores = ops.where(seen, scores, hidden)
        weights = ops.softmax(scores)
        if seen is not None and self.dropout:
            # As Keras's does: a position that sees nothing then gets nothing.
            weights = ops.where(seen, weights, 0.0)
        return ops.einsum("bnts,bsnh->btnh", self._drop(weights, training=training), v)

    def compute_output_spec(self, q: Any, k: Any, v: Any, **options: Any) -> Any:
        """The shape of `q`, which an einsum of open dimensions would not keep."""
        return keras.KerasTensor((*q.shape[:-1], v.shape[-1]), dtype=q.dtype)

    def get_config(self) -> dict[str, Any]:
        """What the layer is made from."""
        return super().get_config() | {"dropout": self.dropout, "causal": self.causal}


def _seen(q: Tensor | None, k: Tensor | None, v: Tensor | None) -> Tensor | None:
    """Which scores are not of padding, to be broadcast against them; None where all are."""
    seen = [mask[:, None, None, :] for mask in (k, v) if mask is not None]
    if q is not None:
        seen.append(q[:, None, :, None])
    return functools.reduce(ops.logical_and, seen) if seen else None


def split_attention(graph: KerasGraph) -> None:
    """Replaces multi-head attention of three-dimensional inputs by its parts, in place.

    Attention with masks of its own, other axes, a gate or a sliding window stays as it is.
    """
    parts: dict[Layer, tuple[list[Layer], Layer]] = {}
    calls, names = graph.calls(), Namer(graph)
    for node in [n for n in graph.nodes if n.layer.kind == "MultiHeadAttention"]:
        call = _plain_call(node)
        if call is None or not _plain_layer(graph, node):
            continue
        node.inputs, causal = call
        take_masks(graph, node, names)
        layer = node.layer
        if layer not in parts:
            parts[layer] = _projections(layer), _core(layer, causal)
            lengths = {tuple(_lengths(graph, call)) for call in calls[layer]}
            if len(lengths) == 1:
                _set_lengths(parts[layer][0], *lengths)
        _replace(graph, node, *parts[layer])


def _plain_call(node: Node) -> tuple[list[int], bool] | None:
    """Query, value and perhaps key, and whether it is causal; None with masks or scores."""
    args, kwargs = node.arguments(node.inputs)
    given = {name: value for name, value in kwargs.items() if value is not None}
    causal = bool(given.pop("use_causal_mask", False))
    given.pop("training", None)
    named = [given.pop(name) for name in ("query", "value", "key") if name in given]
    operands = [value for value in (*args, *named) if value is not None]
    # An operand that is no tensor of the graph, or a tensor that is no operand, such as a mask.
    others = [value for value in given.values() if value is not False]
    if others or sorted(map(str, operands)) != sorted(map(str, node.inputs)):
        return None
    return operands, causal


def _plain_layer(graph: KerasGraph, node: Node) -> bool:
    source = node.layer.source
    plain = not getattr(source, "_use_gate", False) and not getattr(source, "_sliding_window", None)
    ranks = {len(graph.shapes[tensor]) for tensor in node.inputs}
    return plain and ranks == {3} and source._attention_axes in (None, (1,), [1])


def _projections(layer: Layer) -> list[Layer]:
    made = []
    for name in ("query", "key", "value", "output"):
        dense = getattr(layer.source, f"_{name}_dense")
        made.append(
            Layer(
                name=f"{layer.name}_{name}",
                cls=keras.layers.EinsumDense,
                config=live_config(dense),
                weights=list(dense.get_weights()),
                source=layer.source,
                part_of=layer.part_of,
                passes_mask=True,
            )
        )
    return made


def _lengths(graph: KerasGraph, node: Node) -> list[int | None]:
    """Of the sequences that the four projections read."""
    query, key, value = (graph.shapes[tensor][1] for tensor in _operands(node))
    return [query, key, value, query]


def _set_lengths(projections: list[Layer], lengths: tuple[int | None, ...]) -> None:
    """Tells the projections how long sequences are: Keras leaves that open inside attention."""
    for dense, length in zip(projections, lengths, strict=True):
        assert dense.config is not None
        dense.config["output_shape"] = (length, *dense.config["output_shape"][1:])


def _operands(node: Node) -> tuple[int, int, int]:
    """Query, key and value; Keras's order is query, value, key, and the key may be left out."""
    operands = list(node.inputs)
    return operands[0], operands[2] if len(operands) > 2 else operands[1], operands[1]


def _core(layer: Layer, causal: bool) -> Layer:
    return Layer(
        name=f"{layer.name}_attention",
        cls=AttentionCore,
        config={"dropout": layer.source._dropout, "causal": causal},
        weights=[],
        source=layer.source,
        part_of=layer.part_of,
    )


def _replace(graph: KerasGraph, node: Node, projections: list[Layer], core: Layer) -> None:
    query, key, value, output = projections
    projected = []
    for dense, source in zip((query, key, value), _operands(node), strict=True):
        heads, size = dense.weights[0].shape[1:]
        tensor = graph.new_tensor((*graph.shapes[source][:-1], heads, size))
        graph.insert(
            node, Node(layer=dense, inputs=[source], outputs=[tensor], arguments=single_argument)
        )
        projected.append(tensor)
    made = graph.new_tensor((*graph.shapes[projected[0]][:-1], graph.shapes[projected[2]][-1]))
    graph.insert(
        node,
        Node(layer=core, inputs=projected, outputs=[made], arguments=lambda values: (values, {})),
    )
    node.layer, node.inputs, node.arguments = output, [made], single_argument
