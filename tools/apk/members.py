"""Members of Java classes, whichever language described them."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Member:
    """A field, method or constructor.

    Args:
        name: its name; `<init>` for constructors.
        parameters: their types; None for a field.
        type: of the field, or what the method returns.
        value: of a constant, as written; None for others.
        since: the API level that brought it; 0 where nothing is said.
    """

    name: str
    parameters: tuple[str, ...] | None
    type: str
    static: bool
    value: str | None = None
    since: int = 0


@dataclass
class JavaClass:
    """A class or interface.

    Args:
        name: in full, nested ones with dots.
        parents: what it extends and implements.
    """

    name: str
    interface: bool
    parents: tuple[str, ...]
    members: list[Member] = field(default_factory=list)


def ancestry(classes: dict[str, JavaClass], name: str) -> Iterator[JavaClass]:
    """A class and all that it stands on, as far as `classes` has them."""
    found = classes.get(name)
    if found is not None:
        yield found
        for parent in found.parents:
            yield from ancestry(classes, parent)
