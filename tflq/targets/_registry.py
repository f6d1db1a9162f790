"""Targets by name.

A target is one function, in a file of its own, that judges a graph; `_TARGETS` is the one place
that lists them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tflq._errors import UserError
from tflq.targets._edgetpu import edgetpu
from tflq.targets._gpu import gpu
from tflq.targets._nnapi import ANDROID, nnapi
from tflq.targets._report import TargetReport
from tflq.targets._xnnpack import xnnpack
from tflq.tflite_side import Graph


class _Judge(Protocol):
    def __call__(self, graph: Graph, content: bytes, version: str | None) -> TargetReport:
        """What the target takes of a file that is parsed and as bytes."""


@dataclass(frozen=True)
class _Target:
    """How to judge for a target, and the versions that may follow a colon in its name."""

    judge: _Judge
    versions: tuple[str, ...] = ()


_TARGETS = {
    "xnnpack": _Target(xnnpack),
    "nnapi": _Target(nnapi, versions=tuple(ANDROID)),
    "gpu": _Target(gpu),
    "edgetpu": _Target(edgetpu),
}


def targets() -> tuple[str, ...]:
    """The names of all targets.

    Example:
        >>> targets()
        ('xnnpack', 'nnapi', 'gpu', 'edgetpu')
    """
    return tuple(_TARGETS)


def check_targets(given: str | Sequence[str]) -> tuple[str, ...]:
    """The targets asked for, each once.

    Args:
        given: names, in a sequence or with commas between them.

    Raises:
        UserError: there is no such target, or no such version of it.

    Example:
        >>> check_targets("gpu, nnapi:10")
        ('gpu', 'nnapi:10')
    """
    parts = given.split(",") if isinstance(given, str) else [p for g in given for p in g.split(",")]
    names = tuple(dict.fromkeys(part.strip() for part in parts))
    for name in names:
        target, colon, version = name.partition(":")
        if target not in _TARGETS:
            raise UserError(f"target={name!r} is unknown; choose from: {', '.join(_TARGETS)}.")
        versions = _TARGETS[target].versions
        if colon and version not in versions:
            choices = ", ".join(f"{target}:{v}" for v in versions) or f"{target} alone"
            raise UserError(f"target={name!r} has an unknown version; choose from: {choices}.")
    return names


def judge(graph: Graph, content: bytes, target: str) -> TargetReport:
    """What `target`, as `check_targets` gives it, takes of a file."""
    name, _, version = target.partition(":")
    return _TARGETS[name].judge(graph, content, version or None)
