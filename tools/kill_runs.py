"""Kills runs of tflq at random moments, and looks at what they leave.

    python tools/kill_runs.py --results=FILE.jsonl [--moments=200] [--seed=0] [--commands=report]

Every output exists before; a run is killed by SIGKILL, and made again. Old outputs must be whole,
or whole new ones; the second run must give what an undisturbed run gives, byte by byte but for
times; no file of either may stay beside the outputs or in the temporary folder, and no process.
Each moment goes to the results file when it is done; the table is printed from there. Runs are
forked from a process that has imported all there is, so that moments are those of the work.
"""

import atexit
import importlib
import json
import multiprocessing
import os
import random
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags

from tflq._rows import append_row, read_rows
from tflq._run_folder import RunFolder
from tflq._tables import text_table
from tflq.cli.main import COMMANDS
from tflq.cli.main import main as main_of_tflq

_RESULTS = flags.DEFINE_string("results", None, "file that collects the moments", required=True)
_MOMENTS = flags.DEFINE_integer("moments", 200, "how many, over all commands")
_SEED = flags.DEFINE_integer("seed", 0, "of the moments")
_COMMANDS = flags.DEFINE_list("commands", None, "kinds of runs; default all")

_IMPORTED = ("tensorflow", "keras", "tf_keras", *(f"tflq.cli._{name}" for name in COMMANDS))
_OLD = b"old"
# For processes of a run that was killed to end, in s.
_PATIENCE = 20
# Times, and what is measured with a clock.
_TIMED = ("seconds", "latency", "path", "command")


@dataclass(frozen=True)
class Kind:
    """One command line.

    Attributes:
        name: tells it apart.
        arguments: of tflq.
        outputs: the files that it writes.
        share: how many of the moments it gets, relative to others.
    """

    name: str
    arguments: tuple[str, ...]
    outputs: tuple[str, ...]
    share: int = 2


_DATA = "--data=../data.npy"


def _export(name: str, *more: str, model: str = "../model.keras") -> Kind:
    return Kind(
        f"export-{name}",
        ("export", model, "out.tflite", _DATA, "--json=out.json", *more),
        ("out.tflite", "out.json"),
    )


KINDS = (
    _export("nearest"),
    _export("least_squares", "--rounding=least_squares"),
    _export("adaround", "--rounding=adaround", "--scheme=w4a8"),
    _export("best", "--recipe=best"),
    _export("qat", model="../qat.keras"),
    Kind(
        "report",
        ("report", "../model.keras", "page.html", "--tflite=out.tflite", "--nolatency", _DATA),
        ("page.html", "page.json", "out.tflite"),
    ),
    Kind(
        "sensitivity",
        ("sensitivity", "../model.keras", "--folder=kept", "--json=out.json", _DATA),
        ("out.json",),
    ),
    Kind(
        "compare",
        ("compare", "../model.keras", "../float.tflite", "--json=out.json", _DATA),
        ("out.json",),
    ),
    Kind("inspect", ("inspect", "../float.tflite", "--json=out.json"), ("out.json",), share=1),
    Kind(
        "search",
        ("search", "../model.keras", "--folder=kept", "--workers=2", "--max_size=1MB", _DATA),
        ("kept/best.tflite",),
        share=1,
    ),
)


def main(_: list[str]) -> None:
    """Kills what is missing, prints the table."""
    chosen = [kind for kind in KINDS if _COMMANDS.value is None or kind.name in _COMMANDS.value]
    shares = sum(kind.share for kind in chosen)
    file = Path(_RESULTS.value)
    with RunFolder() as name:
        place = Path(name)
        # TensorFlow that has computed cannot be forked.
        making = multiprocessing.get_context("spawn").Process(target=_make_models, args=(place,))
        making.start()
        making.join()
        for module in _IMPORTED:
            importlib.import_module(module)
        for kind in chosen:
            numbers = range(-(-_MOMENTS.value * kind.share // shares))
            missing = [number for number in numbers if (kind.name, number) not in _done(file)]
            if missing:
                killer = _Killer(kind, place)
                for number in missing:
                    append_row(file, killer.kill(number))
                    print(_done(file)[kind.name, number], flush=True)
    print(_table(list(_done(file).values())))


def _done(file: Path) -> dict[tuple[str, int], dict[str, Any]]:
    rows = [row for row in read_rows(file) if row["seed"] == _SEED.value]
    return {(row["kind"], row["number"]): row for row in rows}


def _make_models(place: Path) -> None:
    import keras

    import tflq
    from tflq._source import open_model

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.Conv2D(8, 3, activation="relu", name="first"),
            layers.Conv2D(8, 3, activation="relu", name="second"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4, name="last"),
        ]
    )
    data = np.random.default_rng(0).normal(size=(60, 12, 12, 3)).astype(np.float32)
    np.save(place / "data.npy", data)
    model.save(place / "model.keras")
    (place / "float.tflite").write_bytes(open_model(model).tflite)
    tflq.quantize(model, data=data).save(place / "qat.keras")


