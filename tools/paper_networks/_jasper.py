"""Jasper DR 10x5: speech to letters by one-dimensional convolutions.

J. Li et al., "Jasper: An End-to-End Convolutional Neural Acoustic Model", 2019, tables 1 and 4.
Ten blocks of five convolutions; what enters a block also reaches the ends of all later blocks
("dense residual"). Outputs are logits; the decoding of letters is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from paper_networks._blocks import check_no_weights

# Mel filters of the spectrogram; letters, blank, apostrophe and CTC's blank.
_MELS, _LETTERS = 64, 29


@dataclass(frozen=True, kw_only=True)
class _Size:
    """What the two sizes of the network differ in.

    Attributes:
        frames: of the spectrogram.
        repeats: convolutions of a block.
        blocks: kernel and channels of each block.
        ends: channels of the prologue and of the two convolutions behind the blocks.
    """

    frames: int
    repeats: int
    blocks: Sequence[tuple[int, int]]
    ends: tuple[int, int, int]


_KINDS = ((11, 256), (13, 384), (17, 512), (21, 640), (25, 768))
_FULL = _Size(
    frames=512,
    repeats=5,
    blocks=[kind for kind in _KINDS for _ in range(2)],
    ends=(256, 896, 1024),
)
_SMOKE = _Size(
    frames=64,
    repeats=2,
    blocks=[(kernel, channels // 16) for kernel, channels in _KINDS],
    ends=(16, 56, 64),
)


def jasper(smoke: bool, weights: str | None = None) -> Any:
    """Jasper DR 10x5.

    Args:
        smoke: build the small version: five blocks of two convolutions, a sixteenth of the
            channels.
        weights: None; there are none.

    Returns:
        A model from spectrograms (batch, frames, 64) to logits of letters, for every other frame.
    """
    check_no_weights(weights)
    size = _SMOKE if smoke else _FULL
    sound = keras.Input((size.frames, _MELS), name="spectrogram")
    x = _conv(sound, size.ends[0], 11, "prologue", strides=2)
    entered: list[Any] = []
    for index, (kernel, channels) in enumerate(size.blocks):
        entered.append(x)
        x = _block(entered, channels, kernel, size.repeats, f"block{index + 1}")
    x = _conv(x, size.ends[1], 29, "epilogue1", dilation_rate=2)
    x = _conv(x, size.ends[2], 1, "epilogue2")
    return keras.Model(sound, layers.Conv1D(_LETTERS, 1, name="logits")(x), name="jasper")


def _block(entered: Sequence[Any], channels: int, kernel: int, repeats: int, name: str) -> Any:
    """Convolutions, to whose last one all that has entered a block so far is added."""
    x = entered[-1]
    for index in range(repeats):
        last = index == repeats - 1
        x = _conv(x, channels, kernel, f"{name}_{index + 1}", rectified=not last)
    shortcuts = [
        _conv(earlier, channels, 1, f"{name}_shortcut{index + 1}", rectified=False)
        for index, earlier in enumerate(entered)
    ]
    x = layers.Add(name=f"{name}_add")([x, *shortcuts])
    return layers.ReLU(name=f"{name}_relu")(x)


def _conv(
    x: Any, channels: int, kernel: int, name: str, *, rectified: bool = True, **options: Any
) -> Any:
    x = layers.Conv1D(
        channels, kernel, padding="same", use_bias=False, name=f"{name}_conv", **options
    )(x)
    x = layers.BatchNormalization(epsilon=1e-3, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if rectified else x
