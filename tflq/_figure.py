"""Figures without a screen, as PNG."""

import io
from typing import Any

from tflq._errors import UserError
from tflq._limits import DRAWN_CHARACTERS
from tflq._printable import printable

BLUE, ORANGE = "#3b6ea5", "#c0782b"


def new_figure(width: float, height: float) -> Any:
    """An empty figure.

    Args:
        width: in inches of 100 pixels.
        height: likewise.

    Raises:
        UserError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UserError("the picture needs matplotlib; pip install 'tflq[demo]'.") from error
    figure = Figure(figsize=(width, height), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def to_png(figure: Any) -> bytes:
    """The figure as it is."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def verbatim(name: str) -> str:
    """A name as it is to be shown: dollar signs would be read as formulas."""
    return printable(name, DRAWN_CHARACTERS).replace("$", r"\$")
