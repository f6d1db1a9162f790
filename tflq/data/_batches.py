"""Groups samples for models that fix their batch."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from tflq._errors import UserError


def batches(
    samples: Iterable[Mapping[str, np.ndarray]], size: int
) -> Iterator[dict[str, np.ndarray]]:
    """Joins consecutive samples into batches of exactly `size`.

    The last samples are dropped where they do not fill a batch.

    Args:
        samples: arrays of shape (1, ...) by input name.
        size: the model's batch, 1 or more.

    Yields:
        Arrays of shape (size, ...) by input name.

    Raises:
        UserError: there are fewer than `size` samples, or samples of different shapes.

    Example:
        >>> [b["x"].shape for b in batches([{"x": np.ones((1, 3))}] * 5, 2)]
        [(2, 3), (2, 3)]
    """
    group: list[Mapping[str, np.ndarray]] = []
    full = 0
    for sample in samples:
        group.append(sample)
        if len(group) == size:
            yield {name: _join([s[name] for s in group], name, full * size) for name in sample}
            full += 1
            group = []
    if not full:
        raise UserError(
            f"data yields {len(group)} sample(s), but the model takes batches of exactly {size}; "
            "give at least as many."
        )


def _join(arrays: Sequence[np.ndarray], name: str, first: int) -> np.ndarray:
    for place, array in enumerate(arrays):
        if array.shape != arrays[0].shape:
            raise UserError(
                f"sample {first + place} of input {name!r} has shape {array.shape[1:]} and sample "
                f"{first} has {arrays[0].shape[1:]}; the model takes batches of {len(arrays)}, "
                "so make them equal."
            )
    return np.concatenate(arrays)
