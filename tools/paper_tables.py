"""The paper's four tables: what was published, beside what is measured here.

    python tools/paper_tables.py --table=1,2,3,4 [--imagenet=FOLDER] [--models=resnet18,...]
                                 [--output=FOLDER]
    python tools/paper_tables.py --smoke [--output=FOLDER]

FOLDER of --imagenet holds photos named NNN_*.jpg, NNN being the ImageNet class, or a folder of
photos a class. Networks whose trained weights can be had are measured by top-1 on them: every tenth
photo calibrates, a hundred at most, and the others judge. All others have random weights with
lifelike statistics and made-up samples, and cells tell how close files come to float.

Each cell goes to table<N>.jsonl when it is done, and is not measured again; one that failed is.
Tables are written to table<N>.md and table<N>.json, all of them to PAPER_TABLES.md. Exit codes: 0
done, 1 a cell failed, 2 the user's input.

`--smoke` takes small versions of the networks and few samples, to make every cell in minutes.
"""

import sys
from pathlib import Path

from absl import app, flags
from paper_rows import TABLES

from tflq._errors import UserError

_TABLE = flags.DEFINE_multi_string(
    "table", [], "tables to fill, such as 1 or 1,2; all with --smoke"
)
_IMAGENET = flags.DEFINE_string("imagenet", None, "folder of labelled photos")
_MODELS = flags.DEFINE_list("models", None, "networks to measure; all by default")
_OUTPUT = flags.DEFINE_string("output", "paper_tables", "folder for rows and tables")
_SMOKE = flags.DEFINE_bool("smoke", False, "small networks, random weights, few samples")


def main(_: list[str]) -> None:
    """Measures what is missing and writes the tables."""
    try:
        numbers = _numbers(_TABLE.value)
        # Late, for it brings Keras, which takes seconds.
        from paper_run import reproduce

        failed = reproduce(
            numbers,
            folder=Path(_OUTPUT.value),
            models=_MODELS.value,
            imagenet=Path(_IMAGENET.value) if _IMAGENET.value else None,
            smoke=_SMOKE.value,
        )
    except UserError as error:
        print(f"paper_tables.py: {error}", file=sys.stderr)
        sys.exit(2)
    sys.exit(1 if failed else 0)


def _numbers(given: list[str]) -> list[int]:
    known = [str(number) for number in TABLES]
    asked = [part.strip() for text in given for part in text.split(",")]
    if not asked and _SMOKE.value:
        asked = known
    if not asked or not set(asked) <= set(known):
        raise UserError(
            f"--table is {','.join(asked)!r}; give one or more of: {', '.join(known)}, such as "
            "--table=1,2."
        )
    return sorted({int(part) for part in asked})


if __name__ == "__main__":
    app.run(main)
