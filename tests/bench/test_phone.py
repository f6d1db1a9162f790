"""The whole road over the real adb to a phone that is a program of ours."""

import json

import pytest
from fake_phone import FOLDER, energy

import tflq
from tflq import UserError
from tflq.bench import _adb, _job, _phone
from tflq.cli.main import main

QUICK = {"rounds": 3, "seconds": 0.01}


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(_phone, "_POLL_SECONDS", 0.2)
    monkeypatch.setattr(_phone, "_SPARE_SECONDS", 3.0)
    monkeypatch.setattr(_job, "_COOL_DOWN_SECONDS", 0.0)
    monkeypatch.setattr(_job, "_WARM_UP_SECONDS", 0.0)
    monkeypatch.setattr(_adb, "PHONE_BACK_SECONDS", 5.0)


def _refused(phone, files, **options):
    """The one sentence that a hostile phone leads to, with nothing left behind."""
    with pytest.raises(UserError) as caught:
        tflq.benchmark(files[0], device=phone.serial, **(QUICK | options))
    assert phone.left == [] and not phone.running
    message = str(caught.value)
    assert message.isprintable() and len(message) < 700
    return message


def test_push_run_pull_report(plug_in, files, tmp_path):
    phone = plug_in()
    integer, floating = files
    result = tflq.benchmark(
        [integer], compare=floating, device=phone.serial, backend=["xnnpack", "nnapi"],
        accelerator="a; reboot", energy=True, **QUICK,
    )  # fmt: skip
    assert [m.backend for m in result.measurements[:2]] == ["nnapi", "xnnpack"]
    assert all(m.error is None and m.energy.mj_per_inference == 11.2 for m in result.measurements)
    assert [m.identical for m in result.measurements] == [1.0, 1.0, None, None]
    assert all(c.speed_up.verdict != "too few rounds" for c in result.comparisons)
    assert result.devices[phone.serial]["phone"] == "Fake Phone 1"
    assert phone.left == []
    (job,) = phone.jobs
    assert {run["accelerator"] for run in job["runs"]} == {None, "a; reboot"}
    result.plot(tmp_path / "it.png")
    assert "11.20" in str(result)


def test_accelerators_have_one_thread(plug_in, files):
    phone = plug_in()
    tflq.benchmark(
        files[0], device=phone.serial, backend=["xnnpack", "gpu"], threads=[2, 4], **QUICK
    )
    runs = [(run["backend"], run["threads"]) for run in phone.jobs[0]["runs"]]
    assert runs == [("xnnpack", 2), ("xnnpack", 4), ("gpu", 1)]


def test_what_is_there_is_not_pushed_again(plug_in, files):
    phone = plug_in()
    tflq.benchmark(files[0], device=phone.serial, **QUICK)
    first = len(phone.pushed)
    tflq.benchmark(files[0], device=phone.serial, **QUICK)
    assert first > 2 and len(phone.pushed) == first + 1, "only the job is new"


def test_a_file_that_was_changed_on_the_phone_is_pushed_again(plug_in, files):
    phone = plug_in()
    tflq.benchmark(files[0], device=phone.serial, **QUICK)
    before = dict(phone.files)
    for path in phone.files:
        phone.files[path] = b"changed"
    tflq.benchmark(files[0], device=phone.serial, **QUICK)
    assert phone.files == before


@pytest.mark.parametrize("lost", [(3,), (9,), (12, 14), (22,), (24, 26)])
def test_a_lost_connection_is_taken_up_again(lost, plug_in, files):
    phone = plug_in(lose=lost)
    result = tflq.benchmark(files[0], device=phone.serial, **QUICK)
    assert result.measurements[0].error is None and phone.left == []


def test_several_phones_at_once(plug_in, files):
    phones = [plug_in(), plug_in()]
    result = tflq.benchmark(files[0], device="all", **QUICK)
    assert set(result.devices) == {phone.serial for phone in phones}
    assert all(phone.jobs for phone in phones)


