import csv
import io
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflq import UserError
from tflq._errors import ConversionError
from tflq._figure import new_figure, to_png, verbatim
from tflq._limits import TEXT_CHARACTERS, WORD_CHARACTERS
from tflq._printable import printable, told
from tflq._tables import text_facts, text_table, to_json
from tflq.bench._result import BenchmarkResult, Measurement
from tflq.diagnosis._figures import text as plotly_text

HOSTILE = "a\x1b]0;owned\x07\x9b2J\r\n\t\x7f\u202egnp.\u2066\u200b\u2028\u061c\ud800\U000e0041z"
ANY = st.text(st.characters(exclude_categories=()), max_size=60)


def is_safe(text):
    return all(c == "\n" or c.isprintable() for c in text)


@pytest.mark.parametrize("text", ["", "größe", "尺寸", "حجم", "изображение", "🙂", "x/y:0;z b"])
def test_names_of_all_scripts_stay(text):
    assert printable(text) == told(text) == text


def test_nothing_is_lost_silently():
    assert printable(HOSTILE).encode().decode("unicode_escape") == HOSTILE


@given(ANY, st.integers(1, 40))
def test_any_text_becomes_safe_and_short(text, longest):
    assert printable(text).isprintable()
    assert len(printable(text, longest)) <= longest and printable(text, longest).isprintable()
    assert told(text).isprintable()


def test_long_names_are_cut_and_what_is_said_of_them_stays():
    message = told(f"layer {'x' * 10_000!r} is unknown; check the name.")
    assert len(message) < WORD_CHARACTERS + 50 and message.endswith("check the name.")
    assert len(told("many words " * 10_000)) <= TEXT_CHARACTERS


@pytest.mark.parametrize("kind", [UserError, ConversionError])
@given(text=ANY)
def test_messages(kind, text):
    error = kind(f"layer {text} is unknown.")
    assert str(error).isprintable()
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@given(ANY)
def test_tables(text):
    table = text_table(text, ("a", text), [(text, text), ("1", "2")])
    assert is_safe(table) and is_safe(text_facts(text, [(text, text)]))


@given(ANY)
def test_json_keeps_the_value_and_shows_no_mark(text):
    written = to_json({"name": text})
    assert json.loads(written) == {"name": text} and is_safe(written)
    assert written.encode()
    assert "尺寸" in to_json({"name": "尺寸"})


@given(ANY)
def test_results_of_phones(text):
    run = Measurement(
        model=text, device=text, backend="gpu", threads=1, size=1, error=text, flags=(text,)
    )
    found = BenchmarkResult(
        devices={text: {text: text}}, measurements=(run,), flags={text: (text,)}
    )
    assert is_safe(str(found)) and is_safe(found.to_csv())
    _, row = csv.reader(io.StringIO(found.to_csv()))
    assert not row[0].startswith(("=", "+", "-", "@"))


@given(ANY)
def test_pictures_and_pages(text):
    assert is_safe(verbatim(text)) and is_safe(plotly_text(text))
    assert "<" not in plotly_text(text)


@pytest.mark.parametrize("name", [HOSTILE, r"$\frac{a$", "$$", "\\$x$^_", "x" * 10_000])
def test_any_name_can_be_drawn(name, recwarn):
    figure = new_figure(3, 2)
    figure.suptitle(verbatim(name))
    assert to_png(figure).startswith(b"\x89PNG")
