"""A picture of one layer's histogram and the ranges that calibrators choose for it."""

import io
import os
from collections.abc import Mapping

import numpy as np

from tflq._errors import UserError
from tflq._files import write_whole

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
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UserError("the picture needs matplotlib; pip install matplotlib.") from error
    figure = Figure(figsize=(12, 7), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    top, bottom = figure.subplots(2, sharex=True, height_ratios=(3, 1 + len(ranges) / 4))
    edges = np.linspace(histogram_edges[0], histogram_edges[-1], _SHOWN_BINS + 1)
    centres = (histogram_edges[:-1] + histogram_edges[1:]) / 2
    shown, _ = np.histogram(centres, edges, weights=counts)
    top.stairs(shown, edges, fill=True, color="#9aa5b1")
    top.set_yscale("log")
    top.set_ylabel("values per bin")
    top.set_title(title)
    for place, (low, high) in enumerate(ranges.values()):
        colour = f"C{place}"
        for axis in (top, bottom):
            axis.axvline(high, color=colour, linewidth=1, linestyle=":")
            axis.axvline(low, color=colour, linewidth=1, linestyle=":")
        bottom.plot([low, high], [place, place], color=colour, linewidth=4, marker="|", ms=14)
        bottom.annotate(
            f"{low:.3g} .. {high:.3g}",
            (high, place),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            color=colour,
        )
    bottom.set_yticks(range(len(ranges)), list(ranges))
    bottom.set_ylim(len(ranges) - 0.5, -0.5)
    bottom.set_xlabel("value")
    bottom.margins(x=0.12)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    write_whole(path, stream.getvalue())