def test_one_of_several_phones_fails(plug_in, files, capsys):
    good, bad = plug_in(), plug_in(app=False)
    assert main(["benchmark", str(files[0]), "--device=all", "--rounds=3", "--seconds=0.01"]) == 0
    told = capsys.readouterr().out
    assert f"phone {bad.serial!r} has no app" in " ".join(told.split())
    assert "100.00%" in told and good.left == []


def test_all_of_several_phones_fail(plug_in, files):
    phones = [plug_in(app=False), plug_in(sdk="20")]
    with pytest.raises(UserError, match="has no app") as caught:
        tflq.benchmark(files[0], device="all", **QUICK)
    assert "Android API '20'" in str(caught.value) and not any(phone.left for phone in phones)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sdk": "25"}, "Android API '25'"),
        ({"sdk": "2\x1b[2J"}, "Android API"),
        ({"app": False}, "has no app org.tflq.bench"),
        ({"full": True}, "No space left"),
        ({"damage": True}, "arrived damaged"),
        ({"start": "Error type 3\nError: Activity class does not exist."}, "does not start"),
        ({"start": "java.lang.SecurityException: Error denied"}, "does not start"),
        ({"outcome": "crash"}, "stopped without a result"),
        ({"outcome": "hang"}, "no result after"),
        ({"answer": lambda r: b"{" * 100}, "is no JSON"),
        ({"answer": lambda r: b" " * (9 * 2**20)}, "more than"),
        ({"answer": lambda r: json.dumps(r)[:500].encode()}, "is no JSON"),
        ({"answer": lambda r: json.dumps(r).replace("9.8", "9,8").encode()}, "is no JSON"),
        ({"answer": lambda r: r | {"schema": "tflq-bench-result/2"}}, "of version"),
        ({"answer": lambda r: r | {"id": "0" * 32}}, "is of job"),
        ({"answer": lambda r: r | {"measurements": []}}, "0 measurements"),
        (
            {"answer": lambda r: r | {"error": {"code": "wrong_hash", "message": "a\x1b[2J\nb"}}},
            "wrong_hash",
        ),
    ],
    ids=lambda value: None if isinstance(value, str) else "-".join(value),
)
def test_hostile_phones(options, message, plug_in, files):
    assert message in _refused(plug_in(**options), files)


def _first(**changes):
    """An answer whose first measurement says something else."""

    def answer(result):
        result["measurements"][0] |= changes
        return result

    return answer


def test_what_a_phone_could_not_measure(plug_in, files):
    error = {"code": "backend_refused", "message": "NNAPI has no \x1b[2J accelerator"}
    phone = plug_in(answer=_first(error=error))
    result = tflq.benchmark(files[0], device=phone.serial, compare=files[1], **QUICK)
    assert result.measurements[0].error.startswith("backend_refused: NNAPI has no")
    assert "\x1b" not in str(result) and result.comparisons == ()


def test_heat_and_odd_batteries_are_told(plug_in, files):
    flags = ["current_in_milliamperes", "too_few_samples"]
    changes = {"thermal_status": [0, 3, 3], "energy": energy(flags=flags, low=-1.0)}
    phone = plug_in(answer=lambda r: _first(**changes)(r) | {"flags": ["thermal_throttling"]})
    result = tflq.benchmark(files[0], device=phone.serial, energy=True, **QUICK)
    assert result.measurements[0].flags == ("hot",)
    assert result.measurements[0].energy.flags == tuple(flags)
    text = str(result)
    assert "thermal_throttling" in text and "too_few_samples" in text


def test_a_phone_that_is_unplugged(plug_in, files, monkeypatch):
    phone = plug_in()
    monkeypatch.setattr(_adb, "PHONE_BACK_SECONDS", 0.5)
    phone.lose = range(5, 1000)
    phone.execute_before = None
    with pytest.raises(UserError, match="was lost"):
        tflq.benchmark(files[0], device=phone.serial, **QUICK)


