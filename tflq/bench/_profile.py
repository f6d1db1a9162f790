"""Where a model's time goes: every op timed alone, in a file of its own.

Alone, an op pays for its own call and finds its inputs in the cache, so the sum differs from the
whole; shares are what to read.
"""

import statistics
from collections import defaultdict

import numpy as np

from tflq._errors import UserError
from tflq._progress import track
from tflq.bench._model import Model
from tflq.bench._result import OpTime
from tflq.bench._session import Session
from tflq.tflite_side import Graph, cut_op

_SECONDS = 0.05
_FEWEST = 5


def profile_ops(model: Model, *, backend: str) -> tuple[OpTime, ...]:
    """Times the ops of a model on one thread, longest kind first.

    Args:
        model: the model.
        backend: one of `LOCAL_BACKENDS`.
    """
    graph = Graph.from_bytes(model.content)
    spent: dict[str, list[float]] = defaultdict(list)
    for index, ms in time_ops(graph, backend=backend).items():
        spent[graph.ops[index].kind].append(ms)
    total = sum(sum(times) for times in spent.values())
    rows = [
        OpTime(
            model=model.path,
            kind=kind,
            count=len(times),
            ms=sum(times),
            share=sum(times) / total,
        )
        for kind, times in spent.items()
    ]
    return tuple(sorted(rows, key=lambda row: -row.ms))


def time_ops(graph: Graph, *, backend: str) -> dict[int, float]:
    """Median latency of every op in ms, on one thread, by op index.

    Ops that cannot run alone, such as a loop's, are left out.

    Args:
        graph: a file of closed sizes.
        backend: one of `LOCAL_BACKENDS`.
    """
    found = {
        op.index: _alone(cut_op(graph, op), backend)
        for op in track(graph.ops, description="timing ops", total=len(graph.ops), unit="ops")
    }
    return {index: ms for index, ms in found.items() if ms is not None}


def _alone(content: bytes, backend: str) -> float | None:
    """The median latency in ms; None for an op that cannot run alone, such as a loop's."""
    try:
        session = Session(content, backend=backend, threads=1)
        session.feed([np.zeros(i["shape"], i["dtype"]) for i in session.inputs])
        session.invoke()
    except (UserError, RuntimeError, ValueError):
        return None
    return statistics.median(session.repeat(_SECONDS, _FEWEST))
