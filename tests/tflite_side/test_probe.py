import os
import random

import pytest

from tflq import UserError, inspect
from tflq.tflite_side import probe


def test_a_sound_file_passes(float_file):
    probe(float_file)


def test_damaged_files_are_refused_and_never_crash_us(float_file, tmp_path):
    content = float_file.read_bytes()
    rng = random.Random(0)
    refused = 0
    for attempt in range(12):
        damaged = bytearray(content)
        # Behind the header and across the tables, where it hurts.
        for _ in range(20):
            damaged[rng.randrange(8, len(content))] = rng.randrange(256)
        path = tmp_path / f"damaged_{attempt}.tflite"
        path.write_bytes(damaged)
        try:
            inspect(path)
        except UserError as error:
            assert os.fspath(path) in str(error)
            refused += 1
    assert refused >= 3


def test_a_crash_is_told_from_a_refusal(monkeypatch, float_file):
    import tflq.tflite_side._probe as module

    monkeypatch.setattr(module, "_SCRIPT", "import os; os.abort()")
    with pytest.raises(UserError, match="crashes the LiteRT runtime"):
        probe(float_file)


def test_a_hang_ends(monkeypatch, float_file):
    import tflq.tflite_side._probe as module

    monkeypatch.setattr(module, "_SCRIPT", "import time; time.sleep(60)")
    monkeypatch.setattr(module, "_SECONDS", 1)
    with pytest.raises(UserError, match="does not finish one inference in 1 s"):
        probe(float_file)
