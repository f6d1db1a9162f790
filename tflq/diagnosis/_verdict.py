"""One sentence on a file."""

from collections.abc import Sequence

from tflq._candidate import mean_sqnr
from tflq._fidelity import OutputFidelity
from tflq._tables import decibels
from tflq.diagnosis._layers import LayerReport
from tflq.diagnosis._numbers import percent

# Least agreement, where outputs have classes, least mean SQNR in dB, and what is said of it. SQNR
# is asked for with classes as well, for few samples agree by chance.
_GRADES = (
    (0.99, 15.0, "The file answers as the float model does"),
    (0.95, 10.0, "The file comes close to the float model"),
    (0.80, 5.0, "The file loses noticeably against the float model"),
)
# More is asked for where SQNR alone tells.
_WITHOUT_CLASSES_DB = 10.0
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
        parts.append(
            f"{layers[0].layer} does most harm ({percent(layers[0].share, 0)} of the noise)"
        )
    ops = "an op" if left == 1 else f"{left} ops"
    parts.append(f"XNNPACK leaves {ops} to slower kernels" if left else "XNNPACK takes it all")
    return "; ".join(parts) + "."


def _grade(outputs: Sequence[OutputFidelity]) -> str:
    agreements = [o.top1_agreement for o in outputs if o.top1_agreement is not None]
    sqnr = (mean_sqnr(tuple(outputs)) or 0.0) - (0.0 if agreements else _WITHOUT_CLASSES_DB)
    for least, least_db, words in _GRADES:
        if min(agreements, default=1.0) >= least and sqnr >= least_db:
            return words
    return _FAILED


def _agreement(outputs: Sequence[OutputFidelity]) -> str:
    found = [o for o in outputs if o.top1_agreement is not None]
    if not found:
        return f" ({decibels(mean_sqnr(tuple(outputs)) or 0.0)})"
    worst = min(found, key=lambda output: output.top1_agreement or 0.0)
    share = percent(worst.top1_agreement or 0.0)
    return (
        f" ({decibels(worst.sqnr_db)}, the same first answer to {share} of {worst.samples} samples)"
    )
