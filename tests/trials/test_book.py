"""What a search keeps."""

import json
import os

import pytest

from tflq._rows import append_row
from tflq.trials import Book, Trial


def trial(book, choices, **rest):
    name = f"{book.name_of(choices)}.tflite"
    return Trial(number=0, stage="x", choices=choices, file=name, size=len(b"content"), **rest)


def test_trials_come_back_with_their_files(tmp_path):
    choices = {"scheme": "w8a8", "input_range": (0.0, 1.0)}
    book = Book(tmp_path, "a", "local")
    kept = trial(book, choices, value=1.0)
    book.keep(kept, b"content")
    found = Book(tmp_path, "a", "local").find(choices)
    assert found.value == 1.0
    assert found.choices == choices
    assert book.path_of(found).read_bytes() == b"content"
    assert Book(tmp_path, "b", "local").find(choices) is None
    assert Book(tmp_path, "a", "local").find({}) is None


def test_what_failed_or_lost_its_file_is_made_again(tmp_path):
    book = Book(tmp_path, "a", "local")
    book.keep(Trial(number=0, stage="x", error="out of luck"), b"")
    assert book.find({}).error == "out of luck"
    assert Book(tmp_path, "a", "local").find({}) is None
    kept = trial(book, {"scheme": "w4a8"}, value=1.0)
    book.keep(kept, b"content")
    book.path_of(kept).unlink()
    assert Book(tmp_path, "a", "local").find({"scheme": "w4a8"}) is None


def test_latencies_are_a_devices(tmp_path):
    Book(tmp_path, "a", "local").keep_latency("s", 1.5)
    assert Book(tmp_path, "a", "local").find_latency("s") == 1.5
    assert Book(tmp_path, "a", "phone").find_latency("s") is None


@pytest.fixture
def kept(tmp_path):
    """A folder with one trial, and its row."""
    book = Book(tmp_path, "a", "local")
    book.keep(trial(book, {}, value=1.0), b"content")
    book.keep_latency("s", 1.5)
    return tmp_path, json.loads((tmp_path / "trials.jsonl").read_text())


def found(folder):
    return Book(folder, "a", "local").find({})


def rewritten(folder, name="trials.jsonl", **changes):
    """The row with other fields, and a digest that is right."""
    row = json.loads((folder / name).read_text())
    (folder / name).unlink()
    said = {**row, **changes}
    append_row(folder / name, {k: v for k, v in said.items() if k not in ("version", "digest")})


@pytest.mark.parametrize(
    "changes",
    [
        {"file": "../{}"},
        {"file": "/etc/passwd"},
        {"file": "other.tflite"},
        {"file": ["x"]},
        {"value": float("nan")},
        {"value": "1.0"},
        {"value": True},
        {"size": 7.5},
        {"size": -1},
        {"size": None},
        {"number": None},
        {"choices": []},
        {"choices": {"scheme": "w4a8"}},
        {"unknown": 1},
    ],
)
def test_a_row_that_cannot_be_costs_its_trial(kept, changes):
    folder, row = kept
    assert found(folder).value == 1.0
    if isinstance(changes.get("file"), str):
        changes["file"] = changes["file"].format(row["trial"]["file"])
    rewritten(folder, trial={**row["trial"], **changes})
    assert found(folder) is None


@pytest.mark.parametrize("missing", ["file", "value", "seconds", "choices"])
def test_a_row_without_a_field_costs_its_trial(kept, missing):
    folder, row = kept
    rewritten(folder, trial={k: v for k, v in row["trial"].items() if k != missing})
    assert found(folder) is None


@pytest.mark.parametrize("said", [None, [], "trial", {}, 5])
def test_a_row_of_something_else_costs_its_trial(kept, said):
    rewritten(kept[0], trial=said)
    assert found(kept[0]) is None


@pytest.mark.parametrize("damage", ["cut", "changed", "longer", "link", "pipe", "folder"])
def test_a_damaged_file_costs_its_trial_and_is_made_again(kept, damage):
    folder, row = kept
    file = folder / row["trial"]["file"]
    content = file.read_bytes()
    precious = folder / "precious"
    precious.write_bytes(content)
    if damage in ("link", "pipe", "folder"):
        file.unlink()
        {"link": lambda: file.symlink_to(precious), "pipe": lambda: os.mkfifo(file)}.get(
            damage, file.mkdir
        )()
    else:
        file.write_bytes(
            {"cut": content[:-1], "changed": b"C" + content[1:]}.get(damage, content * 2)
        )
    assert found(folder) is None
    book = Book(folder, "a", "local")
    book.keep(trial(book, {}, value=2.0), b"CONTENT")
    assert found(folder).value == 2.0
    assert precious.read_bytes() == content
    assert not file.is_symlink()


@pytest.mark.parametrize(
    "changes", [{"latency": float("nan")}, {"latency": 0}, {"latency": "1"}, {"structure": []}]
)
def test_a_latency_that_cannot_be_is_measured_again(kept, changes):
    folder = kept[0]
    assert Book(folder, "a", "local").find_latency("s") == 1.5
    rewritten(folder, "latencies.jsonl", **changes)
    assert Book(folder, "a", "local").find_latency("s") is None
