"""The report as one page that needs nothing else: no network, no other file."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tflq._candidate import mean_sqnr
from tflq._errors import UserError
from tflq._printable import printable
from tflq._tables import megabytes
from tflq.diagnosis import _figures
from tflq.diagnosis._layers import LayerReport
from tflq.diagnosis._model_report import ModelReport
from tflq.diagnosis._numbers import decibels_or_exact, percent
from tflq.diagnosis._ops import OpRow

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = Path(__file__).parent / "page"
# Mean SQNR of the outputs that needs no advice.
_GOOD_DB = 30.0
_LETTERS = {"int8": "8", "uint8": "8", "int16": "16", "float32": "f"}


@dataclass(frozen=True, kw_only=True)
class _Script:
    """A script of the page, and the digest by which the page allows it and no other."""

    text: str
    source: str


class _Charts:
    """The charts, as the templates ask for them."""

    harm = staticmethod(_figures.harm)
    depth = staticmethod(_figures.depth)
    sizes = staticmethod(_figures.sizes)
    times = staticmethod(_figures.times)

    @staticmethod
    def layer(layer: LayerReport) -> dict[str, _figures.Figure]:
        found = {}
        if layer.activation is not None:
            found["histogram"] = _figures.histogram(layer.activation)
        if layer.weights is not None:
            found["channels"] = _figures.channels(layer.weights)
        if layer.accumulated is not None:
            found["bias"] = _figures.bias_shift(layer.accumulated.bias)
        return found


def check_extra() -> None:
    """Fails before the work starts where a page could not be made.

    Raises:
        UserError: jinja2 or plotly is not installed.
    """
    try:
        import jinja2  # noqa: F401
        import plotly  # noqa: F401
    except ImportError as error:
        raise UserError("reports need the extra: pip install 'tflq[report]'.") from error


def render(report: ModelReport) -> str:
    """The page.

    Names come from a stranger's model: the templates escape every value, and the page runs no
    script but its own two.

    Args:
        report: what it says.
    """
    import tflq

    environment = _environment()
    timed = sum(op.milliseconds or 0.0 for op in report.ops)
    return environment.get_template("page.html.jinja").render(
        report=report,
        draw=_Charts,
        good=(mean_sqnr(report.export.outputs) or 0.0) >= _GOOD_DB,
        refusals=_refusals(report.ops),
        ranks={layer.layer: rank for rank, layer in enumerate(report.layers, start=1)},
        scripts=_scripts(),
        style=_own("page.css"),
        timed=timed,
        version=tflq.__version__,
    )


def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    environment.filters.update(
        breakable=_breakable,
        decibels=decibels_or_exact,
        letter=_letter,
        look=_look,
        megabytes=megabytes,
        percent=percent,
        short=lambda value: f"{value:.4g}",
    )
    return environment


def _scripts() -> Sequence[_Script]:
    """Plotly's, which the second, the page's own, starts."""
    from plotly.offline import get_plotlyjs

    return [_script(get_plotlyjs()), _script(_own("page.js"))]


def _refusals(ops: Sequence[OpRow]) -> dict[tuple[str, str, str], list[OpRow]]:
    """What XNNPACK leaves, by kind, reason and advice."""
    found: dict[tuple[str, str, str], list[OpRow]] = {}
    for op in ops:
        if not op.delegated:
            found.setdefault((op.kind, op.reason, op.advice), []).append(op)
    return found


def _script(content: str) -> _Script:
    from markupsafe import Markup

    # What a script says in a string must not end it.
    text = content.replace("</script", "<\\/script")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return _Script(text=Markup(text), source=Markup(f"'sha256-{digest}'"))


def _own(name: str) -> Any:
    from markupsafe import Markup

    return Markup((_FOLDER / name).read_text(encoding="utf-8"))


def _visible(value: Any) -> Any:
    """Marks in a name that turn a line around turn a page's lines, too."""
    from markupsafe import Markup

    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _letter(op: OpRow) -> str:
    return "c" if op.role == "conversion" else _LETTERS.get(op.dtype, "i")


def _breakable(name: str) -> Any:
    """A name that a narrow screen breaks between its words."""
    from markupsafe import Markup, escape

    return Markup("_<wbr>").join(escape(printable(name)).split("_"))


def _look(op: OpRow) -> str:
    return op.role if op.delegated else f"{op.role} undelegated"
