"""README's table of limits is that of the code."""

import re
from pathlib import Path

import pytest

from tflq import _limits

_ROOT = Path(__file__).parents[1]
_CONSTANT = re.compile(r"((?:#: .*\n)+)([A-Z][A-Z\d_]*) = ")


def limits():
    """By name what each constant says of itself, and its value."""
    found = _CONSTANT.findall(Path(_limits.__file__).read_text())
    return {
        name: (" ".join(comment.replace("#: ", "").split()), getattr(_limits, name))
        for comment, name in found
    }


def shown(comment, value):
    """A value as the table has it."""
    if "ytes" in comment:
        for power, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
            if value % 2**power in (0, 2**power - 1) and value >= 2**power - 1:
                return f"{-(-value // 2**power)} {unit}"
    return f"{value:,g}" if isinstance(value, float) else f"{value:,}"


def row(comment, value):
    """The table's row of a constant."""
    return f"| {comment[0].lower()}{comment[1:].rstrip('.')} | {shown(comment, value)} |"


def test_every_constant_tells_what_it_limits():
    constants = {name for name in vars(_limits) if name.isupper()}
    assert constants == set(limits())


def test_every_limit_stands_in_the_readme_with_its_value():
    table = (_ROOT / "README.md").read_text().splitlines()
    missing = [line for line in (row(*limit) for limit in limits().values()) if line not in table]
    assert not missing, "README.md lacks these rows of its table of limits:\n" + "\n".join(missing)


def test_no_row_is_left_of_a_limit_that_has_gone():
    text = (_ROOT / "README.md").read_text()
    table = text.split("### Limits\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert set(rows) == {row(*limit) for limit in limits().values()}


@pytest.mark.parametrize(
    ("comment", "value", "text"),
    [
        ("Bytes of it.", 2**26, "64 MiB"),
        ("Bytes of it.", 2**31 - 1, "2 GiB"),
        ("Bytes of it.", 4096, "4 KiB"),
        ("Pixels of it.", 10**8, "100,000,000"),
        ("Seconds for it.", 60.0, "60"),
    ],
)
def test_how_values_are_shown(comment, value, text):
    assert row(comment, value) == f"| {comment[0].lower()}{comment[1:-1]} | {text} |"
