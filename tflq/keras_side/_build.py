"""From a flat graph back to a Keras model."""

import copy
from collections.abc import Sequence
from typing import Any

from tflq._errors import UserError
from tflq._reasons import keras_reason
from tflq.keras_side._graph import KerasGraph, Layer


def keras_of(graph: KerasGraph) -> Any:
    """The module `keras` or `tf_keras`, whichever the graph belongs to."""
    if graph.kind == "keras":
        import keras

        return keras
    import tf_keras

    return tf_keras


def build_model(graph: KerasGraph, *, tensors: Sequence[int] | None = None, cls: Any = None) -> Any:
    """Builds a functional model with new layers.

    Args:
        graph: the graph; it may go on being rewritten afterwards.
        tensors: numbers of the tensors that the model is to give, by default its outputs in
            their own structure.
        cls: the model's class, to be called like `keras.Model`, which it is by default.

    Raises:
        UserError: a layer cannot be made from its configuration.
    """
    from tensorflow import nest

    keras = keras_of(graph)
    values: dict[int, Any] = {
        number: keras.Input(
            config["shape"][1:],
            batch_size=config["shape"][0],
            dtype=config["dtype"],
            name=config["name"],
        )
        for number, config in graph.inputs.items()
    }
    made: dict[Layer, Any] = {}
    for node in graph.nodes:
        if node.layer not in made:
            made[node.layer] = _make(node.layer)
        args, kwargs = node.arguments([values[number] for number in node.inputs])
        results = made[node.layer](*args, **kwargs)
        values.update(zip(node.outputs, nest.flatten(results), strict=True))
    for layer, instance in made.items():
        if layer.weights:
            _set_weights(instance, layer)
    inputs = nest.map_structure(values.__getitem__, graph.input_structure)
    if tensors is not None:
        return keras.Model(inputs, [values[number] for number in tensors])
    outputs = [values[number] for number in graph.outputs]
    structure = nest.pack_sequence_as(graph.output_structure, outputs)
    return (cls or keras.Model)(inputs, structure, name=graph.name)


def _set_weights(instance: Any, layer: Layer) -> None:
    if len(instance.weights) > len(layer.weights):
        raise UserError(
            f"layer {layer.name!r} ({layer.kind}) has not made all of its weights yet, which it "
            "does when it first runs; call the model on one batch first: model(batch)."
        )
    instance.set_weights(layer.weights)


def _copied(layer: Layer) -> Any:
    """An operation like the user's, which keeps its own name and calls."""
    made = copy.copy(layer.source)
    made.name, made._inbound_nodes, made._outbound_nodes = layer.name, [], []
    return made


def _make(layer: Layer) -> Any:
    made = _copied(layer) if layer.config is None else _from_config(layer)
    if layer.passes_mask:
        made.supports_masking = True
    return made


def _from_config(layer: Layer) -> Any:
    assert layer.config is not None, "operations are copied"
    config = layer.config | {"name": layer.name}
    try:
        return layer.cls(**config) if layer.kind == "Lambda" else layer.cls.from_config(config)
    except Exception as error:
        # from_config runs the layer's own code.
        raise UserError(
            f"layer {layer.name!r} ({layer.kind}) cannot be rebuilt from its get_config(): "
            f"{keras_reason(error)}; mend that, or leave out equalize, absorb_bias and fold."
        ) from error
