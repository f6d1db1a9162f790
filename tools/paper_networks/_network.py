"""What every network of the paper's tables says of itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tflq.data._picture import Preparation


@dataclass(frozen=True, kw_only=True)
class Network:
    """One network, at its true size or as a small version of the same structure.

    Attributes:
        name: its key, such as "mobilenet_v1".
        title: as the paper writes it.
        origin: where its definition comes from.
        task: "classification", "segmentation", "detection" or "sequence".
        has_weights: whether trained weights can be had for it.
        build: `build(smoke, weights)` gives a Keras model. Trained weights, "imagenet", fix the
            structure, so that `smoke` has no effect on it; None gives random weights.
        samples: `samples(model, count, seed)` gives made-up samples by input name, one a batch.
        preparation: `preparation(size)` says how photos become what the network is evaluated on;
            None where there are no trained weights.
    """

    name: str
    title: str
    origin: str
    task: str
    has_weights: bool
    build: Callable[..., Any]
    samples: Callable[..., list[dict[str, np.ndarray]]]
    preparation: Callable[[int], Preparation] | None
