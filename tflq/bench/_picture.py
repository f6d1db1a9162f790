"""The picture of a benchmark: bars with confidence intervals."""

from collections.abc import Sequence
from typing import Any

from tflq._errors import UserError
from tflq._figure import BLUE, ORANGE, new_figure, to_png, verbatim
from tflq.bench._statistics import Latency, SpeedUp

# A name, its latency, and the energy of an inference in mJ with its interval, or None.
Bar = tuple[str, Latency, tuple[float, float, float] | None]


def draw_measurements(bars: Sequence[Bar], speed_ups: Sequence[SpeedUp | None]) -> bytes:
    """Draws medians, and energies where there are any, with their 95 % intervals.

    Args:
        bars: what was measured.
        speed_ups: for every bar, what stands behind it; None for nothing.

    Returns:
        A PNG, 1200 pixels wide.

    Raises:
        UserError: matplotlib is not installed, or nothing was measured.
    """
    if not bars:
        raise UserError("there is nothing to draw: no model could be measured.")
    energies = [energy for _, _, energy in bars]
    panels = 1 if all(energy is None for energy in energies) else 2
    figure = new_figure(12, 1.5 + 0.4 * len(bars))
    axes = figure.subplots(1, panels, sharey=True, squeeze=False)[0]
    latencies = [(latency.p50, latency.low, latency.high) for _, latency, _ in bars]
    notes = ["" if s is None else f"  {s.ratio:.2f}x" for s in speed_ups]
    _draw(axes[0], latencies, notes, "median latency, ms", BLUE)
    if panels == 2:
        filled = [energy or (0.0, 0.0, 0.0) for energy in energies]
        _draw(axes[1], filled, [""] * len(bars), "energy of an inference, mJ", ORANGE)
    axes[0].set_yticks(range(len(bars)), [verbatim(name) for name, _, _ in bars])
    axes[0].invert_yaxis()
    return to_png(figure)


def _draw(
    axis: Any,
    values: Sequence[tuple[float, float, float]],
    notes: Sequence[str],
    label: str,
    colour: str,
) -> None:
    middles = [middle for middle, _, _ in values]
    errors = [
        [max(middle - low, 0.0) for middle, low, _ in values],
        [max(high - middle, 0.0) for middle, _, high in values],
    ]
    axis.barh(range(len(values)), middles, xerr=errors, color=colour, capsize=3)
    for place, ((_, _, high), note) in enumerate(zip(values, notes, strict=True)):
        axis.text(high, place, note, va="center")
    axis.set_xlim(left=0)
    axis.margins(x=0.15)
    axis.set_xlabel(label)
