"""The charts of a report, as plotly figures.

A colour is the name of one of the page's own, which the page resolves: they differ by night.
"""

import html
import itertools
from collections.abc import Sequence
from typing import Any

from tflq._printable import printable
from tflq.diagnosis._activation import ActivationRange
from tflq.diagnosis._layers import LayerReport
from tflq.diagnosis._numbers import decibels_or_exact, drawable, percent
from tflq.diagnosis._ops import OpRow
from tflq.diagnosis._weights import WeightRanges

Figure = dict[str, Any]

# Bars of one chart, and characters of a name on an axis: what a phone has room for.
_BARS, _CHARACTERS = 20, 22
_BAR_HEIGHT, _AXES_HEIGHT = 22, 96


def harm(layers: Sequence[LayerReport]) -> Figure:
    """The most harmful layers: share of the noise, by weights and activation."""
    shown = layers[:_BARS]
    told = [
        f"{text(x.layer)}<br>{percent(x.share)} of the noise, {decibels_or_exact(x.alone_db)} alone"
        for x in shown
    ]
    parts = (
        ("weights", "--weights", [x.share * x.weights_share for x in shown]),
        ("activation", "--activation", [x.share * (1 - x.weights_share) for x in shown]),
    )
    data = [
        _bars([100 * v for v in shares], name=name, colour=colour, told=told)
        for name, colour, shares in parts
    ]
    layout = _bar_layout([x.layer for x in shown], "share of the noise, %")
    return {"data": data, "layout": layout | {"barmode": "stack", "showlegend": True}}


