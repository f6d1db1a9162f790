"""Pictures for networks: real ones as they are evaluated on, and made-up ones."""

from typing import Any

import numpy as np

from tflq.data import PRESETS
from tflq.data._picture import Preparation

# Mean and deviation of the made-up pixels; those of ImageNet are 117 and 58.
_MEAN, _DEVIATION = 117.0, 58.0
# Share of the channels' signal that all three have in common: photos are mostly grey.
_COMMON = 0.85


def picture_samples(
    model: Any, count: int, seed: int, *, preset: str
) -> list[dict[str, np.ndarray]]:
    """Pictures whose spectrum falls as 1/f, like that of photos.

    Args:
        model: has one input (batch, height, width, 3).
        count: how many.
        seed: equal ones give equal pictures.
        preset: how pixels are scaled, a name in `tflq.data.PRESETS`.

    Returns:
        Samples by input name, each a batch of one.
    """
    (spec,) = model.inputs
    _, height, width, _ = spec.shape
    rng = np.random.default_rng(seed)
    return [{spec.name: _scaled(_pixels(rng, height, width), preset)[None]} for _ in range(count)]


def preparation(size: int, *, preset: str, margin: int | None, resample: str) -> Preparation:
    """How photos become pictures that a network is evaluated on: cropped, resized, scaled.

    Args:
        size: the network's.
        preset: how pixels are scaled, a name in `tflq.data.PRESETS`.
        margin: the crop keeps the share size / (size + margin) of the shorter side; None is 7/8.
        resample: "bilinear" or "bicubic".
    """
    chosen = PRESETS[preset]
    return Preparation(
        image_size=(size, size),
        crop=0.875 if margin is None else size / (size + margin),
        mean=chosen.mean,
        scale=chosen.scale,
        resample=resample,
        bgr=chosen.bgr,
    )


def _pixels(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Float32 pixels 0..255, shape (height, width, 3)."""
    common = _smooth(rng, height, width)
    channels = [
        _COMMON * common + np.sqrt(1 - _COMMON**2) * _smooth(rng, height, width) for _ in range(3)
    ]
    # Photos differ in brightness and contrast, too.
    mean = _MEAN + rng.normal(0, 25)
    deviation = _DEVIATION * rng.lognormal(0, 0.25)
    return np.clip(mean + deviation * np.stack(channels, axis=-1), 0, 255).astype(np.float32)


def _smooth(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Noise of mean 0 and deviation 1 with amplitudes as 1/f."""
    vertical = np.fft.fftfreq(height)[:, None]
    horizontal = np.fft.rfftfreq(width)
    frequency = np.hypot(vertical, horizontal)
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.normal(size=(height, width))) / frequency
    field = np.fft.irfft2(spectrum, s=(height, width))
    return field / field.std()


def _scaled(pixels: np.ndarray, preset: str) -> np.ndarray:
    chosen = PRESETS[preset]
    if chosen.bgr:
        pixels = pixels[..., ::-1]
    scaled = (pixels - np.array(chosen.mean, np.float32)) / np.array(chosen.scale, np.float32)
    return np.ascontiguousarray(scaled, np.float32)
