"""Gives random weights the statistics of trained ones."""

from collections.abc import Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import numpy as np

# Spreads (of logarithms) of channels of kernels and of gammas, and deviation of betas.
_KERNEL_SPREAD, _GAMMA_SPREAD, _BETA_DEVIATION = 0.35, 0.25, 0.25
# Random networks of ReLUs are chaotic: what weights lose by rounding grows from layer to layer
# until nothing is left of the outputs, which trained ones don't do. Betas above zero, so that
# fewer ReLUs cut, and residual branches that add less than they could, tame them.
_BETA_MEAN, _RESIDUAL_GAMMA = 0.5, 0.5
_NORMS = ("BatchNormalization", "LayerNormalization", "GroupNormalization")


def realistic(model: Any, samples: Sequence[dict[str, np.ndarray]], seed: int) -> None:
    """Gives random weights realistic statistics, in place.

    Channels of kernels get log-normal scales, at an unchanged root mean square of the kernel;
    normalizations get log-normal gammas and small betas; batch normalizations get the true
    statistics of what reaches them on the samples. Those of one layer rest on those of the layers
    before it: in training mode each one normalizes by the batch at hand, so that one pass in
    which they remember that batch settles all of them.

    Args:
        model: a Keras 3 model, modified in place.
        samples: by input name, as `Network.samples` gives them.
        seed: equal ones give equal weights.
    """
    rng = np.random.default_rng(seed)
    layers = [layer for layer in model._flatten_layers() if not layer._layers]
    for layer in layers:
        if type(layer).__name__ in _NORMS:
            _vary_norm(layer, rng)
        else:
            _vary_kernels(layer, rng)
    norms = [layer for layer in layers if _is_batch_norm(layer)]
    if norms:
        batch = {name: np.concatenate([s[name] for s in samples]) for name in samples[0]}
        _settle(model, batch, layers, norms)


def _vary_norm(layer: Any, rng: np.random.Generator) -> None:
    consumers = {type(node.operation).__name__ for node in layer._outbound_nodes}
    if layer.gamma is not None:
        gamma = rng.lognormal(0, _GAMMA_SPREAD, layer.gamma.shape)
        ends_branch = _is_batch_norm(layer) and consumers == {"Add"}
        layer.gamma.assign(gamma * (_RESIDUAL_GAMMA if ends_branch else 1.0))
    if layer.beta is not None:
        mean = _BETA_MEAN if _is_batch_norm(layer) else 0.0
        layer.beta.assign(rng.normal(mean, _BETA_DEVIATION, layer.beta.shape))


def _is_batch_norm(layer: Any) -> bool:
    return type(layer).__name__ == "BatchNormalization"


def _vary_kernels(layer: Any, rng: np.random.Generator) -> None:
    for weight in layer.trainable_weights:
        if len(weight.shape) < 2:
            continue
        kernel = weight.numpy()
        # The last two axes are channels, of whatever kind of layer.
        outputs = rng.lognormal(0, _KERNEL_SPREAD, kernel.shape[-1])
        inputs = rng.lognormal(0, _KERNEL_SPREAD, (kernel.shape[-2], 1))
        varied = kernel * (outputs * inputs).astype(np.float32)
        before, after = (float(np.sqrt(np.mean(np.square(k)))) for k in (kernel, varied))
        weight.assign(varied * np.float32(before / after) if after else varied)


def _settle(model: Any, batch: dict[str, np.ndarray], layers: list[Any], norms: list[Any]) -> None:
    """One pass in training mode, without dropout and with no memory of other batches."""
    with ExitStack() as stack:
        for layer in norms:
            stack.enter_context(_set(layer, "momentum", 0.0))
        for layer in layers:
            if "Dropout" in type(layer).__name__:
                stack.enter_context(_set(layer, "rate", 0.0))
        model(keras.tree.map_structure(lambda spec: batch[spec.name], model.input), training=True)


@contextmanager
def _set(target: Any, name: str, value: float) -> Any:
    kept = getattr(target, name)
    setattr(target, name, value)
    try:
        yield
    finally:
        setattr(target, name, kept)