def depth(layers: Sequence[LayerReport]) -> Figure:
    """SQNR through the network: of each layer alone, and accumulated."""
    ordered = sorted(layers, key=lambda layer: layer.op)
    names = [text(layer.layer) for layer in ordered]
    accumulated = [
        None if x.accumulated is None else drawable(x.accumulated.sqnr_db) for x in ordered
    ]
    common = {
        "text": names,
        "hovertemplate": "%{text}<br>%{y:.1f} dB<extra>%{fullData.name}</extra>",
    }
    places = list(range(1, len(ordered) + 1))
    alone = {
        "name": "model’s output, this layer alone quantized",
        "y": [drawable(x.alone_db) for x in ordered],
        "mode": "markers",
        "marker": {"color": "--activation", "size": 7, "symbol": "diamond"},
    }
    drifted = {
        "name": "layer’s activation, accumulated",
        "y": accumulated,
        "mode": "lines+markers",
        "line": {"color": "--weights", "width": 2},
        "marker": {"size": 4},
    }
    return {
        "data": [{"type": "scatter", "x": places, **common, **t} for t in (drifted, alone)],
        "layout": {
            "height": 360,
            "showlegend": True,
            "xaxis": {
                "title": {"text": "layer, first to last"},
                "tick0": 1,
                "dtick": max(1, len(places) // 8),
                "range": [0, len(places) + 1],
                "zeroline": False,
            },
            "yaxis": {"title": {"text": "SQNR, dB"}},
        },
    }


def histogram(found: ActivationRange) -> Figure:
    """Histogram of an activation, with the range of its codes."""
    edges, (low, high) = found.edges, found.chosen
    middles = [(a + b) / 2 for a, b in itertools.pairwise(edges)]
    widths = [b - a for a, b in itertools.pairwise(edges)]
    bars = {
        "type": "bar",
        "x": middles,
        "y": [count or None for count in found.counts],
        "width": widths,
        "marker": {"color": "--activation"},
        "hovertemplate": "near %{x:.4g}: %{y:.4g} values<extra></extra>",
    }
    ends = [_mark(end) for end in (low, high)]
    span = {
        **{"type": "rect", "yref": "paper", "y0": 0, "y1": 1, "x0": low, "x1": high},
        **{"fillcolor": "--range", "line": {"width": 0}, "layer": "below"},
    }
    return {
        "data": [bars],
        "layout": {
            "height": 260,
            "bargap": 0,
            "shapes": [span, *ends],
            "xaxis": {"title": {"text": "float value"}, "exponentformat": "power"},
            "yaxis": {"title": {"text": "values, log scale"}, "type": "log"},
        },
    }


def channels(found: WeightRanges) -> Figure:
    """Smallest and largest weight of each channel."""
    spans = [b - a for a, b in zip(found.lowest, found.highest, strict=True)]
    bars = {
        "type": "bar",
        "x": list(range(len(spans))),
        "y": spans,
        "base": list(found.lowest),
        "marker": {"color": "--weights", "line": {"width": 0}},
        "customdata": list(found.highest),
        "hovertemplate": "channel %{x}: %{base:.4g} to %{customdata:.4g}<extra></extra>",
    }
    return _by_channel(bars, "weights")


def bias_shift(errors: Sequence[float]) -> Figure:
    """Mean error of each channel."""
    bars = {
        "type": "bar",
        "x": list(range(len(errors))),
        "y": list(errors),
        "marker": {"color": "--activation", "line": {"width": 0}},
        "hovertemplate": "channel %{x}: %{y:.4g}<extra></extra>",
    }
    return _by_channel(bars, "mean error")


def sizes(ops: Sequence[OpRow]) -> Figure:
    """Bytes of the layers' constants, the largest first."""
    totals: dict[str, int] = {}
    for op in ops:
        totals[op.layer] = totals.get(op.layer, 0) + op.size
    shown = [(n, s) for n, s in sorted(totals.items(), key=lambda x: -x[1]) if s][:_BARS]
    told = [f"{text(name)}<br>{size / 1000:,.1f} kB" for name, size in shown]
    bars = _bars([size / 1000 for _, size in shown], name="", colour="--weights", told=told)
    return {"data": [bars], "layout": _bar_layout([n for n, _ in shown], "constants, kB")}


def times(ops: Sequence[OpRow]) -> Figure:
    """Time of the ops, the longest first."""
    timed = [(op, op.milliseconds) for op in ops if op.milliseconds is not None]
    shown = sorted(timed, key=lambda pair: -pair[1])[:_BARS]
    told = [f"{text(op.layer)}<br>{text(op.kind)}, {1000 * ms:,.1f} µs" for op, ms in shown]
    factor, unit = (1, "ms") if shown and shown[0][1] >= 1 else (1000, "µs")
    bars = _bars([factor * ms for _, ms in shown], name="", colour="--activation", told=told)
    names = [op.layer for op, _ in shown]
    return {"data": [bars], "layout": _bar_layout(names, f"time alone, {unit}")}


def text(name: str) -> str:
    """A name as plotly shows it: it takes some HTML for markup.

    Example:
        >>> text("<b>a & b</b>")
        '&lt;b&gt;a &amp; b&lt;/b&gt;'
    """
    return html.escape(printable(name), quote=False)


def _bars(lengths: Sequence[float], *, name: str, colour: str, told: Sequence[str]) -> Figure:
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "x": list(lengths),
        "y": list(range(len(lengths))),
        "text": list(told),
        "textposition": "none",
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"color": colour},
    }


def _bar_layout(names: Sequence[str], title: str) -> Figure:
    return {
        "height": _AXES_HEIGHT + _BAR_HEIGHT * len(names),
        "xaxis": {"title": {"text": title}, "rangemode": "tozero", "nticks": 5},
        "yaxis": {
            "autorange": "reversed",
            "showgrid": False,
            "zeroline": False,
            "ticklabelstandoff": 6,
            "tickvals": list(range(len(names))),
            "ticktext": [text(_short(name)) for name in names],
        },
    }


def _by_channel(bars: Figure, title: str) -> Figure:
    return {
        "data": [bars],
        "layout": {
            "height": 240,
            "bargap": 0,
            "xaxis": {"title": {"text": "output channel"}},
            "yaxis": {"title": {"text": title}, "exponentformat": "power"},
        },
    }


def _mark(place: float) -> Figure:
    line = {"color": "--mark", "width": 2, "dash": "dash"}
    return {
        "type": "line",
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "x0": place,
        "x1": place,
        "line": line,
    }


def _short(name: str) -> str:
    """Names of layers differ at both ends."""
    if len(name) <= _CHARACTERS:
        return name
    return f"{name[: _CHARACTERS // 2]}…{name[-(_CHARACTERS // 2 - 1) :]}"
