"""Separable convolutions as the two convolutions they are."""

from typing import Any

from tflq.keras_side._graph import KerasGraph, Layer, Node, single_argument

_KINDS = {
    "SeparableConv1D": ("DepthwiseConv1D", "Conv1D"),
    "SeparableConv2D": ("DepthwiseConv2D", "Conv2D"),
}
_SHARED = ("dtype", "data_format", "trainable")
_DEPTHWISE = ("kernel_size", "strides", "padding", "dilation_rate", "depth_multiplier")
_POINTWISE = (
    "filters",
    "use_bias",
    "activation",
    "activity_regularizer",
    "bias_initializer",
    "bias_regularizer",
    "bias_constraint",
)
_OF_KERNELS = ("initializer", "regularizer", "constraint")


def split_separables(graph: KerasGraph, keras: Any) -> None:
    """Replaces every separable convolution by a depthwise and a pointwise one, in place.

    Args:
        graph: the graph.
        keras: the module `keras` or `tf_keras` whose layers the graph has.
    """
    halves: dict[Layer, tuple[Layer, Layer]] = {}
    for node in list(graph.nodes):
        if node.layer.kind not in _KINDS:
            continue
        if node.layer not in halves:
            halves[node.layer] = _split(node.layer, keras)
        depthwise, pointwise = halves[node.layer]
        (output,) = node.outputs
        channels = depthwise.weights[0].shape[-2] * depthwise.weights[0].shape[-1]
        between = graph.new_tensor((*graph.shapes[output][:-1], channels))
        graph.insert(
            node,
            Node(layer=depthwise, inputs=node.inputs, outputs=[between], arguments=node.arguments),
        )
        node.layer, node.inputs, node.arguments = pointwise, [between], single_argument


def _split(layer: Layer, keras: Any) -> tuple[Layer, Layer]:
    assert layer.config is not None
    config, shared = layer.config, {key: layer.config[key] for key in _SHARED}
    first, second = (getattr(keras.layers, kind) for kind in _KINDS[layer.kind])
    depthwise = Layer(
        name=f"{layer.name}_depthwise",
        cls=first,
        config=shared
        | {key: config[key] for key in _DEPTHWISE}
        | {"use_bias": False}
        | {f"depthwise_{key}": config[f"depthwise_{key}"] for key in _OF_KERNELS},
        weights=layer.weights[:1],
        source=layer.source,
    )
    pointwise = Layer(
        name=layer.name,
        cls=second,
        config=shared
        | {key: config[key] for key in _POINTWISE if key in config}
        | {"kernel_size": 1}
        | {f"kernel_{key}": config[f"pointwise_{key}"] for key in _OF_KERNELS},
        weights=layer.weights[1:],
        source=layer.source,
    )
    return depthwise, pointwise
