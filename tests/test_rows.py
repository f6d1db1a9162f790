"""The file that collects measurements."""

import dataclasses
import json
import os

import pytest

from tflq import UserError
from tflq._limits import ROW
from tflq._rows import append_row, read_rows, restored


def test_rows_come_back_in_order(tmp_path):
    file = tmp_path / "rows.jsonl"
    rows = [{"network": "a", "top1": 0.5}, {"network": "b", "steps": [{"step": "x"}]}]
    for row in rows:
        append_row(file, row)
    assert read_rows(file) == rows
    assert read_rows(tmp_path / "none.jsonl") == []


@pytest.mark.parametrize("cut", range(1, 30))
def test_a_row_cut_off_anywhere_costs_only_itself(tmp_path, cut):
    file = tmp_path / "rows.jsonl"
    append_row(file, {"a": 1})
    append_row(file, {"b": {"c": 2}, "d": [{}, 3]})
    torn = file.read_bytes()[:-cut]
    file.write_bytes(torn)
    kept = read_rows(file)
    append_row(file, {"e": 4})
    assert read_rows(file) == [*kept, {"e": 4}]
    assert kept[:1] == [{"a": 1}]


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe\x00\n",
        b"[" * 100_000 + b"\n",
        b'{"a": ' * 100_000 + b"\n",
        b'{"a": ' + b"9" * 10_000 + b"}\n",
        b'{"a": "' + b"x" * (2 * ROW) + b'"}\n',
        b'{"a": 1}\n',
        b'{"version": 1, "a": 1}\n',
        b'{"version": 1, "digest": "", "a": 1}\n',
        b'{"version": [], "digest": {}, "a": 1}\n',
        b"[]\n",
        b"null\n",
        b"5\n",
        b"\n",
        b"\x00" * 5000,
        "{\u2028}".encode(),
    ],
)
def test_a_damaged_row_costs_only_itself(tmp_path, line):
    file = tmp_path / "rows.jsonl"
    append_row(file, {"a": 1})
    with file.open("ab") as out:
        out.write(line)
    append_row(file, {"b": (2, None)})
    assert read_rows(file) == [{"a": 1}, {"b": [2, None]}]


def test_any_bit_that_turns_costs_the_row(tmp_path):
    file = tmp_path / "rows.jsonl"
    append_row(file, {"value": 1.25, "text": "é", "infinite": float("inf")})
    content = file.read_bytes()
    assert len(read_rows(file)) == 1
    for place in range(len(content) - 1):
        for bit in (1, 4, 64):
            file.write_bytes(content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :])
            assert read_rows(file) == []


def test_rows_of_another_version_are_left_alone(tmp_path):
    file = tmp_path / "rows.jsonl"
    append_row(file, {"a": 1})
    newer = json.dumps({**json.loads(file.read_bytes()), "version": 2}) + "\n"
    file.write_text(newer)
    assert read_rows(file) == []
    append_row(file, {"b": 1})
    assert read_rows(file) == [{"b": 1}]
    assert file.read_text().startswith(newer)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_told(tmp_path, make):
    file = tmp_path / "rows.jsonl"
    make(file)
    with pytest.raises(UserError, match=r"rows.jsonl' c.* (no file|directory); .*another folder"):
        read_rows(file)
    with pytest.raises(UserError, match=r"could not be written: .*; free space or choose"):
        append_row(file, {"a": 1})


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="could not be written: No space left on device"):
        append_row(tmp_path / "rows.jsonl", {"a": 1})


@dataclasses.dataclass
class Point:
    x: float
    name: str | None
    n: int = 0


@pytest.mark.parametrize(
    "fields",
    [
        {"x": 1.0, "name": "a"},
        {"x": float("nan"), "name": "a", "n": 1},
        {"x": True, "name": "a", "n": 1},
        {"x": 1.0, "name": 5, "n": 1},
        {"x": 1.0, "name": None, "n": 1.0},
        {"x": 1.0, "name": None, "n": False},
        {"x": 1.0, "name": None, "n": 1, "more": 1},
        [],
        None,
    ],
)
def test_fields_of_other_kinds_are_none_of_ours(fields):
    assert restored(Point, fields) is None
    assert restored(Point, {"x": 1, "name": None, "n": 1}) == Point(1, None, 1)
