"""The neck: what a source becomes before any integer is decided."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from tflq.data import InputSpec

Reference = Callable[[Mapping[str, np.ndarray]], list[np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class FloatModel:
    """A float .tflite and what is known of it.

    Attributes:
        tflite: the flatbuffer.
        inputs: names, shapes and dtypes of the inputs in the file's order; the names are the
            user's (the Keras model's), not the flatbuffer's.
        outputs: names of the outputs in the file's order.
        reference: evaluates the source itself on one batch, for checking the conversion; None
            where the source is the float .tflite.
        layer_of: from one part of a tensor's path to a layer's name; None where it is none's.
        source: what the user gave, in words, for messages and reports.
    """

    tflite: bytes
    inputs: tuple[InputSpec, ...]
    outputs: tuple[str, ...]
    reference: Reference | None = field(default=None, repr=False)
    layer_of: Callable[[str], str | None] = field(default=lambda part: part, repr=False)
    source: str
