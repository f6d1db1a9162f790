"""A phone with the app on it, hostile on demand."""

import hashlib
import json
import posixpath
import shlex
import threading
import time

import numpy as np
from fake_adb import Device

FOLDER = "/data/local/tmp/tflq-bench"
RESULTS = "/sdcard/Android/data/org.tflq.bench/files/results"
PACKAGE = "org.tflq.bench"


class FakePhone(Device):
    """A phone.

    Args:
        sdk: its Android API level, as getprop tells it.
        app: whether the app is on it.
        start: what `am start` says.
        outcome: "result", "crash" (the app stops), "hang" (it never ends).
        answer: from the result to what lies in its file: another result, or bytes.
        damage: whether what arrives is not what was sent.
        full: whether there is no room.
        lose: numbers of services at which the connection is lost, counted from the first.
        binary: what benchmark_model prints, by its backend's flag; None for no such binary.
    """

    def __init__(
        self,
        *,
        sdk="34",
        app=True,
        start="Status: ok",
        outcome="result",
        answer=lambda result: result,
        damage=False,
        full=False,
        lose=(),
        binary=None,
    ):
        super().__init__()
        self.sdk, self.app, self.start, self.outcome = sdk, app, start, outcome
        self.answer, self.damage, self.full, self.lose = answer, damage, full, set(lose)
        self.binary, self.running = binary, False
        self.commands, self.jobs, self.log, self.pushed = [], [], [], []
        self._services = 0
        if binary is not None:
            self.files["/data/local/tmp/benchmark_model"] = b"ELF"

    def loses_connection(self, service):
        self._services += 1
        return self._services in self.lose

    def store(self, path, content):
        if self.full:
            return "remote write failed: No space left on device"
        self.pushed.append(path)
        self.files[path] = content[:-1] + b"\xff" if self.damage else content
        return ""

    @property
    def left(self):
        """What lies on it that is not kept for the next job."""
        kept = [p for p in self.files if len(posixpath.basename(p)) == 64]
        return sorted(set(self.files) - set(kept) - {"/data/local/tmp/benchmark_model"})

    def execute(self, command, stream):
        words = shlex.split(command)
        self.commands.append(words)
        name = words[0]
        if name == "logcat":
            return self._logcat(stream)
        if name == "/data/local/tmp/benchmark_model":
            flag = next(word for word in words if word.startswith("--use_"))
            return 0, self.binary[flag].encode()
        told = getattr(self, f"_{name}")(words[1:])
        return (
            told
            if isinstance(told, tuple)
            else (0, told if isinstance(told, bytes) else told.encode())
        )

    def _getprop(self, words):
        told = {"ro.build.version.sdk": self.sdk, "ro.product.model": "Fake\x1b[2J; rm -rf /"}
        return told.get(words[0], "?") + "\n"

    def _pm(self, words):
        return "package:/data/app/base.apk\n" if self.app else (1, b"")

    def _mkdir(self, words):
        return ""

    def _chmod(self, words):
        return ""

    def _sha256sum(self, words):
        if words[0] not in self.files:
            return 1, f"sha256sum: {words[0]}: No such file or directory".encode()
        return f"{hashlib.sha256(self.files[words[0]]).hexdigest()}  {words[0]}\n"

    def _mv(self, words):
        self.files[words[2]] = self.files.pop(words[1])
        return ""

    def _rm(self, words):
        for path in words[1:]:
            self.files.pop(path, None)
        return ""

    def _ls(self, words):
        return words[0] + "\n" if words[0] in self.files else (1, b"ls: No such file or directory")

    def _head(self, words):
        return self.files[words[2]][: int(words[1])]

    def _stat(self, words):
        return f"{len(self.files[words[2]])}\n"

    def _pidof(self, words):
        return "1234\n" if self.running else (1, b"")

    def _am(self, words):
        if words[0] == "force-stop":
            self.running = False
            return ""
        if "Error" not in self.start:
            self.running = True
            threading.Thread(target=self._work, args=(words[-1],), daemon=True).start()
        return self.start + "\n"

    def _logcat(self, stream):
        at = 0
        while not stream.closed.is_set():
            for line in self.log[at:]:
                at += 1
                stream.packet(1, line + b"\n")
            time.sleep(0.02)
        return 0, b""

    def _work(self, job_id):
        job = json.loads(self.files[f"{FOLDER}/{job_id}.job.json"])
        self.jobs.append(job)
        self.log += [b"not JSON", b"[" * 3000, b'{"job": "another", "state": "done"}']
        for place in range(len(job["runs"])):
            line = {"job": job_id, "run": place, "runs": len(job["runs"]), "round": 0, "rounds": 1}
            self.log.append(json.dumps({**line, "state": "running\x1b[2J"}).encode())
        time.sleep(0.1)
        if self.outcome == "hang":
            return
        if self.outcome == "result":
            made = self.answer(result_of(job, self.files))
            content = made if isinstance(made, bytes) else json.dumps(made).encode()
            self.files[f"{RESULTS}/{job_id}.json"] = content
        self.running = False


def result_of(job, files):
    """What the app answers: latencies that a model's size makes, and true shares of codes."""
    for digest, known in job["files"].items():
        content = files[f"{FOLDER}/{digest}"]
        assert hashlib.sha256(content).hexdigest() == digest and len(content) == known["bytes"]
    rng = np.random.default_rng(0)
    measurements = []
    for place, run in enumerate(job["runs"]):
        model = job["models"][run["model"]]
        middle = len(files[f"{FOLDER}/{model['file']}"]) / 4e5
        rounds = [rng.lognormal(np.log(middle), 0.01, 20).tolist() for _ in range(job["rounds"])]
        measurements.append(
            {
                "run": place,
                "error": None,
                "initialisation_ms": 14.2,
                "first_ms": 9.8,
                "latencies_ms": rounds,
                "peak_memory_bytes": 48000000,
                "ops": 64,
                "delegated_ops": 64,
                "delegate": "XNNPACK",
                "identical": 1.0 if model["expected"] else None,
                "thermal_status": [0] * job["rounds"],
                "energy": energy() if job["energy"] else None,
            }
        )
    return {
        "schema": "tflq-bench-result/1",
        "id": job["id"],
        "app": {"version": "1.0", "runtime": "TensorFlow Lite 2.17.0"},
        "error": None,
        "device": {
            "manufacturer": "Fake",
            "model": "Phone 1",
            "hardware": "fake",
            "soc": "F1",
            "fingerprint": "fake/fake:14",
            "android": "14",
            "sdk": 34,
            "abis": ["arm64-v8a"],
            "cores": 8,
            "max_frequencies_khz": [1803000, 1803000, 2850000],
            "memory_bytes": 7900000000,
        },
        "state": {
            "plugged": "none",
            "screen_on": True,
            "power_save": False,
            "battery_percent": 81,
            "battery_temperature_c": 29.5,
            "thermal_status": 0,
        },
        "measurements": measurements,
        "flags": [],
    }


def energy(**changes):
    return {
        "mj_per_inference": 11.2,
        "low": 10.1,
        "high": 12.4,
        "active_mw": 2210.0,
        "idle_mw": 410.0,
        "samples": 41,
        "sample_ms": 250.0,
        "percent_per_hour": 2.1,
        "flags": [],
    } | changes
