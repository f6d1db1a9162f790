"""Tries a model in a process that may die of it, before this one uses it."""

import os
from pathlib import Path

from tflq._errors import UserError
from tflq._limits import INFERENCE_MEMORY, INFERENCE_SECONDS
from tflq._reasons import runtime_reason
from tflq.apart import CrashError, TimeLimitError, try_model
from tflq.tflite_side._graph import op_names


def probe(path: str | os.PathLike[str], part: bytes | None = None) -> None:
    """Loads a file, allocates its tensors and runs it once, elsewhere.

    A file that leaves sizes open is tried at a few; that it runs at none of them tells nothing.

    Args:
        path: of the file.
        part: what was taken out of the file, to be tried in its place.

    Raises:
        UserError: the runtime refuses the model, crashes on it, or does not come back.
    """
    name = f"model file {os.fspath(path)!r}"
    try:
        refusal = try_model(path=path) if part is None else try_model(content=part)
    except TimeLimitError:
        raise UserError(
            f"{name} does not finish one inference in {INFERENCE_SECONDS} s; it is damaged or far "
            "too large for a phone."
        ) from None
    except CrashError as error:
        raise UserError(
            f"{name} crashes the LiteRT runtime ({error}): it is damaged, or one inference takes "
            f"over {INFERENCE_MEMORY >> 30} GB; export or copy it again."
        ) from None
    if refusal is not None:
        content = Path(path).read_bytes() if part is None else part
        reason = runtime_reason(refusal, op_names(content))
        raise UserError(f"{name} does not run on LiteRT: {reason}.")
