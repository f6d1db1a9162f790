"""What a target takes of a file, and what it does not."""

from collections import Counter
from dataclasses import dataclass

from tflq._tables import text_facts, text_table

_SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class TakenOp:
    """An op that the target takes.

    Attributes:
        op: its place in the execution order.
        kind: such as CONV_2D.
        tensor: name of its output.
        since: the first version of the target that takes it; None where there is only one.
    """

    op: int
    kind: str
    tensor: str
    since: str | None = None


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An op that the target leaves to the CPU.

    Attributes:
        op: its place in the execution order.
        kind: such as SOFTMAX.
        tensor: name of its output.
        reason: why.
        advice: what to change.
        since: the first version of the target that takes it; None where none does.
    """

    op: int
    kind: str
    tensor: str
    reason: str
    advice: str
    since: str | None = None


@dataclass(frozen=True, kw_only=True)
class TargetReport:
    """What a target takes of a file.

    Attributes:
        target: as it was asked for, such as "gpu" or "nnapi:10".
        taken: ops that it takes.
        refused: ops that it does not.
        notes: what else there is to know.
        versions: of the target, the oldest first; none where there is only one.
    """

    target: str
    taken: tuple[TakenOp, ...]
    refused: tuple[Refusal, ...]
    notes: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Tables for the terminal."""
        parts = [text_facts(f"Target {self.target}", self._facts())]
        if self.refused:
            parts.append(
                text_table(
                    f"Left to the CPU by {self.target}",
                    ("op", "why", "what to change"),
                    self._rows(),
                )
            )
        return "\n\n".join(parts)

    def _facts(self) -> list[tuple[str, str]]:
        count = len(self.taken) + len(self.refused)
        facts = [("takes", f"{len(self.taken)} of {count} ops")]
        for version in self.versions:
            kinds = Counter(op.kind for op in self.taken if op.since == version)
            if kinds:
                counts = ", ".join(f"{kind} {n}" for kind, n in kinds.most_common())
                facts.append((f"from {version}", counts))
        return [*facts, *(("note", note) for note in self.notes)]

    def _rows(self) -> list[tuple[str, str, str]]:
        alike: dict[tuple[str, str, str], list[Refusal]] = {}
        for refusal in self.refused:
            since = "" if refusal.since is None else f"; {refusal.since} takes it"
            key = (refusal.kind, refusal.reason + since, refusal.advice)
            alike.setdefault(key, []).append(refusal)
        return [
            (f"{kind} {_places(refusals)}", reason, advice)
            for (kind, reason, advice), refusals in alike.items()
        ]


def _places(refusals: list[Refusal]) -> str:
    shown = ", ".join(f"#{refusal.op}" for refusal in refusals[:_SHOWN])
    more = len(refusals) - _SHOWN
    return shown if more <= 0 else f"{shown} and {more} more"
