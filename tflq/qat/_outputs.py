"""Keeps the names of a model's outputs, by which losses, metrics and files know them."""

import keras

from tflq.keras_side import KerasGraph, Node, single_argument
from tflq.qat._parts import Namer, made_layer


def name_outputs(graph: KerasGraph) -> None:
    """Ends every output in a layer of its name, in place.

    Keras names an output after the layer that gives it, which is a quantizer now. The layer that
    has the name gets another one.
    """
    names = Namer(graph)
    for layer in graph.calls():
        if layer.name in graph.output_names:
            layer.name = names(f"{layer.name}_layer")
    taken = {config["name"] for config in graph.inputs.values()}
    for place, tensor in enumerate(graph.outputs):
        wanted = graph.output_names[place]
        name = wanted if wanted not in taken else names(wanted)
        taken.add(name)
        made = graph.new_tensor(graph.shapes[tensor], graph.dtypes[tensor])
        identity = made_layer(keras.layers.Identity(name=name, dtype=_policy(graph, tensor)))
        node = Node(layer=identity, inputs=[tensor], outputs=[made], arguments=single_argument)
        graph.insert(None, node)
        graph.outputs[place] = made


def _policy(graph: KerasGraph, tensor: int) -> str | None:
    """A policy that does not cast the tensor."""
    dtype = graph.dtypes[tensor]
    return dtype if dtype in ("float32", "bfloat16", "float16") else None
