"""What LiteRT, TensorFlow's quantizer and Keras raise, as reasons that a sentence can hold.

They name the source file that complains, run two messages together, or print all arguments of a
call. What is left of that is why, and which op or layer it was about.
"""

import re
from collections.abc import Callable

# Keras makes its messages bold.
_STYLE = re.compile(r"\x1b\[[\d;]*m")
_CALLED = re.compile(r"Exception encountered when calling (?:layer \S+ \(type )?(\w+)")
_SOURCE = re.compile(r"\S+\.(?:cc|h|py):\d+:?\s*")
_PACKAGES = re.compile(r"\S*/site-packages/")
_NODE = re.compile(r"\s*Node number (\d+) \((.+?)\) failed to (?:prepare|invoke)\.?")
_CUSTOM = re.compile(r"unresolved custom op: (\S+?)\.?\s")
_VERSION = re.compile(r"builtin opcode '(\w+)' version '(\d+)'")
_LOCATION = re.compile(r"\bloc\(.*?\)+:?\s*|^<unknown>:\d+:\s*")
_LONGEST = 300

# From an op's place in the file to what users call it; None where that is not known.
OpName = Callable[[int], str | None]


def runtime_reason(error: object, op_name: OpName = lambda _: None) -> str:
    """Why LiteRT does not run a model, and what to do.

    Args:
        error: what it raised, or the text of that.
        op_name: names the ops of the model.

    Example:
        >>> runtime_reason("gather index out of boundsNode number 1 (GATHER) failed to invoke.")
        'op GATHER fails: gather index out of bounds; mend what it is given, or replace it'
    """
    text = " ".join(str(error).split()) + " "
    if found := _CUSTOM.search(text):
        return f"LiteRT has no custom op {found[1]!r}; replace the layer that makes it"
    if found := _VERSION.search(text):
        return (
            f"LiteRT does not know {found[1]} in version {found[2]}; make the file with an older "
            "converter"
        )
    nodes = list(_NODE.finditer(text))
    reason = _cut(_SOURCE.sub("", _NODE.sub(". ", text)))
    if not nodes:
        return f"{reason or 'it gives no reason'}; make the file again"
    number, kind = int(nodes[-1][1]), nodes[-1][2]
    if kind.endswith("Delegate"):
        return (
            "XNNPACK makes no kernel for one of its ops, of these shapes and scales "
            f"({reason}); give data of the shapes that the model was made for, or make it again"
        )
    name = op_name(number)
    where = kind if name is None else f"{kind} ({name})"
    return f"op {where} fails: {reason}; mend what it is given, or replace it"


def quantizer_reason(error: object) -> str:
    r"""Why TensorFlow's quantizer refuses a graph: the first of MLIR's errors, without its places.

    Example:
        >>> quantizer_reason('loc(fused["a", "b"]): error: tfl.add has two\n note: more')
        'tfl.add has two'
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    errors = [line.split("error:", 1)[1] for line in lines if "error:" in line]
    return _cut(_LOCATION.sub("", (errors or lines or ["it gave no reason"])[0]))


def keras_reason(error: object) -> str:
    r"""Why Keras, or code that it calls, fails: one sentence, without arguments and paths.

    Example:
        >>> keras_reason("Exception encountered when calling Scale.call().\n\nNo way. Arguments")
        'No way'
    """
    lines = [line.strip() for line in _STYLE.sub("", str(error)).splitlines() if line.strip()]
    reasons = [line for line in lines if not _CALLED.search(line)] or lines
    if not reasons:
        return type(error).__name__
    return _cut(_PACKAGES.sub("", reasons[0]).split(". ")[0])


def failed_class(error: object) -> str | None:
    """The class whose call Keras says has failed."""
    found = _CALLED.search(_STYLE.sub("", str(error)))
    return None if found is None else found[1]


def _cut(text: str) -> str:
    whole = re.sub(r"\s*\.(\s*\.)*\s+", ". ", text.strip()).rstrip(". ")
    return whole if len(whole) <= _LONGEST else whole[:_LONGEST].rsplit(" ", 1)[0] + " …"
