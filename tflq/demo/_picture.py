"""A picture of one layer's histogram and the ranges that calibrators choose for it."""

import io
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from tflq._errors import UserError
from tflq._files import write_whole

# A bar then stays wider than a pixel.
_SHOWN_BINS = 256


def draw_calibrators(
    path: str | os.PathLike[str],
    *,
    histogram_edges: np.ndarray,
    counts: np.ndarray,
    ranges: Mapping[str, tuple[float, float]],
    title: str,
) -> None:
    """Writes a PNG of 1200 x 700 pixels.

    Args:
        path: the file to write or replace.
        histogram_edges: the n + 1 edges of the bins.
        counts: how many values lie in each of the n bins.
        ranges: (min, max) by calibrator.
        title: what the values are.

    Raises:
        UserError: matplotlib is not installed, or the file cannot be written.

    Example:
        >>> import tempfile
        >>> counts, edges = np.histogram(np.random.default_rng(0).normal(size=1000), 50)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     draw_calibrators(f"{folder}/ranges.png", histogram_edges=edges, counts=counts,
        ...                      ranges={"minmax": (-3.0, 3.1), "mse": (-2.5, 2.6)}, title="x")
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UserError("the picture needs matplotlib; pip install 'tflq[demo]'.") from error
    figure = Figure(figsize=(12, 7), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    top, bottom = figure.subplots(2, sharex=True, height_ratios=(3, 1 + len(ranges) / 4))
    top.set_title(title)
    _draw_histogram(top, histogram_edges, counts)
    _draw_ranges(bottom, ranges)
    for place, ends in enumerate(ranges.values()):
        for end in ends:
            top.axvline(end, color=f"C{place}", linewidth=1, linestyle=":")
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    write_whole(path, stream.getvalue())


def _draw_histogram(axis: Any, edges: np.ndarray, counts: np.ndarray) -> None:
    shown_edges = np.linspace(edges[0], edges[-1], _SHOWN_BINS + 1)
    centres = (edges[:-1] + edges[1:]) / 2
    shown, _ = np.histogram(centres, shown_edges, weights=counts)
    axis.stairs(shown, shown_edges, fill=True, color="#9aa5b1")
    axis.set_yscale("log")
    axis.set_ylabel("values per bin")


def _draw_ranges(axis: Any, ranges: Mapping[str, tuple[float, float]]) -> None:
    """One bracket a calibrator; its numbers stand in the margin, where no line crosses them."""
    labels = [f"{name}\n{low:.3g} .. {high:.3g}" for name, (low, high) in ranges.items()]
    axis.set_yticks(range(len(ranges)), labels)
    axis.set_ylim(len(ranges) - 0.5, -0.5)
    axis.set_xlabel("value")
    for place, ends in enumerate(ranges.values()):
        colour = f"C{place}"
        axis.plot(ends, [place, place], color=colour, linewidth=4, marker="|", markersize=18)
        axis.get_yticklabels()[place].set_color(colour)
