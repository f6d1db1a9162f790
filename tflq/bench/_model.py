"""A model to be measured: its bytes, inputs to run it on, and what it should answer."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tflq._errors import UserError
from tflq.bench._session import Session
from tflq.data import samples
from tflq.tflite_side import Delegation, Graph, Runner, probe, read_bytes, xnnpack_delegation

# Enough to see a backend that computes something else, few enough to be pushed quickly.
_SAMPLES = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """A file with inputs in its own dtypes.

    Attributes:
        path: as it was given.
        content: the file.
        inputs: sample by sample, an array an input.
        expected: likewise of the outputs, as XNNPACK gives them here; None for an output that is
            not of integers, whose last digits depend on the machine.
    """

    path: str
    content: bytes
    inputs: tuple[tuple[np.ndarray, ...], ...]
    expected: tuple[tuple[np.ndarray | None, ...], ...]

    @cached_property
    def digest(self) -> str:
        """The sha256 of the file, in hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def delegation(self) -> Delegation:
        """What XNNPACK takes of it."""
        return xnnpack_delegation(self.content)


def open_models(paths: Sequence[str | os.PathLike[str]], data: Any = None) -> tuple[Model, ...]:
    """Reads files, after a process of its own has run each once.

    Args:
        paths: .tflite files.
        data: samples for their inputs, as `tflq.export` takes them; None makes some up.

    Raises:
        UserError: a file is missing, twice there, damaged or of an open size, or `data` does not
            fit it.
    """
    names = [os.fspath(path) for path in paths]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise UserError(f"model {name!r} is given twice; measure it once.")
    return tuple(_open(name, data) for name in names)


def _open(path: str, data: Any) -> Model:
    content = read_bytes(path)
    probe(path)
    try:
        session = Session(content, backend="xnnpack", threads=1)
    except UserError as error:
        raise _of_open_size(content, path) or error from error
    inputs = _made_up(session) if data is None else _given(content, session, data)
    answers = [session.run(sample) for sample in inputs]
    return Model(
        path=path,
        content=content,
        inputs=tuple(inputs),
        expected=tuple(
            tuple(a if np.issubdtype(a.dtype, np.integer) else None for a in answer)
            for answer in answers
        ),
    )


def _of_open_size(content: bytes, path: str) -> UserError | None:
    graph = Graph.from_bytes(content)
    opened = [graph.tensors[i] for i in graph.inputs if None in graph.tensors[i].shape[1:]]
    if not opened:
        return None
    return UserError(
        f"model file {path!r} leaves sizes open (input {opened[0].name!r}: {opened[0].shape}), and "
        "only the size that it is stored with can be measured; export it with fixed sizes."
    )


def _made_up(session: Session) -> list[tuple[np.ndarray, ...]]:
    """All codes alike for integers, numbers between -1 and 1 for floats."""
    rng, made = np.random.default_rng(0), []
    for _ in range(_SAMPLES):
        sample = []
        for detail in session.inputs:
            shape, dtype = tuple(detail["shape"]), np.dtype(detail["dtype"])
            if dtype == np.bool_:
                sample.append(rng.integers(2, size=shape).astype(dtype))
            elif dtype.kind in "iu" and detail["quantization"][0]:
                limits = np.iinfo(dtype)
                sample.append(rng.integers(limits.min, limits.max, shape, dtype, endpoint=True))
            elif dtype.kind in "iu":
                # Such as token ids, of which small ones are in every vocabulary.
                sample.append(rng.integers(0, 2, shape).astype(dtype))
            else:
                sample.append(rng.uniform(-1, 1, shape).astype(dtype))
        made.append(tuple(sample))
    return made


def _given(content: bytes, session: Session, data: Any) -> list[tuple[np.ndarray, ...]]:
    runner, made = Runner(content), []
    for sample in samples(data, runner.inputs):
        made.append(tuple(runner.encoded(sample)))
        if len(made) == _SAMPLES:
            break
    for array, detail in zip(made[0], session.inputs, strict=True):
        if array.shape != tuple(detail["shape"]):
            raise UserError(
                f"a sample of data= has shape {array.shape} for input {detail['name']!r} of shape "
                f"{tuple(detail['shape'])}; give samples of the size that is to be measured."
            )
    return made
