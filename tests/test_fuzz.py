"""The tool that damages files tells apart what becomes of them."""

import os
import random
import signal
import time
from pathlib import Path

import pytest
from fuzzing import pool
from fuzzing.damage_archives import damage_records, damage_zip, framed, zipped
from fuzzing.damage_bytes import damage_bytes
from fuzzing.damage_models import damage_tflite
from fuzzing.damage_trees import damage_json
from fuzzing.pool import Cases, run_cases
from fuzzing.readers import DamagedOutputError, Reader

from tflq import UserError
from tflq._errors import ConversionError


def _crash(case):
    os.kill(os.getpid(), signal.SIGKILL)


def _hang(case):
    time.sleep(600)


def _refuse(case):
    raise UserError("no")


def _tell(case):
    raise ConversionError("no")


def _fail(case):
    raise KeyError("no")


def _leave_half(case):
    raise DamagedOutputError("half")


_READS = {
    "read": lambda case: "fine",
    "refused": _refuse,
    "told": _tell,
    "traceback": _fail,
    "damaged": _leave_half,
    "unprintable": lambda case: "\x1b[2J",
    "crash": _crash,
    "hang": _hang,
}


@pytest.mark.parametrize("kind", _READS)
def test_what_becomes_of_cases_is_told(kind, monkeypatch):
    monkeypatch.setattr(pool, "HANG_SECONDS", 1)
    reader = Reader(
        name="it", share=1, seeds=dict, damage=lambda content, rng: content, read=_READS[kind]
    )
    cases = Cases(seed=0, readers=(reader,), whole={"it": {"one": b"1"}})
    count = 2 if kind == "hang" else 7
    outcomes = list(run_cases(cases, range(count), 2))
    assert sorted(outcome.number for outcome in outcomes) == list(range(count))
    assert {outcome.kind for outcome in outcomes} == {kind}
    assert {outcome.is_fault for outcome in outcomes} == {kind not in ("read", "refused", "told")}


_CONTENTS = {
    "bytes": (damage_bytes, bytes(range(256))),
    "json": (damage_json, b'{"a": [1, {"b": null}], "c": "d"}'),
    "zip": (damage_zip, zipped([("a.json", b'{"a": 1}'), ("b", b"1234")])),
    "records": (damage_records, framed(b"one") + framed(b"two")),
}


@pytest.mark.parametrize("kind", _CONTENTS)
def test_damage_is_the_same_every_time(kind):
    damage, content = _CONTENTS[kind]
    made = [damage(content, random.Random(number)) for number in range(50)]
    assert made == [damage(content, random.Random(number)) for number in range(50)]
    assert sum(damaged != content for damaged in made) > 25


def test_a_damaged_model_is_still_a_flatbuffer(float_file):
    content = float_file.read_bytes()
    made = [damage_tflite(content, random.Random(number)) for number in range(20)]
    assert len(set(made)) > 10
    assert all(damaged[4:8] == b"TFL3" for damaged in made)


def test_a_case_has_its_number(tmp_path):
    reader = Reader(
        name="it", share=1, seeds=dict, damage=damage_bytes, read=lambda case: case.content
    )
    cases = Cases(seed=3, readers=(reader,), whole={"it": {"one": bytes(64), "two": bytes(9)}})
    made = [cases.make(number, Path(tmp_path))[1] for number in range(10)]
    assert made == [cases.make(number, Path(tmp_path))[1] for number in range(10)]
    assert {case.seed for case in made} == {bytes(64), bytes(9)}
