"""The neck: what a source becomes before any integer is decided."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from tflq._signatures import DEFAULT_SIGNATURE
from tflq.data import InputSpec

Reference = Callable[[Mapping[str, np.ndarray]], list[np.ndarray]]


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainedWeights:
    """How weights were quantized in training.

    Attributes:
        bound: largest absolute value a code stands for: float64, one, or one a channel.
        bits: bits of a weight.
    """

    bound: np.ndarray
    bits: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Training:
    """What quantization-aware training decided; ranges of activations are in the .tflite.

    Attributes:
        scheme: name of the scheme that was trained for.
        weights: by `weights_digest` of the weights.
        float_layers: names of the layers that were kept float.
    """

    scheme: str
    weights: Mapping[str, TrainedWeights]
    float_layers: frozenset[str]


def weights_digest(weights: np.ndarray) -> str:
    """Identifies weights however a converter lays them out: a digest of their sorted values."""
    # Adding 0 makes -0 into 0.
    ordered = np.sort(np.asarray(weights, np.float32).reshape(-1)) + np.float32(0)
    return hashlib.sha256(ordered.tobytes()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class FloatModel:
    """A float .tflite and what is known of it.

    Attributes:
        tflite: the flatbuffer.
        inputs: names, shapes and dtypes of the inputs in the file's order; the names are the
            user's (the Keras model's), not the flatbuffer's.
        outputs: names of the outputs in the file's order.
        signature: the name under which programs call the file with these names.
        reference: evaluates the source itself on one batch, for checking the conversion; None
            where the source is the float .tflite.
        layer_of: from one part of a tensor's path to a layer's name; None where it is none's.
        source: what the user gave, in words, for messages and reports.
        training: what quantization-aware training decided, where there was one.
        attached: archive of the files behind the source's flatbuffer; empty where there is none.
    """

    tflite: bytes
    inputs: tuple[InputSpec, ...]
    outputs: tuple[str, ...]
    signature: str = DEFAULT_SIGNATURE
    reference: Reference | None = field(default=None, repr=False)
    layer_of: Callable[[str], str | None] = field(default=lambda part: part, repr=False)
    source: str
    training: Training | None = field(default=None, repr=False)
    attached: bytes = field(default=b"", repr=False)
