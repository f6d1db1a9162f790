"""Damages JSON, at one of its values."""

import json
import random
from collections.abc import Iterator
from typing import Any

from fuzzing.damage_bytes import NUMBERS

_TEXTS = (
    *("", "\0", "a" * 5000, "\x1b[31mred\x1b[0m", "\u202egnp.exe", "../../up", "/etc/passwd"),
    *("Lambda", "TFOpLambda", "Dense", "os", "os.system", "keras.layers", "builtins", "__lambda__"),
    *("io.write_file", "\ud800", "NaN", "$x^2$", "%s%n", "{0.__class__}"),
)


def damage_json(content: bytes, rng: random.Random) -> bytes:
    """A copy with one to three values, or their names, replaced."""
    whole = json.loads(content)
    for _ in range(rng.choice((1, 1, 2, 3))):
        places = list(_places(whole))
        if not places:
            break
        holder, key = rng.choice(places)
        _damage(holder, key, rng)
    return json.dumps(whole).encode("utf-8", "surrogatepass")


def junk(rng: random.Random) -> Any:
    """Any value that JSON has."""
    return rng.choice(
        (
            *(None, True, False, [], {}, [[]], {"": None}, float("nan"), float("inf"), -0.0, 1e308),
            *(rng.choice(_TEXTS), rng.choice(NUMBERS), 10**400, 2**63, _nested(rng)),
        )
    )


def _nested(rng: random.Random) -> Any:
    value: Any = None
    for _ in range(rng.choice((3, 50, 400))):
        value = [value] if rng.random() < 0.5 else {"config": value}
    return value


def _damage(holder: Any, key: Any, rng: random.Random) -> None:
    kind = rng.randrange(4)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, dict):
        holder[rng.choice((*_TEXTS[:8], *holder))] = holder.pop(key)
    elif kind == 2 and isinstance(holder, list):
        holder.insert(key, holder[key])
    else:
        holder[key] = junk(rng)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield value, key
            yield from _places(inner)
    elif isinstance(value, list):
        for key, inner in enumerate(value):
            yield value, key
            yield from _places(inner)
