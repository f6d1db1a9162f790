"""Made-up sentences and spectrograms."""

from itertools import pairwise
from typing import Any

import numpy as np

# The ids below are for padding, unknown words, and starts and ends of sentences.
_SPECIAL = 4


def sentence_samples(model: Any, count: int, seed: int) -> list[dict[str, np.ndarray]]:
    """Sentences of words whose frequencies fall as 1/rank, as Zipf found them.

    Args:
        model: its inputs are token ids, and perhaps "segment_ids" and "padding_mask".
        count: how many.
        seed: equal ones give equal sentences.

    Returns:
        Samples by input name, each a batch of one.
    """
    rng = np.random.default_rng(seed)
    vocabulary = max(
        layer.input_dim for layer in model._flatten_layers() if hasattr(layer, "input_dim")
    )
    shares = 1 / np.arange(1, vocabulary - _SPECIAL + 1)
    shares /= shares.sum()
    samples = []
    for _ in range(count):
        sample = {}
        for spec in model.inputs:
            shape = (1, spec.shape[1])
            if spec.name == "segment_ids":
                # A question, and behind it the text with the answer.
                values = np.arange(shape[1])[None] >= rng.integers(1, shape[1])
            elif spec.name == "padding_mask":
                values = np.ones(shape)
            else:
                values = _SPECIAL + rng.choice(len(shares), size=shape, p=shares)
            sample[spec.name] = values.astype(np.int32)
        samples.append(sample)
    return samples


def spectrogram_samples(model: Any, count: int, seed: int) -> list[dict[str, np.ndarray]]:
    """Spectrograms that change slowly, normalized as the acoustic models want them.

    Args:
        model: has one input (batch, frames, mels).
        count: how many.
        seed: equal ones give equal spectrograms.

    Returns:
        Samples by input name, each a batch of one.
    """
    (spec,) = model.inputs
    _, frames, mels = spec.shape
    rng = np.random.default_rng(seed)
    samples = []
    for _ in range(count):
        # Sums of steps wander slowly in time and from filter to filter.
        sound = rng.normal(size=(frames, mels))
        for axis, share in ((0, 0.8), (1, 0.7)):
            sound = _smoothed(sound, share, axis)
        sound = (sound - sound.mean(axis=0)) / (sound.std(axis=0) + 1e-5)
        samples.append({spec.name: sound[None].astype(np.float32)})
    return samples


def _smoothed(values: np.ndarray, share: float, axis: int) -> np.ndarray:
    """Each row keeps a share of the one before it."""
    rows = np.moveaxis(values, axis, 0).copy()
    for before, row in pairwise(rows):
        row += share * before
    return np.moveaxis(rows, 0, axis)
