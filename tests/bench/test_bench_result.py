import csv
import io
import json

import pytest
from PIL import Image

from tflq import BenchmarkResult, UserError
from tflq.bench import Comparison, Energy, Measurement, OpTime, speed_up, summarize

FAST = [[1.0, 1.1], [1.0, 1.2], [1.1, 1.0]]
SLOW = [[2.0, 2.2], [2.0, 2.1], [2.1, 2.0]]


def _energy():
    return Energy(
        mj_per_inference=11.0,
        low=10.0,
        high=12.0,
        active_mw=2000.0,
        idle_mw=400.0,
        percent_per_hour=None,
        flags=("idle_drifted",),
    )


def _measurement(model, rounds=None, **options):
    given = {"device": "phone", "backend": "xnnpack", "threads": 1, "size": 1000}
    latency = None if rounds is None else summarize(rounds)
    return Measurement(model=model, latency=latency, **(given | options))


def _result(*measurements, **options):
    return BenchmarkResult(
        devices={"phone": {"system": "Android 14"}}, measurements=measurements, **options
    )


def _whole():
    return _result(
        _measurement(
            "a/int8 $x$.tflite", FAST, energy=_energy(), identical=0.5, ops=3, delegated=2
        ),
        _measurement("a/float.tflite", SLOW),
        _measurement("=cmd()\n\x1b[2J.tflite", error="no_runtime: none"),
        comparisons=(
            Comparison(
                device="phone",
                model="a/int8 $x$.tflite",
                baseline="a/float.tflite",
                backend="xnnpack",
                threads=1,
                speed_up=speed_up(FAST, SLOW),
            ),
        ),
        profile=(OpTime(model="a/float.tflite", kind="ADD", count=2, ms=0.5, share=1.0),),
        flags={"phone": ("charging",)},
    )


def test_all_of_it_is_printed():
    text = str(_whole())
    for part in ("Android 14", "charging", "50.00%", "2 of 3", "10.00 to 12.00", "idle_drifted"):
        assert part in text
    assert "\x1b" not in text
    for part in ("no_runtime: none", "faster", "ADD", "100.0%"):
        assert part in text


def test_json_holds_what_was_measured():
    told = json.loads(_whole().to_json())
    assert told["measurements"][0]["latency"]["rounds"] == [1.05, 1.1, 1.05]
    assert told["comparisons"][0]["speed_up"]["verdict"] == "faster"
    assert told["measurements"][2]["latency"] is None


def test_csv_is_a_line_a_measurement_and_no_formula():
    rows = list(csv.DictReader(io.StringIO(_whole().to_csv())))
    assert [row["p50_ms"] for row in rows] == ["1.05", "2.05", ""]
    assert rows[2]["model"] == r"'=cmd()\n\x1b[2J.tflite"
    assert rows[0]["mj_per_inference"] == "11.0" and rows[1]["mj_per_inference"] == ""


@pytest.mark.parametrize("energy", [None, _energy()])
def test_the_picture(energy, tmp_path):
    path = tmp_path / "it.png"
    _result(_measurement("$\\frac$.tflite", FAST, energy=energy)).plot(path)
    assert Image.open(path).size[0] == 1200


def test_nothing_to_draw(tmp_path):
    with pytest.raises(UserError, match="nothing to draw"):
        _result(_measurement("a", error="it")).plot(tmp_path / "it.png")
    assert not (tmp_path / "it.png").exists()
