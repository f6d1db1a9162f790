"""The two Kerases' graphs, brought to one form."""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tflq.keras_side._kind import keras_kind

# Layers that do it, and what training puts in their place.
_TAKING = ("MultiHeadAttention", "Unmasked")


@dataclass(frozen=True, kw_only=True)
class ModelNode:
    """A call, with the Keras tensors it was made with.

    Attributes:
        layer: the layer, operation or nested model.
        inputs: its Keras tensors.
        outputs: what it returned.
        arguments: from values of the inputs to the call's args and kwargs.
    """

    layer: Any
    inputs: list[Any]
    outputs: list[Any]
    arguments: Callable[[Sequence[Any]], tuple[Sequence[Any], dict[str, Any]]]


def functional_of(model: Any) -> Any | None:
    """The model as a functional one; None for layers, subclassed and unbuilt models."""
    if keras_kind(model) is None:
        return None
    names = {base.__name__ for base in type(model).__mro__}
    if "Sequential" in names and keras_kind(model) == "keras":
        return model._functional
    if "Functional" in names and getattr(model, "_nodes_by_depth", None) and _calls_graph(model):
        return model
    return None


def is_functional(model: Any) -> bool:
    """Whether the model's graph is known: functional or Sequential, and built."""
    return functional_of(model) is not None


def nodes_of(functional: Any, *, takes_masks: bool = False) -> Iterator[ModelNode]:
    """The model's own calls in running order, its inputs left out.

    Args:
        functional: the model.
        takes_masks: whether a layer that runs takes masks from tensors, see `takes_masks`.
    """
    by_depth = functional._nodes_by_depth
    read = _read_tf_keras
    if keras_kind(functional) == "keras":
        read = functools.partial(_read_keras, takes_masks=takes_masks)
    for depth in sorted(by_depth, reverse=True):
        for node in by_depth[depth]:
            if not node.is_input:
                yield read(node)


def _calls_graph(model: Any) -> bool:
    """Whether running the model is running its graph: a subclass may have its own call()."""
    owner = next(base for base in type(model).__mro__ if "call" in vars(base))
    return owner.__module__.partition(".")[0] in ("keras", "tf_keras")


def takes_masks(model: Any) -> bool:
    """Whether a layer takes masks from the tensors it reads, for all that run later.

    Keras 3 passes the mask that hangs on a symbolic tensor to layers of one tensor by name, once
    and for all. What hangs on the tensor when the model runs is the same, but where attention has
    taken it.
    """
    return any(
        base.__name__ in _TAKING
        for layer in getattr(model, "_flatten_layers", list)()
        for base in type(layer).__mro__
    )


def _read_keras(node: Any, *, takes_masks: bool) -> ModelNode:
    tensors = list(node.input_tensors)
    mask = node.arguments.kwargs.get("mask")
    if takes_masks or mask is not getattr(tensors[0], "_keras_mask", None):
        mask = None
    if mask is not None:
        # Keras adds what hangs on the first tensor, and will again.
        tensors = [tensor for tensor in tensors if tensor is not mask]

    def arguments(values: Sequence[Any]) -> tuple[Sequence[Any], dict[str, Any]]:
        by_id = {id(t): value for t, value in zip(tensors, values, strict=True)}
        args, kwargs = node.arguments.fill_in(by_id | {id(mask): None})
        return args, {key: value for key, value in kwargs.items() if key != "mask" or mask is None}

    return ModelNode(
        layer=node.operation, inputs=tensors, outputs=list(node.outputs), arguments=arguments
    )


def _read_tf_keras(node: Any) -> ModelNode:
    from tensorflow import nest

    tensors = list(node.keras_inputs)

    def arguments(values: Sequence[Any]) -> tuple[Sequence[Any], dict[str, Any]]:
        by_id = {id(t): value for t, value in zip(tensors, values, strict=True)}
        args, kwargs = nest.map_structure(
            lambda leaf: by_id.get(id(leaf), leaf), (node.call_args, node.call_kwargs)
        )
        return args, kwargs

    return ModelNode(
        layer=node.layer, inputs=tensors, outputs=nest.flatten(node.outputs), arguments=arguments
    )
