"""GNMT: translation by LSTMs with attention.

Y. Wu et al., "Google's Neural Machine Translation System: Bridging the Gap between Human and
Machine Translation", 2016, in the form that NVIDIA trained and that was quantized: four layers on
either side, and additive attention (D. Bahdanau et al., 2015) that the first layer of the decoder
asks and all later ones hear. Both sentences have a fixed length, over which the LSTMs are
unrolled. The decoder sees the whole translation so far; beam search is left out.
"""

from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from paper_networks._blocks import check_no_weights


@dataclass(frozen=True, kw_only=True)
class _Size:
    """What the two sizes of the network differ in."""

    vocabulary: int
    layers: int
    units: int
    length: int


_FULL = _Size(vocabulary=32320, layers=4, units=1024, length=32)
_SMOKE = _Size(vocabulary=200, layers=3, units=32, length=8)


def gnmt(smoke: bool, weights: str | None = None) -> Any:
    """GNMT.

    Args:
        smoke: build the small version: three layers on either side, few units and words, short
            sentences.
        weights: None; there are none.

    Returns:
        A model from token ids of the source and of the translation so far to logits of the words
        that follow.
    """
    check_no_weights(weights)
    size = _SMOKE if smoke else _FULL
    source = keras.Input((size.length,), dtype="int32", name="source_ids")
    target = keras.Input((size.length,), dtype="int32", name="target_ids")
    embedding = layers.Embedding(
        size.vocabulary, size.units, embeddings_initializer=_spread(size.units), name="embedding"
    )
    memory = _encoder(embedding(source), size)
    x = _decoder(embedding(target), memory, size)
    logits = layers.Dense(size.vocabulary, kernel_initializer=_spread(size.units), name="logits")(x)
    return keras.Model([source, target], logits, name="gnmt")


def _encoder(x: Any, size: _Size) -> Any:
    x = layers.Bidirectional(_lstm(size.units, "both_ways"), name="encoder1")(x)
    for index in range(2, size.layers + 1):
        hidden = _lstm(size.units, f"encoder{index}")(x)
        # The first layers change the width; the others only add to what reaches them.
        x = hidden if index == 2 else layers.Add(name=f"encoder{index}_add")([x, hidden])
    return x


def _decoder(x: Any, memory: Any, size: _Size) -> Any:
    x = _lstm(size.units, "decoder1")(x)
    query = layers.Dense(size.units, use_bias=False, name="attention_query")(x)
    key = layers.Dense(size.units, name="attention_key")(memory)
    context = layers.AdditiveAttention(name="attention")([query, memory, key])
    for index in range(2, size.layers + 1):
        heard = layers.Concatenate(name=f"decoder{index}_context")([x, context])
        hidden = _lstm(size.units, f"decoder{index}")(heard)
        x = hidden if index == 2 else layers.Add(name=f"decoder{index}_add")([x, hidden])
    return x


def _lstm(units: int, name: str) -> Any:
    return layers.LSTM(
        units,
        kernel_initializer=_spread(units),
        recurrent_initializer=_spread(units),
        return_sequences=True,
        unroll=True,
        name=name,
    )


def _spread(units: int) -> Any:
    """Uniform within 0.1 of zero at the true size, wider where fewer units add up."""
    limit = 0.1 * (_FULL.units / units) ** 0.5
    return keras.initializers.RandomUniform(-limit, limit)
