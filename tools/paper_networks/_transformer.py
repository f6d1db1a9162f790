"""The big Transformer for translation.

A. Vaswani et al., "Attention Is All You Need", 2017, table 3. Both sentences have a fixed length
and no padding. The decoder sees the whole translation so far; beam search is left out.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from paper_networks._blocks import check_no_weights


@dataclass(frozen=True, kw_only=True)
class _Size:
    """What the two sizes of the network differ in."""

    vocabulary: int
    blocks: int
    width: int
    inner: int
    heads: int
    length: int


_FULL = _Size(vocabulary=37000, blocks=6, width=1024, inner=4096, heads=16, length=64)
_SMOKE = _Size(vocabulary=200, blocks=2, width=64, inner=128, heads=2, length=12)


def transformer(smoke: bool, weights: str | None = None) -> Any:
    """The big Transformer.

    Args:
        smoke: build the small version: two narrow blocks on either side, few words.
        weights: None; there are none.

    Returns:
        A model from token ids of the source and of the translation so far to logits of the words
        that follow.
    """
    check_no_weights(weights)
    size = _SMOKE if smoke else _FULL
    source = keras.Input((size.length,), dtype="int32", name="source_ids")
    target = keras.Input((size.length,), dtype="int32", name="target_ids")
    # Both languages and the logits share one matrix.
    embedding = layers.ReversibleEmbedding(
        size.vocabulary,
        size.width,
        embeddings_initializer=keras.initializers.RandomNormal(stddev=size.width**-0.5),
        name="embedding",
    )
    memory = _placed(embedding(source), size)
    for index in range(size.blocks):
        memory = _attended(memory, memory, size, f"encoder{index + 1}_self")
        memory = _feed_forward(memory, size, f"encoder{index + 1}")
    x = _placed(embedding(target), size)
    for index in range(size.blocks):
        x = _attended(x, x, size, f"decoder{index + 1}_self", use_causal_mask=True)
        x = _attended(x, memory, size, f"decoder{index + 1}_cross")
        x = _feed_forward(x, size, f"decoder{index + 1}")
    return keras.Model([source, target], embedding(x, reverse=True), name="transformer")


def _placed(x: Any, size: _Size) -> Any:
    """Embeddings of usual size, plus sines that tell the places of words."""
    rates = 1e4 ** -(np.arange(0, size.width, 2) / size.width)
    angles = np.arange(size.length)[:, None] * rates
    places = np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)
    return ops.add(ops.multiply(x, size.width**0.5), places[None])


def _attended(x: Any, memory: Any, size: _Size, name: str, **options: Any) -> Any:
    attention = layers.MultiHeadAttention(size.heads, size.width // size.heads, name=name)
    return _added(x, attention(x, memory, **options), name)


def _feed_forward(x: Any, size: _Size, name: str) -> Any:
    inner = layers.Dense(size.inner, activation="relu", name=f"{name}_inner")(x)
    return _added(x, layers.Dense(size.width, name=f"{name}_outer")(inner), f"{name}_feed_forward")


def _added(x: Any, found: Any, name: str) -> Any:
    x = layers.Add(name=f"{name}_add")([x, found])
    return layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm")(x)
