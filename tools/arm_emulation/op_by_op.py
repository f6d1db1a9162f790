"""Names the ops that make a difference: each one runs on the same inputs on both machines."""

import copy
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from arm_emulation.agreement import Agreement, agreement
from tflq.tflite_side import Graph, Runner, pack

Run = Callable[[Path, Sequence[np.ndarray]], list[np.ndarray]]


@dataclass(frozen=True)
class TakenApart:
    """A file whose ops no longer feed each other: what an op reads is an input of the file.

    Attributes:
        content: the flatbuffer.
        kinds: the ops' kinds, one an output.
        fed: the tensor of the original file that each input stands for.
        given: the tensor of the original file that each output is.
    """

    content: bytes
    kinds: tuple[str, ...]
    fed: tuple[int, ...]
    given: tuple[int, ...]


def take_apart(content: bytes) -> TakenApart:
    """Cuts what connects the ops of a file."""
    graph = Graph.from_bytes(content)
    (sub,) = graph.model.subgraphs
    fed: list[int] = []
    fresh: list[int] = []
    for op, raw in zip(graph.ops, sub.operators, strict=True):
        raw.inputs = list(op.inputs)
        for place, index in enumerate(op.inputs):
            if index < 0 or graph.tensors[index].is_constant:
                continue
            tensor = copy.copy(sub.tensors[index])
            tensor.name = b"input_%d" % len(fresh)
            sub.tensors.append(tensor)
            raw.inputs[place] = len(sub.tensors) - 1
            fed.append(index)
            fresh.append(raw.inputs[place])
    # What nothing depends on, the runtime need not have made.
    outputs = [(op.kind, t) for op in graph.ops for t in op.outputs if t in graph.live]
    kinds, given = zip(*outputs, strict=True)
    sub.inputs, sub.outputs = fresh, list(given)
    graph.model.signatureDefs = []
    return TakenApart(pack(graph.model), kinds, tuple(fed), given)


def differing_ops(
    content: bytes, samples: np.ndarray, folder: Path, run: Run
) -> dict[str, Agreement]:
    """The kinds of op that compute other codes than XNNPACK on this machine does.

    Args:
        content: an int8 file with one input.
        samples: its input's codes, shape (samples, ...).
        folder: gets a scratch file.
        run: runs a file elsewhere, or with other kernels.

    Returns:
        By kind, in the order of the file, how far its outputs agree on the same inputs.
    """
    apart = take_apart(content)
    path = folder / "apart.tflite"
    path.write_bytes(apart.content)
    values = _values(content, samples, (*apart.fed, *apart.given))
    came = run(path, [values[index] for index in apart.fed])
    pairs: dict[str, list[tuple[np.ndarray, np.ndarray]]] = defaultdict(list)
    for kind, index, output in zip(apart.kinds, apart.given, came, strict=True):
        pairs[kind].append((values[index].ravel(), output.ravel()))
    found = {
        kind: agreement(*(np.concatenate(side) for side in zip(*both, strict=True)))
        for kind, both in pairs.items()
    }
    return {kind: agreed for kind, agreed in found.items() if agreed.same < 1}


def _values(content: bytes, samples: np.ndarray, indices: Sequence[int]) -> dict[int, np.ndarray]:
    """Codes of some tensors, by index, for each sample."""
    runner = Runner(content, keep_all=True)
    (spec,) = runner.inputs
    kept: dict[int, list[np.ndarray]] = defaultdict(list)
    for sample in input_values(content, samples):
        runner.run({spec.name: sample[None]})
        for index in set(indices):
            kept[index].append(runner.view(index)()[0].copy())
    return {index: np.stack(arrays) for index, arrays in kept.items()}


def input_codes(content: bytes, samples: np.ndarray) -> np.ndarray:
    """Samples in the dtype of a file's only input: int8 codes or floats."""
    runner = Runner(content)
    (spec,) = runner.inputs
    (codes,) = runner.encoded({spec.name: samples})
    return codes


def input_values(content: bytes, codes: np.ndarray) -> np.ndarray:
    """What the codes of a quantized file's only input stand for."""
    graph = Graph.from_bytes(content)
    held = graph.tensors[graph.inputs[0]].quantization
    assert held is not None, "only integer files are taken apart"
    values: np.ndarray = (codes.astype(np.float32) - held.zero_point[0]) * held.scale[0]
    return values.astype(np.float32)
