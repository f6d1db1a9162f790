"""Streams of activations for tests of calibrators: lists of float32 samples."""

import numpy as np

from tflq.ranges import Histogram

SAMPLES, SHAPE = 12, (14, 14, 24)


def histogram(samples):
    """The histogram of a stream."""
    result = Histogram()
    for sample in samples:
        result.update(np.asarray(sample, np.float32))
    return result


def stream(draw, seed=0):
    """Samples from `draw(rng, shape)`."""
    rng = np.random.default_rng(seed)
    return [draw(rng, SHAPE).astype(np.float32) for _ in range(SAMPLES)]


def _channels(rng, shape, spread, shift):
    """Normal values whose mean and deviation are each channel's own, as after a convolution."""
    own = np.random.default_rng(7)
    scale = spread * np.exp(own.normal(0, 0.6, shape[-1]))
    return rng.normal(size=shape) * scale + shift * own.normal(size=shape[-1])


def _swish(x):
    return x / (1 + np.exp(-x))


# What EfficientNet-like networks put out, by kind of layer.
STREAMS = {
    "relu6": stream(lambda rng, shape: np.clip(_channels(rng, shape, 2, 2), 0, 6)),
    "relu6_rarely_6": stream(lambda rng, shape: np.clip(_channels(rng, shape, 0.8, 0.5), 0, 6)),
    "relu": stream(lambda rng, shape: np.maximum(_channels(rng, shape, 1, 1), 0)),
    "projection": stream(lambda rng, shape: _channels(rng, shape, 3, 2)),
    "swish": stream(lambda rng, shape: _swish(_channels(rng, shape, 3, 1))),
    "gaussian": stream(lambda rng, shape: rng.normal(size=shape)),
    "laplace": stream(lambda rng, shape: rng.laplace(size=shape)),
    "heavy_tails": stream(lambda rng, shape: rng.standard_t(3, size=shape)),
    "loud_channel": stream(lambda rng, shape: rng.normal(size=shape) * np.r_[20, np.ones(23)]),
    "spike_of_30_percent_at_6": stream(
        lambda rng, shape: np.where(rng.random(shape) < 0.3, 6, rng.uniform(0, 6, shape))
    ),
    "few_values": [np.random.default_rng(i).normal(size=10) for i in range(40)],
}

# Tensors that break calibrators.
ODD = {
    "zeros": np.zeros(100),
    "positive_constant": np.full(100, 2.5),
    "negative_constant": np.full(100, -2.5),
    "all_negative": -1 - np.random.default_rng(0).random(1000),
    "all_positive": 1 + np.random.default_rng(0).random(1000),
    "far_from_zero": 1000 + np.random.default_rng(0).random(1000) / 1000,
    "one_value": np.array([3.0]),
    "two_values": np.array([-1.0, 3.0]),
    "subnormal": np.linspace(-1e-40, 2e-40, 1000),
    "tiny": np.linspace(-1e-37, 2e-37, 1000),
    "huge": np.linspace(-1e38, 2e38, 1000),
    "zeros_and_a_little": np.r_[np.zeros(10_000), 1e-3],
    "outlier": np.r_[np.random.default_rng(0).normal(size=100_000), 1e6],
}


def signal_to_noise(samples, low, high, *, bits=8):
    """dB of what quantizing a stream to a range leaves of it."""
    from tflq.affine import Mode, parameters

    x = np.concatenate([np.ravel(sample) for sample in samples]).astype(np.float64)
    lost = x - parameters(low, high, bits=bits, mode=Mode.ASYMMETRIC).fake_quant(x)
    return 10 * np.log10(np.mean(x**2) / max(np.mean(lost**2), 1e-300))
