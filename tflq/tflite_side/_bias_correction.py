"""Bias correction: takes out of the biases what rounded weights add on average.

With e = W^ - W the output of a layer moves by e x, on average by E[e x] = e E[x], which goes off
its bias (Nagel et al. 2019, section 4.2; equations (17)-(20) of the paper). Empirically, E[x] is
the mean of what reaches the layer in the quantized network, whose earlier layers have been
corrected already, and borders count as they are. Analytically, it comes from batch normalization.
"""

from collections.abc import Mapping

import numpy as np

from tflq.tflite_side._graph import Graph, Op
from tflq.tflite_side._names import LayerOf, Names
from tflq.tflite_side._plan import Plan, round_weights, shared
from tflq.tflite_side._simulation import run_all
from tflq.tflite_side._single_op import single_op
from tflq.tflite_side._weights import SLOTS, bias_of, weighted_ops, weights_of


def empirical_shift(
    graph: Graph, op: Op, quantized: np.ndarray, mean_input: np.ndarray
) -> np.ndarray:
    """E[e x] of every output channel (equations 17-19).

    A convolution is linear, so that it is run once, on the mean of its inputs.

    Args:
        graph: the float graph.
        op: one with stored weights and bias.
        quantized: the values that its quantized weights stand for, in the file's layout.
        mean_input: of what reaches it in the quantized network, in the shape of one sample.

    Returns:
        float64, shape (output channels,).
    """
    index, bias = weights_of(graph, op), bias_of(graph, op)
    assert bias is not None, "only ops with a bias are corrected"
    error = quantized - graph.constant(index)
    constants = {index: error, bias: np.zeros_like(graph.constant(bias))}
    content = single_op(graph, op, doors={}, constants=constants, linear=True)
    ((made,),) = run_all(content, iter([[mean_input.astype(np.float32)]]))
    return made.reshape(-1, made.shape[-1]).mean(axis=0, dtype=np.float64)


def analytic_corrections(
    graph: Graph,
    constants: Mapping[int, np.ndarray],
    plan: Plan,
    input_means: Mapping[str, np.ndarray],
    layer_of: LayerOf,
) -> dict[int, np.ndarray]:
    """Corrects the bias of every layer whose inputs' means are known (equation 20).

    Args:
        graph: the float graph.
        constants: weights that were decided, as the values that their codes stand for; others
            are rounded to nearest.
        plan: how the network is to be quantized.
        input_means: by layer name, the mean of each input channel.
        layer_of: from one part of a tensor's path to a layer's name.

    Returns:
        The new biases, by tensor index.
    """
    names = Names(graph, {}, layer_of)
    corrected = {}
    for op in weighted_ops(graph):
        index, bias = weights_of(graph, op), bias_of(graph, op)
        channels = graph.tensors[op.inputs[SLOTS[op.kind].data]].shape[-1]
        known = (input_means.get(name) for name in names.aliases(op.outputs[0]))
        means = [mean for mean in known if mean is not None and len(mean) == channels]
        if bias is None or index not in plan.bits or not means or shared(graph, bias):
            continue
        weights = constants[index] if index in constants else round_weights(graph, op, plan)
        shift = _expected_shift(weights - graph.constant(index), op.kind, means[0])
        old = graph.constant(bias)
        corrected[bias] = (old - shift.reshape(old.shape)).astype(np.float32)
    return corrected


def _expected_shift(error: np.ndarray, kind: str, mean: np.ndarray) -> np.ndarray:
    """E E[x] of every output channel, away from borders."""
    error = error.astype(np.float64)
    if kind == "DEPTHWISE_CONV_2D":
        return error.sum(axis=(0, 1, 2)) * np.repeat(mean, error.shape[-1] // len(mean))
    rows = error.reshape(error.shape[0], -1, error.shape[-1]).sum(axis=1)
    groups = len(mean) // rows.shape[1]
    by_group = rows.reshape(groups, -1, rows.shape[1])
    return np.einsum("goi,gi->go", by_group, mean.reshape(groups, -1)).reshape(-1)
