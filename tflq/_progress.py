"""A progress bar for terminals."""

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from tflq._limits import PROGRESS_CHARACTERS
from tflq._printable import printable

if TYPE_CHECKING:
    from rich.progress import Progress

T = TypeVar("T")

_enabled = True
# Only one bar can be drawn at a time; inner ones stay silent.
_drawing = False


def set_progress(enabled: bool) -> None:
    """Allows or forbids progress bars; they are allowed at first."""
    global _enabled
    _enabled = enabled


def track(
    iterable: Iterable[T], *, description: str, total: int | None, unit: str = "samples"
) -> Iterator[T]:
    """Passes items on and draws a bar with rate, time elapsed and time left.

    It is drawn on stderr and erased at the end, whether that is the last item, an exception or
    Ctrl-C. Nothing is drawn where stderr is no terminal, after `set_progress(False)`, or while
    another bar is drawn.

    Args:
        iterable: what to pass on.
        description: what is being done, such as "running samples".
        total: how many items there are, or None where that is not known.
        unit: what the items are.

    Yields:
        The items.

    Example:
        >>> list(track([1, 2], description="counting", total=2))
        [1, 2]
    """
    global _drawing
    if not _enabled or _drawing or sys.stderr is None or not sys.stderr.isatty():
        yield from iterable
        return
    _drawing = True
    try:
        with _progress_bar(unit) as progress:
            task = progress.add_task(_shown(description), total=total)
            for item in iterable:
                yield item
                progress.advance(task)
    finally:
        _drawing = False


@contextlib.contextmanager
def status(description: str) -> Iterator[Callable[[str], None]]:
    """Shows a line of text, where `track` would draw a bar, while something takes its time.

    Args:
        description: what is shown first.

    Yields:
        A function that shows another text in its place.

    Example:
        >>> with status("waiting") as say:
        ...     say("still waiting")
    """
    if not _enabled or _drawing or sys.stderr is None or not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(_shown(description))) as shown:
        yield lambda text: shown.update(Text(_shown(text)))


def _shown(text: str) -> str:
    return printable(text, PROGRESS_CHARACTERS)


def _progress_bar(unit: str) -> "Progress":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:.1f} {unit}/s")

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        # rich would send what a user prints to stderr, also where stdout goes to a file.
        redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),
    )
