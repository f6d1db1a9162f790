"""What one step of a recipe did."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class StepEffect:
    """A step and the file that it would give.

    Attributes:
        step: "ranges" for the start, then the name of each method's argument.
        note: how, in a few words.
        sqnr_db: SQNR of the outputs against the float model, mean over outputs, in dB; None where
            there was nothing to judge with.
        kept: whether the file that was written has it.
        left: layers that the step could not take, with the reason.
    """

    step: str
    note: str
    sqnr_db: float | None
    kept: bool
    left: Mapping[str, str] = field(default_factory=dict)
