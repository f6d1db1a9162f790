"""The two Kerases' graphs, brought to one form."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tflq.keras_side._kind import keras_kind


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


def nodes_of(functional: Any) -> Iterator[ModelNode]:
    """The model's own calls in running order, its inputs left out."""
    by_depth = functional._nodes_by_depth
    read = _read_keras if keras_kind(functional) == "keras" else _read_tf_keras
    for depth in sorted(by_depth, reverse=True):
        for node in by_depth[depth]:
            if not node.is_input:
                yield read(node)


def _calls_graph(model: Any) -> bool:
    """Whether running the model is running its graph: a subclass may have its own call()."""
    owner = next(base for base in type(model).__mro__ if "call" in vars(base))
    return owner.__module__.partition(".")[0] in ("keras", "tf_keras")


def _read_keras(node: Any) -> ModelNode:
    tensors = list(node.input_tensors)

    def arguments(values: Sequence[Any]) -> tuple[Sequence[Any], dict[str, Any]]:
        by_id = {id(t): value for t, value in zip(tensors, values, strict=True)}
        args, kwargs = node.arguments.fill_in(by_id)
        return args, kwargs

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