def test_no_phone(adb_server, plug_in, files, capsys):
    assert main(["benchmark", str(files[0]), "--device=phone"]) == 2
    assert "no phone is connected" in capsys.readouterr().err


def test_two_phones_and_none_named(plug_in, files, capsys):
    phones = [plug_in(), plug_in()]
    assert main(["benchmark", str(files[0]), "--device=phone"]) == 2
    told = capsys.readouterr().err
    assert "several phones" in told and all(phone.serial in told for phone in phones)


def test_a_serial_number_that_is_not_there(plug_in, files, capsys):
    plug_in()
    assert main(["benchmark", str(files[0]), "--device=x'; reboot\n"]) == 2
    assert '"x\'; reboot\\n" is not connected' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("unauthorized", "allow USB debugging"),
        ("offline", "plug it in again"),
        ("no permissions (user in plugdev group?); see [docs]", "udev rule"),
        ("strange", "make it ready"),
    ],
)
def test_phones_that_are_not_ready(state, message, files, monkeypatch):
    monkeypatch.setattr(_adb, "_states", lambda adb: {"123": state})
    for device in ("123", "phone"):
        with pytest.raises(UserError, match=message):
            tflq.benchmark(files[0], device=device, **QUICK)
    with pytest.raises(UserError, match="no phone is ready"):
        tflq.benchmark(files[0], device="all", **QUICK)


def test_no_adb(files, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(__import__("sys").modules, "adbutils", None)
    with pytest.raises(UserError, match=r"tflq\[phone\]"):
        tflq.benchmark(files[0], device="phone")


def test_nothing_reaches_a_shell_unquoted(plug_in, files):
    """The model's name has quotes, a semicolon and a command in it; it stays on the desk."""
    phone = plug_in()
    tflq.benchmark(files[0], device=phone.serial, **QUICK)
    assert not any("reboot" in word for words in phone.commands for word in words)
    assert phone.jobs[0]["models"][0]["name"] == str(files[0])[-100:]
    assert all(path.startswith(f"{FOLDER}/") for path in phone.pushed)


TIMINGS = (
    "INFO: count=50 first=100 avg=99.5\n"
    "INFO: Inference timings in us: Init: 12345, First inference: 2345, Warmup (avg): 3456.7, "
    "Inference (avg): {}\n"
    "INFO: Memory footprint delta from the start of the tool (MB): init=1.5 overall=2.25\n"
)


def test_benchmark_model(plug_in, files, tmp_path, capsys):
    phone = plug_in(
        binary={
            "--use_xnnpack=true": TIMINGS.format("1500"),
            "--use_gpu=true": "ERROR: \x1b[2J no",
        }
    )
    arguments = [
        *("benchmark", str(files[0]), f"--device={phone.serial}", "--backend=xnnpack,gpu"),
        *("--runner=/data/local/tmp/benchmark_model", "--rounds=3", "--seconds=0.01"),
        *(f"--csv={tmp_path / 'it.csv'}", f"--json={tmp_path / 'it.json'}"),
    ]
    assert main(arguments) == 0
    told = json.loads((tmp_path / "it.json").read_text())
    gpu, cpu = told["measurements"]
    assert gpu["error"] == r"benchmark_model: ERROR: \x1b[2J no"
    assert cpu["latency"]["rounds"] == [1.5] * 3 and cpu["peak_memory"] == 2250000
    assert cpu["initialisation_ms"] == 12.345 and cpu["first_ms"] == 2.345
    assert "1.500" in capsys.readouterr().out and phone.left == []
    assert len((tmp_path / "it.csv").read_text().splitlines()) == 3


def test_no_benchmark_model(plug_in, files):
    message = _refused(plug_in(), files, runner="/data/local/tmp/it is; not there")
    assert "has no '/data/local/tmp/it is; not there'" in message
