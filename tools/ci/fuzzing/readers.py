"""Everything in tflq that reads a file, as one function each, and how its files are damaged."""

import random
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

import tflq
from fuzzing import seeds
from fuzzing.damage_archives import (
    damage_hdf5,
    damage_npy,
    damage_records,
    damage_zip,
    either,
    zipped,
)
from fuzzing.damage_bytes import damage_bytes
from fuzzing.damage_models import damage_saved_model, damage_tflite
from fuzzing.damage_trees import damage_json

#: What stood in the place of an output before.
OLD = b"what was there before"


class DamagedOutputError(Exception):
    """An output that is neither whole nor what was there before."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One damaged file.

    Attributes:
        content: of it.
        seed: the whole file that it was made from.
        folder: an empty one, for whatever is written.
    """

    content: bytes
    seed: bytes
    folder: Path

    def stored(self, name: str) -> Path:
        """The file on disk."""
        path = self.folder / name
        path.write_bytes(self.content)
        return path


@dataclass(frozen=True, kw_only=True)
class Reader:
    """What reads a kind of file.

    Attributes:
        name: of it.
        share: of all cases, in parts.
        seeds: makes whole files, by name.
        damage: damages one.
        read: reads one and gives what it would show; a mistake of the file is a `UserError`.
    """

    name: str
    share: int
    seeds: Callable[[], Mapping[str, bytes]]
    damage: Callable[[bytes, random.Random], bytes]
    read: Callable[[Case], object]


def _parse(case: Case) -> object:
    from tflq.tflite_side import Graph

    graph = Graph.from_bytes(case.content, name="the file")
    constants = [graph.constant(t.index).shape for t in graph.tensors if _is_plain(t)]
    return graph.tensors, graph.ops, graph.inner_ops, graph.live, constants


def _is_plain(tensor: Any) -> bool:
    return bool(tensor.is_constant) and tensor.dtype in ("float32", "int8", "int32", "int4")


def _inspect(case: Case) -> object:
    path = case.stored("m.tflite")
    return tflq.inspect(path, target="xnnpack,nnapi,gpu,edgetpu")


def _compare(case: Case) -> object:
    seed = case.folder / "seed.tflite"
    seed.write_bytes(case.seed)
    return tflq.compare(seed, case.stored("m.tflite"), _samples(case.seed))


def _export(case: Case, *, data: bool = True, **choices: Any) -> object:
    path, output = case.stored("m.tflite"), case.folder / "q.tflite"
    output.write_bytes(OLD)
    samples = _samples(case.seed) if data else None
    try:
        report = tflq.export(path, output, data=samples, **choices)
    except Exception:
        if output.read_bytes() != OLD:
            raise DamagedOutputError(f"{output.stat().st_size} bytes, and an error") from None
        raise
    try:
        tflq.inspect(output)
    except Exception as error:
        raise DamagedOutputError(str(error)) from error
    return report


def _simulate(case: Case) -> object:
    return tflq.simulate(case.stored("m.tflite"), _samples(case.seed))


@cache
def _samples(content: bytes) -> dict[str, np.ndarray]:
    from tflq.tflite_side import Runner

    rng = np.random.default_rng(0)
    return {
        spec.name: rng.normal(size=(seeds.SAMPLES, *(n or 1 for n in spec.shape[1:]))).astype(
            spec.dtype
        )
        for spec in Runner(content).inputs
    }


def _load_keras(case: Case, suffix: str) -> object:
    from tflq.keras_side import load_keras

    return load_keras(str(case.stored(f"m{suffix}"))).name


def _saved_model(case: Case) -> object:
    from tflq._source import open_model

    root = case.folder / "saved"
    with zipfile.ZipFile(BytesIO(case.content)) as archive:
        archive.extractall(root)
    return open_model(root).inputs


def _damage_saved(content: bytes, rng: random.Random) -> bytes:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(("saved_model.pb", "saved_model.pb", *members))
    damage = either(damage_saved_model, damage_bytes) if name.endswith(".pb") else damage_bytes
    try:
        members[name] = damage(members[name], rng)
    except Exception:
        # Fingerprints are another message than SavedModels.
        members[name] = damage_bytes(members[name], rng)
    return zipped(list(members.items()))


