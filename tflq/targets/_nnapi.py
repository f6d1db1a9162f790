"""Android's Neural Networks API, as LiteRT's NNAPI delegate uses it.

The table `_nnapi_table.py` is read at a feature level, that of an Android version. From Android 12
on NNAPI is updated apart from Android: which level above 5 a phone has is its own affair.
"""

from tflq.targets._judge import verdicts
from tflq.targets._nnapi_rules import (
    LEVEL_5,
    LEVEL_6,
    LEVEL_7,
    NNAPI_1_0,
    NNAPI_1_1,
    NNAPI_1_2,
    NNAPI_1_3,
)
from tflq.targets._nnapi_table import ROWS
from tflq.targets._report import TargetReport
from tflq.targets._rules import (
    Problem,
    Site,
    first_problem,
    replacement,
    size_note,
    wide_codes,
)
from tflq.tflite_side import Graph

# The level that every phone with this Android has (the NDK's NeuralNetworksTypes.h).
ANDROID = {
    "8.1": NNAPI_1_0,
    "9": NNAPI_1_1,
    "10": NNAPI_1_2,
    "11": NNAPI_1_3,
    "12": LEVEL_5,
    "13": LEVEL_5,
    "14": LEVEL_5,
    "15": LEVEL_5,
}
_NAMES = {
    NNAPI_1_0: "Android 8.1 (NNAPI 1.0)",
    NNAPI_1_1: "Android 9 (NNAPI 1.1)",
    NNAPI_1_2: "Android 10 (NNAPI 1.2)",
    NNAPI_1_3: "Android 11 (NNAPI 1.3)",
    LEVEL_5: "Android 12 (feature level 5)",
    LEVEL_6: "NNAPI feature level 6",
    LEVEL_7: "NNAPI feature level 7",
}
_DEPRECATED = (
    "NNAPI is deprecated from Android 15 on, and its delegate with it: plan for XNNPACK, the GPU, "
    "or the NPU delegate of the phone's maker"
)
_UPDATED = (
    "from Android 12 on NNAPI is updated apart from Android; this is judged at feature level 5, "
    "which every such phone has"
)
_NEWER = "let the app use NNAPI on newer phones only, and XNNPACK on the others"
_DRIVER = "the phone's driver may still refuse what the delegate hands it, and then runs it slowly"


def nnapi(graph: Graph, content: bytes, version: str | None) -> TargetReport:
    """What the delegate takes at the level of an Android version; None is the newest level."""
    level = LEVEL_7 if version is None else ANDROID[version]

    def check(site: Site) -> Problem | None:
        problem = problem_at(site, level)
        if problem is None:
            return None
        # What no level takes is best told by the newest one, which wants the least.
        at_newest = problem_at(site, LEVEL_7)
        return at_newest or Problem(reason=problem.reason, advice=_NEWER)

    taken, refused = verdicts(graph, check, since=_first_level)
    notes = [_DEPRECATED, *size_note(graph), _DRIVER]
    if level == LEVEL_5:
        notes.insert(1, _UPDATED)
    return TargetReport(
        target="nnapi" if version is None else f"nnapi:{version}",
        taken=taken,
        refused=refused,
        notes=tuple(notes),
        versions=tuple(_NAMES.values()),
    )


def problem_at(site: Site, level: int) -> Problem | None:
    """Why the delegate leaves the op at a feature level."""
    row = ROWS.get(site.kind)
    if site.kind == "DEQUANTIZE" and site.data.is_constant and site.data.dtype == "float16":
        # The delegate reads such weights itself, and drops the op.
        return None
    if row is None:
        return Problem(reason="NNAPI has no such op", advice=replacement(site.kind))
    return first_problem(site, (wide_codes,)) or row.problem(site, level)


def _first_level(site: Site) -> str | None:
    return next((name for level, name in _NAMES.items() if problem_at(site, level) is None), None)
