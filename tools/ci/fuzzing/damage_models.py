"""Damages what a .tflite or a SavedModel says, in files that are otherwise whole."""

import copy
import random
from collections.abc import Iterator
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from fuzzing.damage_bytes import NUMBERS, damage_bytes

_FLOATS = (0.0, -0.0, -1.0, 1e-45, 1e38, 3.4e38, float("inf"), float("-inf"), float("nan"))
_NAMES = (b"", b"x" * 5000, b"\xff\xfe", b"\x1b[2J", b"a\x00b", "\u202e".encode(), b"tflq_3_")


def damage_tflite(content: bytes, rng: random.Random) -> bytes:
    """A copy of a .tflite with one to four of its fields changed."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        places = list(_places(model))
        _change(*rng.choice(places), rng, places)
    builder = flatbuffers.Builder(4096)
    try:
        builder.Finish(model.Pack(builder), b"TFL3")
    except Exception:
        # Not everything that is wrong can be written.
        return damage_bytes(content, rng)
    return bytes(builder.Output())


def damage_saved_model(content: bytes, rng: random.Random) -> bytes:
    """A copy of saved_model.pb with one to four nodes of its graphs changed."""
    from tensorflow.core.protobuf import saved_model_pb2

    whole = saved_model_pb2.SavedModel.FromString(content)
    for graph in whole.meta_graphs:
        library = graph.graph_def.library.function
        nodes = [*graph.graph_def.node, *(node for f in library for node in f.node_def)]
        for _ in range(rng.choice((1, 1, 2, 4))):
            _change_node(rng.choice(nodes), nodes, rng)
    return whole.SerializeToString()


_OPS = ("ReadFile", "WriteFile", "PyFunc", "Identity", "Const", "NoOp", "MatMul", "Nothing", "Save")


def _change_node(node: Any, nodes: list[Any], rng: random.Random) -> None:
    kind = rng.randrange(5)
    if kind == 0:
        node.op = rng.choice((*_OPS, *(other.op for other in nodes)))
    elif kind == 1 and node.input:
        node.input[rng.randrange(len(node.input))] = rng.choice([other.name for other in nodes])
    elif kind == 2 and node.attr:
        del node.attr[rng.choice(sorted(node.attr))]
    elif kind == 3 and node.attr:
        other = rng.choice(nodes)
        if other.attr:
            node.attr[rng.choice(sorted(node.attr))].CopyFrom(other.attr[min(other.attr)])
    else:
        node.name = rng.choice(("", "a" * 3000, nodes[0].name, "^x", "x:0"))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, list):
        for key, inner in enumerate(value):
            yield value, key
            yield from _places(inner)
    elif hasattr(value, "__dict__"):
        for key, inner in vars(value).items():
            yield value, key
            yield from _places(inner)


def _change(holder: Any, key: Any, rng: random.Random, places: list[tuple[Any, Any]]) -> None:
    value = _get(holder, key)
    if isinstance(holder, list) and rng.random() < 0.5:
        _rearrange(holder, key, rng)
        return
    changed = _changed(value, rng)
    if changed is value:
        # Tables: another of the same kind, or none.
        others = [v for v in (_get(*place) for place in places) if type(v) is type(value)]
        changed = copy.deepcopy(rng.choice([*others, None]))
    _set(holder, key, changed)


def _rearrange(holder: list[Any], key: int, rng: random.Random) -> None:
    kind = rng.randrange(3)
    if kind == 0:
        del holder[key]
    elif kind == 1:
        holder.insert(rng.randrange(len(holder)), copy.deepcopy(holder[key]))
    else:
        rng.shuffle(holder)


def _get(holder: Any, key: Any) -> Any:
    # Lists shrink while they are changed.
    if isinstance(holder, list):
        return holder[key] if key < len(holder) else None
    return getattr(holder, key)


def _set(holder: Any, key: Any, value: Any) -> None:
    if not isinstance(holder, list):
        setattr(holder, key, value)
    elif key < len(holder):
        holder[key] = value


def _changed(value: Any, rng: random.Random) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice((*NUMBERS, value + 1, value - 1, rng.randrange(32)))
    if isinstance(value, float):
        return rng.choice(_FLOATS)
    if isinstance(value, (bytes, str)):
        return rng.choice(_NAMES)
    if isinstance(value, np.ndarray):
        return _changed_array(value, rng)
    return value


def _changed_array(value: np.ndarray, rng: random.Random) -> np.ndarray | None:
    kind = rng.randrange(5)
    if kind == 0 or not value.size:
        return None
    if kind == 1:
        return value[: rng.randrange(len(value))]
    if kind == 2:
        return np.concatenate([value, value[: rng.randrange(1, 8)]])
    changed = value.copy()
    numbers = _FLOATS if changed.dtype.kind == "f" else NUMBERS
    limits = np.iinfo(changed.dtype) if changed.dtype.kind in "iu" else None
    for _ in range(rng.choice((1, 1, 4))):
        number = rng.choice(numbers)
        if limits is not None:
            number = min(max(int(number), int(limits.min)), int(limits.max))
        changed[rng.randrange(len(changed))] = number
    return changed
