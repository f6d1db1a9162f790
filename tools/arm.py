"""Runs int8 and float .tflite files on emulated ARM cores, beside this x86 machine.

    python tools/arm.py [--images=FOLDER] [--results=FILE] [--models=mobilenet_v2_96,...]
                        [--cores=cortex-a53,...] [--cache=FOLDER]
    python tools/arm.py --smoke [--cache=FOLDER]

qemu runs LiteRT's arm64 build on a core without dot products (cortex-a53), one with them
(cortex-a76) and one with int8 matrix products (i8mm). The table says which output values are those
of x86 with the same kernels and with XNNPACK (which `tflq.export` verifies with), and how many
instructions an inference executes: the difference of runs of which one has more inferences. That is
work, not time. Largest differences are codes, or for float shares of the largest output.
A column names the ops that make other codes than x86's XNNPACK of the same inputs.

FOLDER of `--images` holds photos, of which the first 32 calibrate and the next ones are run;
without it, samples are noise. Rows go to the results file as they are made, and are not made again.
The cache gets what is downloaded: Debian packages, checked by apt, and wheels, checked by hashes.

`--smoke` runs one small network on two cores and exits with 1 where a code differs from x86's.
"""

import dataclasses
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from absl import app, flags
from arm_emulation.agreement import agreement
from arm_emulation.cache import Cache
from arm_emulation.cores import CORES
from arm_emulation.counts import mean_counts, spread
from arm_emulation.emulator import Emulator, run_here
from arm_emulation.op_by_op import differing_ops, input_codes
from arm_emulation.subjects import SUBJECTS, File, Subject, make_files, pictures
from arm_emulation.table import Row, agreement_text, markdown

from tflq import UserError, export
from tflq._rows import append_row, read_rows

_CACHE = flags.DEFINE_string("cache", "~/.cache/tflq/arm", "folder for the emulated machine")
_RESULTS = flags.DEFINE_string("results", None, "file that collects the rows")
_IMAGES = flags.DEFINE_string("images", None, "folder of photos")
_MODELS = flags.DEFINE_list("models", list(SUBJECTS), "networks to run")
_CORES = flags.DEFINE_list("cores", list(CORES), "cores to run them on")
_SMOKE = flags.DEFINE_bool("smoke", False, "only compare one small network, on two cores")

Key = tuple[str, str, str, str]
_KEY = ("network", "file", "kernels", "core")


def main(_: list[str]) -> None:
    """Prints a table a network, or smokes."""
    try:
        cache = Cache(Path(_CACHE.value).expanduser())
        sys.exit(_smoke(cache) if _SMOKE.value else _measure(cache))
    except UserError as error:
        print(f"arm.py: {error}", file=sys.stderr)
        sys.exit(2)


def _smoke(cache: Cache) -> int:
    import keras
    import networks

    whole, samples = networks.small_cnn()
    # LiteRT's softmax, which XNNPACK does not take, is another kernel on ARM: one code off.
    model = keras.Model(whole.input, whole.get_layer("logits").output)
    differing = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "int8.tflite")
        export(model, path, data=samples)
        codes = input_codes(path.read_bytes(), samples)
        (wanted,) = run_here(path, [codes], "xnnpack")
        for name in ("cortex-a53", "cortex-a76"):
            (came,) = Emulator(cache, CORES[name]).run(path, [codes], "xnnpack")
            found = agreement(wanted, came)
            share = agreement_text(dataclasses.asdict(found))
            print(f"{name}: of {wanted.size} codes those of x86 are {share}", flush=True)
            differing += found.same < 1
    return 1 if differing else 0


def _measure(cache: Cache) -> int:
    _check("models", _MODELS.value, list(SUBJECTS))
    _check("cores", _CORES.value, list(CORES))
    results = Path(_RESULTS.value) if _RESULTS.value else None
    rows = {_key(row): row for row in read_rows(results)} if results else {}
    asked: list[Row] = []
    for name in _MODELS.value:
        wanted = _wanted(SUBJECTS[name])
        for row in _made(cache, SUBJECTS[name], [key for key in wanted if key not in rows]):
            rows[_key(row)] = row
            print(row, flush=True)
            if results:
                append_row(results, row)
        asked += [rows[key] for key in wanted]
    print(markdown(asked))
    apart = max(row["spread"] for row in asked)
    print(f"\nTwo counts of the same file lie up to {100 * apart:.1g} % apart.")
    return 0


def _wanted(subject: Subject) -> list[Key]:
    """What is measured of a network, in the order of its table."""
    return [
        (subject.title, kind, kernels, core)
        for kind in ("float", "int8", "converter's int8")
        for kernels in (subject.kernels if kind == "int8" else subject.kernels[:1])
        for core in _CORES.value
    ]


def _made(cache: Cache, subject: Subject, wanted: list[Key]) -> Iterator[Row]:
    """Measures a network."""
    if not wanted:
        return
    folder = Path(_IMAGES.value) if _IMAGES.value else None
    with tempfile.TemporaryDirectory() as scratch:
        files = make_files(subject, pictures(folder, subject), Path(scratch))
        by_kind = {file.kind: file for file in files}
        for key in wanted:
            _, kind, kernels, core = key
            emulator = Emulator(cache, CORES[core])
            measured = _row(emulator, by_kind[kind], kernels, subject.inferences)
            yield dict(zip(_KEY, key, strict=True)) | measured


def _row(emulator: Emulator, file: File, kernels: str, inferences: int) -> Row:
    (came,) = emulator.run(file.path, [file.samples], kernels)
    like, xnnpack = (
        agreement(run_here(file.path, [file.samples], which)[0], came)
        for which in (kernels, "xnnpack")
    )
    counts = emulator.counts(file.path, [file.samples], kernels, inferences)
    return {
        "samples": len(came),
        "values": came.size,
        "like": dataclasses.asdict(like),
        "xnnpack": dataclasses.asdict(xnnpack),
        "per_inference": mean_counts(counts),
        "spread": spread(counts),
        "ops": {} if xnnpack.same == 1 else _ops(emulator, file, kernels),
    }


def _ops(emulator: Emulator, file: File, kernels: str) -> dict[str, dict[str, float]]:
    """The kinds of op that make an integer file differ."""
    if file.samples.dtype != np.int8:
        return {}
    found = differing_ops(
        file.path.read_bytes(),
        file.samples,
        file.path.parent,
        lambda path, inputs: emulator.run(path, inputs, kernels),
    )
    return {kind: dataclasses.asdict(agreed) for kind, agreed in found.items()}


def _key(row: Row) -> Key:
    network, kind, kernels, core = (row[part] for part in _KEY)
    return network, kind, kernels, core


def _check(flag: str, given: list[str], known: list[str]) -> None:
    for name in given:
        if name not in known:
            raise UserError(
                f"--{flag} has {name!r}, which is unknown; choose from {', '.join(known)}."
            )


if __name__ == "__main__":
    app.run(main)
