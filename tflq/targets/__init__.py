"""Targets: what a phone's accelerator takes of a file, before the file is on the phone.

Each target follows one published table, in a file of its own that names the source.
"""

from tflq.targets._registry import check_targets, judge, targets
from tflq.targets._report import Refusal, TakenOp, TargetReport

__all__ = ["Refusal", "TakenOp", "TargetReport", "check_targets", "judge", "targets"]
