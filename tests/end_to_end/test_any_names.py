"""Whatever names a file holds, reports print as text."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tflq
from tflq.tflite_side import FileFacts

ANY = st.text(st.characters(exclude_categories=()), min_size=1, max_size=30)
NAMED = ("path", "name", "source", "reference", "candidate", "kind", "tensor", "reason", "advice")


def renamed(value, text):
    """A report whose every name is another."""
    if isinstance(value, FileFacts):
        ops = {f"{kind}{text}": count for kind, count in value.ops.items()}
        return dataclasses.replace(value, ops=ops, float_ops=(text,), conversions=(text, text))
    if dataclasses.is_dataclass(value):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        made = {
            name: text if name in NAMED and isinstance(item, str) else renamed(item, text)
            for name, item in fields.items()
        }
        return dataclasses.replace(value, **made)
    if isinstance(value, tuple):
        return tuple(renamed(item, text) for item in value)
    return value


@pytest.fixture(scope="module")
def reports(float_file, integer_file, small_cnn):
    data = small_cnn[1][:4]
    return [
        tflq.inspect(integer_file, target="nnapi,gpu"),
        tflq.compare(float_file, integer_file, data),
        tflq.export(float_file, float_file.parent / "out.tflite", data=data),
    ]


@given(text=ANY)
@settings(max_examples=30, deadline=None)
def test_reports_of_any_names(reports, text):
    for report in reports:
        other = renamed(report, text)
        if hasattr(other, "notes"):
            other = dataclasses.replace(other, notes=(text,), kept_float={text: text})
        for shown in (str(other), other.to_json()):
            assert all(c == "\n" or c.isprintable() for c in shown)
