"""All that a report says, as data."""

from dataclasses import dataclass, field

from tflq._printable import told
from tflq._report import ExportReport
from tflq._tables import text_table, to_json
from tflq.diagnosis._advice import Advice
from tflq.diagnosis._confusion import Confusion
from tflq.diagnosis._layers import LayerReport
from tflq.diagnosis._numbers import decibels_or_exact, percent
from tflq.diagnosis._ops import OpRow
from tflq.diagnosis._worst import WorstSample

_SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class ModelReport:
    """What a quantized model loses, where, and what to try.

    Attributes:
        path: the page; the same as JSON lies beside it.
        verdict: one sentence.
        export: what an export with the same choices reports.
        layers: every layer that quantization changes, the most harmful first.
        samples: how many samples the layers were measured on.
        advice: what to try for the worst layers.
        confusions: first answers that changed, of each output with classes.
        worst: the samples on which the file does worst.
        ops: of the file, in order.
    """

    path: str
    verdict: str
    export: ExportReport
    layers: tuple[LayerReport, ...] = field(repr=False)
    samples: int
    advice: tuple[Advice, ...]
    confusions: tuple[Confusion, ...] = field(repr=False)
    worst: tuple[WorstSample, ...] = field(repr=False)
    ops: tuple[OpRow, ...] = field(repr=False)

    def __str__(self) -> str:
        """The verdict, the worst layers, what to try."""
        parts = [told(self.verdict), self._layer_table()]
        if self.advice:
            rows = [(", ".join(a.layers), a.sentence, a.arguments[0].python) for a in self.advice]
            parts.append(text_table("What to try", ("layers", "why", "argument"), rows))
        parts.append(f"Page: {told(self.path)}")
        return "\n\n".join(parts)

    def to_json(self) -> str:
        """All of it as JSON."""
        return to_json(self)

    def _layer_table(self) -> str:
        rows = [
            (
                layer.layer,
                layer.kind,
                decibels_or_exact(layer.alone_db),
                "-" if layer.weights_db is None else decibels_or_exact(layer.weights_db),
                "-" if layer.accumulated is None else decibels_or_exact(layer.accumulated.sqnr_db),
                percent(layer.share),
            )
            for layer in self.layers[:_SHOWN]
        ]
        title = f"The {len(rows)} most harmful of {len(self.layers)} layers"
        columns = ("layer", "op", "alone", "its weights", "accumulated", "share of noise")
        return text_table(title, columns, rows)
