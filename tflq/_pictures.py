"""Draws what equalization and bias correction did to the channels of a layer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tflq._channel_change import ChannelChange
from tflq._figure import BLUE, new_figure, to_png, verbatim
from tflq._files import write_whole


def draw_changes(
    path: Path, changes: Mapping[str, ChannelChange], *, title: str, unit: str, log: bool
) -> None:
    """Draws the layer whose channels were least alike: before above, after below.

    Args:
        path: the PNG to write, 1200 x 700 pixels.
        changes: by layer.
        title: what was done.
        unit: what the numbers are.
        log: a logarithmic axis, for ranges that differ by orders of magnitude.

    Raises:
        UserError: matplotlib is not installed, or the file cannot be written.
    """
    layer = max(changes, key=lambda name: changes[name].spread)
    change = changes[layer]
    figure = new_figure(12, 7)
    figure.suptitle(f"{title}: {verbatim(layer)}, {len(change.before)} channels")
    panels = figure.subplots(2, sharex=True, sharey=True)
    for panel, name in zip(panels, ("before", "after"), strict=True):
        _draw(panel, getattr(change, name), f"{unit}, {name}", log=log)
    panels[1].set_xlabel("output channel")
    write_whole(path, to_png(figure))


def _draw(axis: Any, values: tuple[float, ...], label: str, *, log: bool) -> None:
    axis.bar(np.arange(len(values)), values, width=1.0, color=BLUE)
    axis.set_ylabel(label)
    if log:
        axis.set_yscale("log")
    else:
        axis.axhline(0, color="black", linewidth=0.5)