def _data(case: Case, name: str) -> object:
    from tflq.data import ImageOptions, InputSpec, from_path, samples

    path = case.stored(name)
    is_picture = not name.startswith("x.")
    shape = (None, 8, 8, 3) if is_picture else (None, 4)
    inputs = [InputSpec("x", shape, np.dtype(np.float32))]
    source = path.parent if is_picture else path
    data = from_path(str(source), inputs, images=ImageOptions())
    return [sample["x"].shape for sample in samples(data, inputs)]


def _records(case: Case) -> object:
    from tflq.data import ImageOptions, InputSpec, from_path, samples

    path = case.stored("x.tfrecord")
    shape = (None, 4) if b"image/encoded" not in case.seed else (None, 8, 8, 3)
    inputs = [InputSpec("x", shape, np.dtype(np.float32))]
    data = from_path(str(path), inputs, images=ImageOptions())
    return [sample["x"].shape for sample in samples(data, inputs)]


def _answer(case: Case) -> object:
    from tflq.bench import Model, Run
    from tflq.bench._answer import read_answer

    one = np.arange(3, dtype=np.int8)
    model = Model(path="a.tflite", content=b"x" * 9, inputs=((one,),), expected=((one,),))
    runs = [Run(model=model, backend="xnnpack", threads=2)]
    job = _job_of(case.seed)
    return read_answer(case.content, job=job, runs=runs, device="it", rounds=3)


def _job_of(seed: bytes) -> str:
    import json

    return str(json.loads(seed)["id"])


def _trial_seeds() -> dict[str, bytes]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        book = _book(Path(folder))
        for trial in _trials():
            book.keep(trial, _FILE if trial.file else b"")
        return {"trials": Path(folder, "trials.jsonl").read_bytes()}


_FILE = b"the file of a trial"


def _book(folder: Path) -> Any:
    from tflq.trials._book import Book

    return Book(folder, "a" * 64, "here")


def _trials() -> list[Any]:
    from tflq._choices import Choices
    from tflq.trials import Trial

    named: dict[str, Any] = {
        "number": 1,
        "stage": "plain",
        "value": 0.5,
        "sqnr_db": 20.0,
        "size": len(_FILE),
        "latency": 1.0,
        "structure": "s",
    }
    recipes: tuple[Choices, ...] = ({"calibrator": "mse"}, {"scheme": "w8a8"})
    name_of = _book(Path()).name_of
    made = [
        Trial(**named, file=f"{name_of(choices)}.tflite", choices=choices) for choices in recipes
    ]
    return [Trial(number=0, stage="plain", error="it failed"), *made]


def _search_folder(case: Case) -> object:
    for trial in _trials()[1:]:
        (case.folder / trial.file).write_bytes(_FILE)
    case.stored("trials.jsonl")
    book = _book(case.folder)
    found = [book.find(trial.choices) for trial in _trials()]
    inside = [book.path_of(trial).resolve() for trial in found if trial is not None]
    if any(path.parent != case.folder.resolve() for path in inside):
        raise DamagedOutputError(f"a trial outside of its folder: {inside}")
    return found


def _damage_lines(content: bytes, rng: random.Random) -> bytes:
    lines = content.splitlines()
    place = rng.randrange(len(lines))
    kind = rng.randrange(3)
    if kind == 0:
        return damage_bytes(content, rng)
    lines[place] = (damage_json if kind == 1 else damage_bytes)(lines[place], rng)
    return b"\n".join(lines) + b"\n"


@cache
def _problem() -> Any:
    from tflq.tflite_side._layer_problem import LayerProblem

    rng = np.random.default_rng(0)
    shapes = {"rows": (1, 9, 6), "weights": (1, 6, 4), "bias": (1, 1, 4), "target": (1, 9, 4)}
    arrays: dict[str, Any] = {
        name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()
    }
    return LayerProblem(
        **arrays,
        limits=(-np.inf, np.inf),
        scale=np.full((1, 1, 4), 0.02, np.float32),
        highest=127,
        per_channel=True,
    )


