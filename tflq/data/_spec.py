"""What one input of a model takes."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class InputSpec:
    """One input of a model.

    Attributes:
        name: the user's name of it.
        shape: with the batch as its first dimension; None means any size.
        dtype: what the model computes with; anything that `np.dtype` takes.

    Example:
        >>> InputSpec("image", (None, 224, 224, 3), np.float32).sample_shape
        (224, 224, 3)
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: np.dtype

    def __post_init__(self) -> None:
        object.__setattr__(self, "dtype", np.dtype(self.dtype))

    @property
    def sample_shape(self) -> tuple[int | None, ...]:
        """The shape without the batch."""
        return self.shape[1:]

    @property
    def single(self) -> int:
        """The rank of one sample without a batch dimension."""
        return len(self.sample_shape)

    @property
    def batched(self) -> int:
        """The rank of a batch of samples."""
        return len(self.sample_shape) + 1
