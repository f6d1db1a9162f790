"""The door for text of strangers' files on its way to people.

Names of layers and tensors, messages of libraries that repeat them, what phones answer: any of it
may hold escape sequences that move a terminal's cursor, and marks that turn a line around or hide
a part of it. All of that is shown as Python's `repr` shows it, so that nothing is lost.
"""

import json
import re
from collections.abc import Callable

from tflq._limits import TEXT_CHARACTERS, WORD_CHARACTERS

_LONG_WORD = re.compile(rf"\S{{{WORD_CHARACTERS + 1},}}")


def printable(text: str, longest: int | None = None) -> str:
    r"""Text on one line, without anything that a terminal would obey or not show.

    Args:
        text: a stranger's. Letters of all scripts, accents and emoji stay.
        longest: characters of the result; what is longer loses its middle, since names differ at
            both ends, and sentences end with what to do.

    Example:
        >>> print(printable("up" + chr(27) + "[A or\ndown"), printable("größe 尺寸"))
        up\x1b[A or\ndown größe 尺寸
        >>> printable("block_1/block_2/conv", 12)
        'block_…/conv'
    """
    # What is cut away need not be escaped first.
    whole = _escaped(_without_middle(text, longest), _as_repr)
    return _without_middle(whole, longest)


def told(text: str) -> str:
    """A sentence or a cell of a table; long names in it are cut, what is said of them is not.

    Example:
        >>> told("layer " + "x" * 10_000 + " is unknown").endswith("xx is unknown")
        True
    """
    return printable(_LONG_WORD.sub(_cut_word, text), TEXT_CHARACTERS)


def printable_json(text: str) -> str:
    r"""JSON of the same meaning without such characters, but for the ends of its lines.

    Example:
        >>> printable_json('{"name": "' + chr(0x202E) + '"}')
        '{"name": "\\u202e"}'
    """
    return "\n".join(_escaped(line, _as_json) for line in text.split("\n"))


def _escaped(text: str, escape: Callable[[str], str]) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else escape(c) for c in text)


def _as_repr(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _as_json(character: str) -> str:
    return json.dumps(character)[1:-1]


def _cut_word(word: re.Match[str]) -> str:
    return _without_middle(word[0], WORD_CHARACTERS)


def _without_middle(text: str, longest: int | None) -> str:
    if longest is None or len(text) <= longest:
        return text
    start = longest // 2
    return f"{text[:start]}…{text[len(text) - (longest - start - 1) :]}"
