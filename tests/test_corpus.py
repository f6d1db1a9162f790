"""Damaged files that once crashed or hung tflq, ended in a traceback, or worse."""

from pathlib import Path

import pytest
from fuzzing.corpus import kept, take
from fuzzing.pool import WAITS, run_case

from tflq.apart import _client

CASES = list(kept(Path(__file__).parent / "corpus"))


@pytest.mark.parametrize(("reader", "path"), CASES, ids=[path.stem for _, path in CASES])
def test_a_file_that_found_a_fault(reader, path, tmp_path, monkeypatch):
    for name, seconds in WAITS.items():
        monkeypatch.setattr(_client, name, seconds)
    outcome = run_case(reader, take(path, tmp_path))
    assert not outcome.is_fault, outcome


def test_there_are_cases():
    assert CASES