class _Killer:
    """Runs one kind of command.

    Args:
        kind: which.
        place: where the models lie.
    """

    def __init__(self, kind: Kind, place: Path):
        self._kind, self._place = kind, place
        folder = self._prepared()
        start = time.perf_counter()
        self._finish(folder)
        self._seconds = time.perf_counter() - start
        self._wanted = {name: _untimed(folder / name) for name in kind.outputs}
        self._stays = _names(folder)

    def kill(self, number: int) -> dict[str, Any]:
        """One moment: what was seen, and every fault."""
        name = f"{_SEED.value} {self._kind.name} {number}"
        moment = random.Random(name).uniform(0, 1) * self._seconds
        while not self._is_killed(folder := self._prepared(), moment):
            # It was quicker this time.
            moment *= 0.8
        faults = [f"{n} is torn" for n in self._kind.outputs if not self._is_whole(folder, n)]
        faults += _survivors(folder)
        left = len(_names(folder / "tmp"))
        new = sum((folder / name).read_bytes() != _OLD for name in self._kind.outputs)
        self._finish(folder)
        came = {name: _untimed(folder / name) for name in self._kind.outputs}
        faults += [f"{n} differs" for n, content in came.items() if content != self._wanted[n]]
        faults += [f"{name} stayed" for name in sorted(_names(folder) - self._stays)]
        row = {"seed": _SEED.value, "kind": self._kind.name, "number": number, "at": moment}
        return {**row, "left": left, "new": new, "faults": faults}

    def _is_killed(self, folder: Path, moment: float) -> bool:
        process = self._started(folder)
        time.sleep(moment)
        os.kill(process, signal.SIGKILL)
        return os.WIFSIGNALED(os.waitpid(process, 0)[1])

    def _prepared(self) -> Path:
        folder = Path(tempfile.mkdtemp(dir=self._place))
        (folder / "tmp").mkdir()
        for name in self._kind.outputs:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(_OLD)
        return folder

    def _started(self, folder: Path) -> int:
        if process := os.fork():
            return process
        try:
            os._exit(_run(self._kind.arguments, folder))
        finally:
            os._exit(99)

    def _finish(self, folder: Path) -> None:
        if code := os.waitpid(self._started(folder), 0)[1]:
            told = (folder / "tmp.txt").read_text()
            raise RuntimeError(f"{self._kind.name}: a run ended with {code}: {told[-2000:]}")

    def _is_whole(self, folder: Path, name: str) -> bool:
        path = folder / name
        return path.read_bytes() == _OLD or _untimed(path) == self._wanted[name]


def _run(arguments: Sequence[str], folder: Path) -> int:
    """A command line, as a program of its own would run it."""
    os.chdir(folder)
    os.environ["TMPDIR"], tempfile.tempdir = str(folder / "tmp"), None
    told = os.open(folder / "tmp.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for descriptor in (1, 2):
        os.dup2(told, descriptor)
    code = main_of_tflq(arguments)
    atexit._run_exitfuncs()
    return code


def _survivors(folder: Path) -> list[str]:
    """Processes that still work for a run that was killed, after a while."""
    mark, until = str(folder / "tmp").encode(), time.monotonic() + _PATIENCE
    while found := [path for path in Path("/proc").glob("[0-9]*/environ") if _holds(path, mark)]:
        if time.monotonic() > until:
            return [f"process {path.parent.name} lives" for path in found]
        time.sleep(0.1)
    return []


def _holds(path: Path, mark: bytes) -> bool:
    try:
        return mark in path.read_bytes()
    except OSError:
        return False


def _names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def _untimed(path: Path) -> Any:
    """The content of an output, without what a clock tells."""
    content = path.read_bytes()
    if path.suffix == ".json":
        try:
            return _without(json.loads(content), lambda name: name in _TIMED)
        except ValueError:
            return None
    if path.suffix == ".html":
        return content.rstrip().endswith(b"</html>")
    return content


def _without(value: Any, is_dropped: Callable[[str], bool]) -> Any:
    if isinstance(value, dict):
        return {k: _without(v, is_dropped) for k, v in value.items() if not is_dropped(k)}
    return [_without(one, is_dropped) for one in value] if isinstance(value, list) else value


def _table(rows: list[dict[str, Any]]) -> str:
    columns = ("run", "killed", "left temporaries", "after an output", "faults")
    lines = []
    for name in dict.fromkeys(row["kind"] for row in rows):
        own = [row for row in rows if row["kind"] == name]
        counts = [
            len(own),
            sum(row["left"] > 0 for row in own),
            sum(row["new"] > 0 for row in own),
            sum(bool(row["faults"]) for row in own),
        ]
        lines.append((name, *map(str, counts)))
    return text_table(f"{len(rows)} moments", columns, lines)


if __name__ == "__main__":
    app.run(main)
