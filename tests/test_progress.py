import contextlib
import io
import itertools
import subprocess
import sys

import pytest

from tflq import _progress
from tflq._progress import set_progress, track


class Terminal(io.StringIO):
    def isatty(self):
        return True

    def erased(self):
        """The cursor is shown again after it was hidden."""
        return self.getvalue().rfind("\x1b[?25h") > self.getvalue().rfind("\x1b[?25l") >= 0


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")


def _terminal():
    """A stderr that is a terminal; pytest would undo a fixture's."""
    return contextlib.redirect_stderr(Terminal())


def _bar(items, **options):
    return track(items, **{"description": "running", "total": 3, **options})


def _failing(error):
    yield 1
    raise error


def test_items_pass_through():
    with _terminal() as terminal:
        assert list(_bar("abc")) == ["a", "b", "c"]
    assert terminal.getvalue()


def test_a_terminal_sees_count_rate_and_times():
    with _terminal() as terminal:
        list(_bar("abc"))
    drawn = terminal.getvalue()
    assert "running" in drawn and "3/3" in drawn and "samples/s" in drawn
    assert drawn.count(":00:0") >= 2


def test_the_unit_and_an_unknown_total():
    with _terminal() as terminal:
        list(_bar("abc", total=None, unit="recipes"))
    assert "3/?" in terminal.getvalue() and "recipes/s" in terminal.getvalue()


def test_markup_in_the_description_is_text():
    with _terminal() as terminal:
        list(_bar("abc", description="layer [bold]x[/bold]"))
    assert "[bold]" in terminal.getvalue()


def test_it_is_silent_where_stderr_is_no_terminal(capsys):
    assert list(_bar("abc")) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")
    with contextlib.redirect_stderr(None):
        assert list(_bar("abc")) == ["a", "b", "c"]


def test_it_can_be_forbidden():
    set_progress(False)
    try:
        with _terminal() as terminal:
            assert list(_bar("abc")) == ["a", "b", "c"]
    finally:
        set_progress(True)
    assert terminal.getvalue() == ""


def test_an_inner_bar_is_silent():
    with _terminal() as terminal:
        pairs = [(a, b) for a in _bar("ab", description="outer") for b in _bar("cd")]
    assert pairs == [("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")]
    assert "outer" in terminal.getvalue() and "running" not in terminal.getvalue()


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()])
def test_it_ends_when_the_source_fails(error):
    with _terminal() as terminal, pytest.raises(type(error)):
        list(_bar(_failing(error)))
    assert terminal.erased() and not _progress._drawing


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()])
def test_it_ends_when_the_reader_fails(error):
    with _terminal() as terminal:
        with pytest.raises(type(error)):
            for _ in _bar("abc"):
                raise error
        assert terminal.erased() and not _progress._drawing
        list(_bar("abc", description="again"))
    assert "again" in terminal.getvalue()


def test_it_ends_when_the_reader_stops():
    with _terminal() as terminal:
        with contextlib.closing(_bar(itertools.count())) as stream:
            next(stream)
            assert _progress._drawing
        assert terminal.erased() and not _progress._drawing


def test_items_are_read_one_by_one():
    source = iter("abc")
    with _terminal(), contextlib.closing(_bar(source)) as stream:
        next(stream)
        assert list(source) == ["b", "c"]


def test_prints_to_a_file_stay_out_of_the_terminal(capsys):
    with _terminal() as terminal:
        for item in _bar("abc"):
            print(f"item {item}")
    assert "item c" in capsys.readouterr().out and "item" not in terminal.getvalue()


def test_rich_is_imported_late():
    code = "import sys, tflq._progress as p; list(p.track([1], description='', total=1)); "
    code += "print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
