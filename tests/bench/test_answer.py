"""What a phone answers is a stranger's."""

import json
import re
import string
from pathlib import Path

import numpy as np
import pytest
from fake_phone import energy, result_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tflq import UserError
from tflq.bench import Model, Pace, Run
from tflq.bench._answer import longest_answer, read_answer
from tflq.bench._job import FOLDER, make_job

PACE = Pace(rounds=2, seconds=1.0, fewest=5)


@pytest.fixture(scope="module")
def runs():
    one = np.arange(3, dtype=np.int8)
    model = Model(path="a.tflite", content=b"x" * 1000, inputs=((one,),), expected=((one,),))
    return [Run(model=model, backend="xnnpack", threads=2)]


@pytest.fixture(scope="module")
def answer(runs):
    job = make_job(runs, PACE, energy=True)
    files = {f"{FOLDER}/{digest}": content for digest, content in job.files.items()}
    return result_of(job.description, files)


def _read(runs, answer):
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    job = answer.get("id") if isinstance(answer, dict) else "0" * 32
    return read_answer(content, job=job, runs=runs, device="it", rounds=2)


def test_a_good_answer(runs, answer):
    (measured,), latencies, facts, flags = _read(runs, answer)
    assert measured.identical == 1 and measured.threads == 2 and len(latencies[0]) == 2
    assert facts["memory"] == "7.9 GB" and flags == ()


def test_an_answer_is_no_longer_than_what_was_asked_for(runs, answer):
    most = longest_answer(runs=1, rounds=2)
    assert most < 2**19
    content = json.dumps(answer).encode()
    read_answer(content.ljust(most), job=answer["id"], runs=runs, device="it", rounds=2)
    with pytest.raises(UserError, match=f"it has {most + 1} bytes, more than the {most}"):
        _read(runs, content.ljust(most + 1))


def _blocks():
    """The JSON of android_demo/PROTOCOL.md: a job and its result."""
    text = (Path(__file__).parents[2] / "android_demo" / "PROTOCOL.md").read_text()
    found = [json.loads(b) for b in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    return {block["schema"].split("/")[0]: block for block in found}


def test_the_result_that_the_protocol_shows_is_read(runs):
    told = _blocks()["tflq-bench-result"]
    made, _, facts, flags = read_answer(
        json.dumps(told).encode(), job=told["id"], runs=runs, device="it", rounds=3
    )
    assert made[0].latency.count == 6 and flags == ("thermal_throttling",)
    assert made[0].energy.low == 10.1 and facts["system"] == "Android 14 (API 34)"


def _keys(value):
    if isinstance(value, dict):
        return {key: _keys(inner) for key, inner in value.items() if len(key) < 64}
    return _keys(value[0]) if isinstance(value, list) and value else None


def test_our_jobs_have_the_keys_that_the_protocol_shows(runs):
    told = _blocks()["tflq-bench-job"]
    told["files"] = {}
    made = make_job(runs, PACE, energy=True).description
    assert _keys(made) == _keys(told)


def test_what_a_phone_does_not_tell(runs, answer):
    silent = _changed(answer, ("device", "soc"), None)
    silent = _changed(silent, ("state", "plugged"), None)
    silent = _changed(silent, ("device", "max_frequencies_khz"), [])
    silent = _changed(silent, ("measurements", 0, "thermal_status"), [None, None])
    _, _, facts, _ = _read(runs, _changed(silent, ("app", "runtime"), None))
    assert facts["processor"] == "(fake)" and facts["app"] == "1.0, no runtime"
    assert facts["cores"] == "8"


def _changed(value, path, new):
    """A copy of nested lists and dicts with another value at one place."""
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = _changed(value[path[0]], path[1:], new)
    return copy


def _places(value, path=()):
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from _places(value[key], (*path, key))
    elif isinstance(value, list):
        for place in range(min(len(value), 2)):
            yield from _places(value[place], (*path, place))


JUNK = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(string.printable, max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whatever_comes_is_read_or_refused(data, runs, answer):
    place = data.draw(st.sampled_from(sorted(_places(answer), key=str)))
    changed = _changed(answer, place, data.draw(JUNK))
    try:
        measured, _, facts, flags = _read(runs, changed)
    except UserError as error:
        assert str(error).isprintable()
    else:
        told = [str(measured), *facts.values(), *flags]
        assert all("\x1b" not in text for text in told)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_of_any_kind(content):
    with pytest.raises(UserError, match="cannot be read"):
        _read([], content)


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-1", "1e400", "9" * 5000, '"1,5"', "true", "[]", "null"]
)
def test_numbers_that_are_none(value, runs, answer):
    text = json.dumps(_changed(answer, ("measurements", 0, "first_ms"), 123.25))
    with pytest.raises(UserError, match="cannot be read"):
        job = answer["id"]
        content = text.replace("123.25", value).encode()
        read_answer(content, job=job, runs=runs, device="it", rounds=2)


def test_deep_nesting(runs):
    with pytest.raises(UserError, match="is no JSON"):
        _read(runs, b"[" * 100_000)


@pytest.mark.parametrize("rounds", [[], [[1.0]], [[1.0], []], [[1.0], [1.0] * 5001], [1.0, 2.0]])
def test_latencies_of_another_shape(rounds, runs, answer):
    with pytest.raises(UserError, match="latencies_ms"):
        _read(runs, _changed(answer, ("measurements", 0, "latencies_ms"), rounds))


def test_a_clock_that_stands_still(runs, answer):
    still = _changed(answer, ("measurements", 0, "latencies_ms"), [[0.0], [0.0]])
    assert _read(runs, still)[0][0].latency.p50 > 0


def test_energies_below_idle_are_kept(runs, answer):
    below = energy(mj_per_inference=-0.1, low=-1.0, flags=["below_idle"])
    (measured,), *_ = _read(runs, _changed(answer, ("measurements", 0, "energy"), below))
    assert measured.energy.mj_per_inference == -0.1