def _solved() -> Any:
    from tflq.tflite_side._layer_problem import Rounded

    problem = _problem()
    codes = np.clip(np.round(problem.weights / problem.scale), -127, 127).astype(np.float32)
    return Rounded(codes=codes, scale=problem.scale)


def _checkpoint_seeds() -> dict[str, bytes]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return {"layer": _solved_in(Path(folder)).read_bytes()}


def _solved_in(folder: Path) -> Path:
    from tflq.tflite_side._checkpoint import Checkpoint

    Checkpoint(folder).save("adaround", _problem(), _solved())
    return next(folder.glob("*.rounded"))


def _checkpoint(case: Case) -> object:
    from tflq.tflite_side._checkpoint import Checkpoint

    _solved_in(case.folder).write_bytes(case.content)
    found = Checkpoint(case.folder).load("adaround", _problem())
    if found is not None and not np.array_equal(found.codes, _solved().codes):
        raise DamagedOutputError("a damaged solution was taken")
    return found


_TFLITE = either(damage_tflite, damage_tflite, damage_bytes)
_TRIED = cache(seeds.tflite_seeds)


def _some(wanted: Callable[[str], bool]) -> Mapping[str, bytes]:
    return {name: content for name, content in _TRIED().items() if wanted(name)}


_floats = partial(_some, lambda name: " " not in name)
_integers = partial(_some, lambda name: name.endswith(("w8a8", "files")))


def _tflite(name: str, share: int, read: Callable[[Case], object], kind: Any = _TRIED) -> Reader:
    return Reader(name=name, share=share, seeds=kind, damage=_TFLITE, read=read)


READERS = (
    _tflite("parse", 12, _parse),
    _tflite("inspect", 12, _inspect),
    _tflite("compare", 10, _compare),
    _tflite("export", 8, _export, _floats),
    _tflite("export w8a16", 2, partial(_export, scheme="w8a16"), _floats),
    _tflite("export dynamic", 2, partial(_export, scheme="dynamic"), _floats),
    _tflite("export without data", 2, partial(_export, data=False), _floats),
    _tflite("export rounding", 2, partial(_export, rounding="least_squares"), _floats),
    _tflite("simulate", 4, _simulate, _integers),
    Reader(
        name="keras",
        share=8,
        seeds=partial(seeds.keras_seeds, ".keras"),
        damage=either(damage_zip, damage_zip, damage_bytes),
        read=partial(_load_keras, suffix=".keras"),
    ),
    Reader(
        name="h5",
        share=4,
        seeds=partial(seeds.keras_seeds, ".h5"),
        damage=damage_hdf5,
        read=partial(_load_keras, suffix=".h5"),
    ),
    Reader(
        name="saved model",
        share=2,
        seeds=seeds.saved_model_seeds,
        damage=_damage_saved,
        read=_saved_model,
    ),
    Reader(
        name="tfrecord",
        share=8,
        seeds=seeds.record_seeds,
        damage=damage_records,
        read=_records,
    ),
    *(
        Reader(
            name=f"pictures {kind}",
            share=2,
            seeds=partial(lambda kind: {kind: seeds.picture_seeds()[kind]}, kind),
            damage=damage_bytes,
            read=partial(_data, name=f"picture.{kind}"),
        )
        for kind in ("png", "jpg", "gif", "webp", "bmp")
    ),
    Reader(
        name="npz",
        share=6,
        seeds=partial(seeds.array_seeds, "npz"),
        damage=either(damage_zip, damage_bytes),
        read=partial(_data, name="x.npz"),
    ),
    Reader(
        name="npy",
        share=4,
        seeds=partial(seeds.array_seeds, "npy"),
        damage=damage_npy,
        read=partial(_data, name="x.npy"),
    ),
    Reader(
        name="answer",
        share=6,
        seeds=seeds.answer_seeds,
        damage=either(damage_json, damage_json, damage_bytes),
        read=_answer,
    ),
    Reader(
        name="trials",
        share=6,
        seeds=_trial_seeds,
        damage=_damage_lines,
        read=_search_folder,
    ),
    Reader(
        name="checkpoint",
        share=4,
        seeds=_checkpoint_seeds,
        damage=damage_bytes,
        read=_checkpoint,
    ),
)
