"""How close two models' outputs are: SQNR, cosine, top-1 agreement, worst samples."""

import heapq
import math
from dataclasses import dataclass

import numpy as np

from tflq._exact_sum import ExactSum

_WORST = 5
# More are classes, words or bins: of one kind.
_MOST_CHANNELS = 256
_UNLIKE = 16.0


@dataclass(frozen=True, kw_only=True)
class OutputFidelity:
    """One output of a candidate against the reference, over all samples.

    Attributes:
        name: the output.
        samples: how many samples were compared.
        sqnr_db: signal to quantization noise ratio, 10 log10(sum r^2 / sum (r - c)^2), in dB;
            infinite when equal.
        cosine: cosine similarity of all values together; 1 is equal.
        top1_agreement: share of samples (of positions, for maps) whose largest value along the
            last axis lies at the same index; None where that axis has one value.
        largest_error: largest absolute difference of a value.
        worst: up to five (sample index, SQNR in dB of that sample), worst first.
        channels_db: SQNR in dB of each channel of the last axis, where the largest values of
            channels differ 16-fold, so that the whole tells nothing of the small ones; else empty.
    """

    name: str
    samples: int
    sqnr_db: float
    cosine: float
    top1_agreement: float | None
    largest_error: float
    worst: tuple[tuple[int, float], ...]
    channels_db: tuple[float, ...] = ()


class FidelityMeter:
    """Streams over pairs of outputs; memory does not grow with the number of samples.

    Meters of parts of a stream merge into that of the whole, bit for bit.

    Args:
        name: the output's name.

    Example:
        >>> meter = FidelityMeter("logits")
        >>> meter.update(0, np.array([[1.0, 3.0]]), np.array([[1.0, 2.0]]))
        >>> round(meter.result().sqnr_db, 1), meter.result().top1_agreement
        (10.0, 1.0)
    """

    def __init__(self, name: str):
        self._name = name
        self._samples = 0
        self._signal, self._noise = ExactSum(), ExactSum()
        self._candidate, self._product = ExactSum(), ExactSum()
        self._largest = 0.0
        self._agreed = self._judged = 0
        self._worst: list[tuple[float, int]] = []
        self._channels: tuple[_Channel, ...] = ()

    def update(self, sample: int, reference: np.ndarray, candidate: np.ndarray) -> None:
        """Adds one sample.

        Args:
            sample: its index, for naming the worst ones.
            reference: the output to be met, any shape.
            candidate: the output to be judged, of the same shape.
        """
        r = reference.astype(np.float64).reshape(-1)
        c = candidate.astype(np.float64).reshape(-1)
        with np.errstate(invalid="ignore"):
            difference = r - c
        # Not `r @ r`, whose order of summation depends on the number of threads.
        signal, noise = float(np.square(r).sum()), float(np.square(difference).sum())
        self._samples += 1
        self._signal.add(signal)
        self._noise.add(noise)
        self._candidate.add(float(np.square(c).sum()))
        self._product.add(float((r * c).sum()))
        self._largest = _larger(self._largest, float(np.abs(difference).max(initial=0.0)))
        if reference.ndim >= 1 and reference.shape[-1] > 1:
            same = reference.argmax(-1) == candidate.argmax(-1)
            self._agreed += int(np.sum(same))
            self._judged += int(same.size)
        self._worst = heapq.nlargest(_WORST, [*self._worst, (-sqnr_db(signal, noise), -sample)])
        if reference.ndim >= 1 and 1 < reference.shape[-1] <= _MOST_CHANNELS:
            self._update_channels(r.reshape(reference.shape), c.reshape(reference.shape))

    def _update_channels(self, reference: np.ndarray, candidate: np.ndarray) -> None:
        count = reference.shape[-1]
        r, c = reference.reshape(-1, count), candidate.reshape(-1, count)
        self._channels = self._channels or tuple(_Channel() for _ in range(count))
        with np.errstate(invalid="ignore"):
            noise = np.square(r - c).sum(0)
        found = (np.square(r).sum(0), noise, np.abs(r).max(0, initial=0.0))
        for channel, *values in zip(self._channels, *map(np.ndarray.tolist, found), strict=True):
            channel.add(*values)

    def merge(self, other: "FidelityMeter") -> "FidelityMeter":
        """A new meter of both streams, whose samples have different indices."""
        merged = FidelityMeter(self._name)
        merged._samples = self._samples + other._samples
        merged._signal = self._signal.merge(other._signal)
        merged._noise = self._noise.merge(other._noise)
        merged._candidate = self._candidate.merge(other._candidate)
        merged._product = self._product.merge(other._product)
        merged._largest = _larger(self._largest, other._largest)
        merged._agreed = self._agreed + other._agreed
        merged._judged = self._judged + other._judged
        merged._worst = heapq.nlargest(_WORST, [*self._worst, *other._worst])
        merged._channels = self._channels or other._channels
        if self._channels and other._channels:
            pairs = zip(self._channels, other._channels, strict=True)
            merged._channels = tuple(one.merge(another) for one, another in pairs)
        return merged

    def result(self) -> OutputFidelity:
        """What has been measured so far."""
        signal, noise = self._signal.value, self._noise.value
        lengths = math.sqrt(signal * self._candidate.value)
        return OutputFidelity(
            name=self._name,
            samples=self._samples,
            sqnr_db=sqnr_db(signal, noise),
            cosine=self._product.value / lengths if lengths else float(noise == 0),
            top1_agreement=self._agreed / self._judged if self._judged else None,
            largest_error=self._largest,
            worst=tuple((-index, -ratio) for ratio, index in self._worst),
            channels_db=self._channels_db(),
        )

    def _channels_db(self) -> tuple[float, ...]:
        largest = [channel.largest for channel in self._channels if channel.largest]
        if not largest or max(largest) < _UNLIKE * min(largest):
            return ()
        return tuple(channel.sqnr_db for channel in self._channels)


class _Channel:
    """The energies of one channel."""

    def __init__(self) -> None:
        self._signal, self._noise, self.largest = ExactSum(), ExactSum(), 0.0

    def add(self, signal: float, noise: float, largest: float) -> None:
        self._signal.add(signal)
        self._noise.add(noise)
        self.largest = max(self.largest, largest)

    def merge(self, other: "_Channel") -> "_Channel":
        merged = _Channel()
        merged._signal = self._signal.merge(other._signal)
        merged._noise = self._noise.merge(other._noise)
        merged.largest = max(self.largest, other.largest)
        return merged

    @property
    def sqnr_db(self) -> float:
        return sqnr_db(self._signal.value, self._noise.value)


def _larger(one: float, other: float) -> float:
    """NaN where either is: what is no number is not as good as no error."""
    return float(np.maximum(one, other))


def sqnr_db(signal: float, noise: float) -> float:
    """10 log10(signal / noise) of two energies, in dB; infinite without noise."""
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal > 0 else -math.inf


def noise_share(sqnr_db: float | None) -> float:
    """Noise as a share of the signal's energy; None stands for no noise.

    Example:
        >>> noise_share(20.0), noise_share(None)
        (0.01, 0.0)
    """
    return 0.0 if sqnr_db is None else float(10 ** (-sqnr_db / 10))
