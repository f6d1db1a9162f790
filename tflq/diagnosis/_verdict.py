"""One sentence on a file."""

from collections.abc import Sequence

from tflq._candidate import mean_sqnr
from tflq._fidelity import OutputFidelity
from tflq._tables import decibels
from tflq.diagnosis._layers import LayerReport

# Least agreement, least SQNR in dB where no output has classes, and what is said of it.
_GRADES = (
    (0.99, 30.0, "The file answers as the float model does"),
    (0.95, 20.0, "The file comes close to the float model"),
    (0.80, 10.0, "The file loses noticeably against the float model"),
)
_FAILED = "The file does not answer as the float model does"


def verdict(outputs: Sequence[OutputFidelity], layers: Sequence[LayerReport], *, left: int) -> str:
    """Says how good the file is, what harms it most, and who runs it.

    Args:
        outputs: its fidelity.
        layers: the worst first.
        left: how many ops XNNPACK leaves.
    """
    parts = [f"{_grade(outputs)}{_agreement(outputs)}"]
    if layers and layers[0].share > 0:
        parts.append(f"{layers[0].layer} does most harm ({layers[0].share:.0%} of the noise)")
    ops = "an op" if left == 1 else f"{left} ops"
    parts.append(f"XNNPACK leaves {ops} to slower kernels" if left else "XNNPACK takes it all")
    return "; ".join(parts) + "."


def _grade(outputs: Sequence[OutputFidelity]) -> str:
    agreements = [o.top1_agreement for o in outputs if o.top1_agreement is not None]
    sqnr = mean_sqnr(tuple(outputs)) or 0.0
    for least, least_db, words in _GRADES:
        if (min(agreements) >= least) if agreements else (sqnr >= least_db):
            return words
    return _FAILED


def _agreement(outputs: Sequence[OutputFidelity]) -> str:
    found = [o for o in outputs if o.top1_agreement is not None]
    if not found:
        return f" ({decibels(mean_sqnr(tuple(outputs)) or 0.0)})"
    worst = min(found, key=lambda output: output.top1_agreement or 0.0)
    return f" ({worst.top1_agreement:.1%} the same first answer, of {worst.samples} samples)"
