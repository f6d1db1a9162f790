"""How many of a file's codes the simulation meets, op by op and end to end."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tflq._tables import text_table, to_json
from tflq.data import samples
from tflq.integer._program import Program, Step
from tflq.integer._simulate import encoded_input, opened, program_of, stored
from tflq.integer._site import Place
from tflq.tflite_side import Runner, signature_names

_AT_ONCE = 8

Sample = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class OpParity:
    """One op, fed what the runtime fed it.

    Attributes:
        kind: such as CONV_2D.
        name: of its first output.
        exact: whether its kernel is said to be exact.
        identical: share of codes that are the runtime's.
        codes: how many were compared.
        largest: the largest difference, in codes (in numbers where it has none).
    """

    kind: str
    name: str
    exact: bool
    identical: float
    codes: int
    largest: float


@dataclass(frozen=True, kw_only=True)
class Parity:
    """How far the simulation of a file is from the runtime.

    Attributes:
        source: the file, in words.
        samples: how many were run.
        ops: one entry an op, each fed with the runtime's own inputs.
        outputs: share of identical codes by output, from the file's inputs to its end.
        exact: kinds of ops with an exact kernel only.
        approximate: reasons by kind of op, for those without.
    """

    source: str
    samples: int
    ops: tuple[OpParity, ...]
    outputs: dict[str, float]
    exact: tuple[str, ...]
    approximate: dict[str, str]

    def __str__(self) -> str:
        """Tables for the terminal."""
        title = f"Integers of {self.source} in TensorFlow, {self.samples} samples"
        columns = ("op", "ops", "kernel", "codes", "identical", "largest difference")
        ends = text_table(
            "End to end",
            ("output", "identical"),
            [(name, _percent(share)) for name, share in self.outputs.items()],
        )
        parts = [text_table(title, columns, [_row(kind, self.ops) for kind in _kinds(self.ops)])]
        if self.approximate:
            rows = list(self.approximate.items())
            parts.append(text_table("Approximated", ("op", "reason"), rows))
        return "\n\n".join([*parts, ends])

    def to_json(self) -> str:
        """All of it as JSON, op by op."""
        return to_json(self)

    @property
    def identical(self) -> float:
        """Share of identical codes, op by op, over all ops."""
        codes = sum(op.codes for op in self.ops)
        return sum(op.identical * op.codes for op in self.ops) / codes if codes else 1.0


def parity(file: str | os.PathLike[str] | bytes, data: Any) -> Parity:
    """Compares the codes that `simulate` computes with those of LiteRT and XNNPACK.

    Args:
        file: path or content of an integer .tflite.
        data: samples, as for `tflq.export`.

    Returns:
        A `Parity`; `print` shows it as a table.

    Raises:
        UserError: the file cannot be simulated, or `data` does not fit it.

    Example:
        >>> import keras, numpy as np, tempfile, tflq
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> x = np.eye(4, dtype="float32")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = tflq.export(model, folder + "/it.tflite", data=x, calibrator="minmax")
        ...     found = tflq.parity(folder + "/it.tflite", x)
        >>> found.identical, list(found.outputs.values()), found.exact
        (1.0, [1.0], ('FULLY_CONNECTED',))
    """
    content, name = opened(file)
    program = program_of(content, name=name)
    watched, plain = Runner(content, keep_all=True), Runner(content)
    tallies = {step: _Tally() for step in program.steps if _is_live(program, step)}
    ends = [_Tally() for _ in program.outputs]
    count = 0
    for chunk in _chunks(samples(data, plain.inputs)):
        count += len(chunk)
        _compare_ops(program, watched, chunk, tallies)
        _compare_ends(program, plain, chunk, ends)
    names = signature_names(program.graph)[1]
    return Parity(
        source=name,
        samples=count,
        ops=tuple(_op_parity(step, tally) for step, tally in tallies.items()),
        outputs={name: end.share for name, end in zip(names, ends, strict=True)},
        exact=_exact_kinds(program),
        approximate=program.approximate,
    )


class _Tally:
    def __init__(self) -> None:
        self.same, self.all, self.largest = 0, 0, 0.0

    def add(self, made: np.ndarray, want: np.ndarray) -> None:
        self.same += int(np.count_nonzero(made == want))
        self.all += made.size
        apart = np.abs(made.astype(np.float64) - want.astype(np.float64))
        self.largest = max(self.largest, float(apart.max(initial=0)))

    @property
    def share(self) -> float:
        return self.same / self.all if self.all else 1.0


def _is_live(program: Program, step: Step) -> bool:
    """Whether anything depends on what the op makes: else the runtime need not have made it."""
    return not program.graph.live.isdisjoint(step.op.outputs)


def _compare_ops(
    program: Program, runner: Runner, chunk: Sequence[Sample], tallies: dict[Step, _Tally]
) -> None:
    live = program.graph.live
    seen = {index for step in tallies for index in (*step.op.inputs, *step.op.outputs)}
    computed = [i for i in seen if i in live and program.place(i).value is None]
    views = {index: runner.view(index) for index in computed}
    kept: dict[int, list[np.ndarray]] = {index: [] for index in computed}
    for sample in chunk:
        runner.run(sample)
        for index, view in views.items():
            kept[index].append(np.array(view()))
    values = {index: _carried(kept[index], program.place(index)) for index in computed}
    for step, tally in tallies.items():
        made = step([program.value(index, values) for index in step.op.inputs])
        for index, value in zip(step.op.outputs, made, strict=True):
            if index in live:
                place = program.place(index)
                tally.add(stored(value, place), stored(values[index], place))


def _compare_ends(
    program: Program, runner: Runner, chunk: Sequence[Sample], ends: Sequence[_Tally]
) -> None:
    names = [spec.name for spec in runner.inputs]
    feeds = [
        encoded_input(np.concatenate([sample[name] for sample in chunk]), place)
        for name, place in zip(names, program.inputs, strict=True)
    ]
    made = program.run(feeds)
    wanted = [np.concatenate(rows) for rows in zip(*map(runner.codes, chunk), strict=True)]
    for index, want, end in zip(program.graph.outputs, wanted, ends, strict=True):
        end.add(stored(made[index], program.place(index)), want)


def _carried(arrays: Sequence[np.ndarray], place: Place) -> Any:
    return tf.constant(np.stack(arrays).reshape(-1, *place.shape).astype(place.carrier))


def _chunks(stream: Any) -> Iterator[list[Sample]]:
    chunk: list[Sample] = []
    for sample in stream:
        chunk.append(sample)
        if len(chunk) == _AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _op_parity(step: Step, tally: _Tally) -> OpParity:
    return OpParity(
        kind=step.op.kind,
        name=step.site.output.name,
        exact=step.choice.exact,
        identical=tally.share,
        codes=tally.all,
        largest=tally.largest,
    )


def _exact_kinds(program: Program) -> tuple[str, ...]:
    kinds = dict.fromkeys(step.op.kind for step in program.steps)
    return tuple(kind for kind in kinds if kind not in program.approximate)


def _kinds(ops: Sequence[OpParity]) -> list[str]:
    return sorted({op.kind for op in ops})


def _row(kind: str, ops: Sequence[OpParity]) -> tuple[str, ...]:
    mine = [op for op in ops if op.kind == kind]
    codes = sum(op.codes for op in mine)
    share = sum(op.identical * op.codes for op in mine) / codes if codes else 1.0
    exact = all(op.exact for op in mine)
    return (
        kind,
        str(len(mine)),
        "exact" if exact else "approximate",
        str(codes),
        _percent(share),
        f"{max(op.largest for op in mine):.4g}",
    )


def _percent(share: float) -> str:
    # Nothing short of all is called 100 %.
    return "100 %" if share == 1 else f"{min(100 * share, 99.9999):.4f} %"
