"""Reads TypeScript declarations of Android's classes, as NativeScript publishes them.

They are generated, one declaration a line, with the values of constants and, in a comment before,
the API level that brought a member. All numbers are `number`.
"""

import re
from collections.abc import Iterable

from apk.members import JavaClass, Member

_OPENED = re.compile(
    r"^(?:export |declare |abstract )*(?P<kind>module|class|interface) (?P<name>[\w.]+)(?:<.*?>)?"
    r"(?:\s+extends (?P<extends>[^{]+?))?(?:\s+implements (?P<implements>[^{]+?))?\s*\{$"
)
_SINCE = re.compile(r"@since (\d+)")
_METHOD = re.compile(
    r"^public (?P<static>static )?(?P<name>\w+)(?:<.*?>)?\((?P<of>.*)\)(?:: (?P<type>.+))?;$"
)
_FIELD = re.compile(r"^public (?P<static>static )?(?P<name>\w+): (?P<type>.+);$")
_GENERIC = re.compile(r"<[^<>]*>")


def read_classes(lines: Iterable[str]) -> dict[str, JavaClass]:
    """Every class of the declarations, by its name."""
    classes: dict[str, JavaClass] = {}
    path: list[tuple[str, JavaClass | None]] = []
    since = 0
    for raw in lines:
        line = raw.strip()
        if opened := _OPENED.match(line):
            current = None
            if opened["kind"] != "module":
                name = ".".join([*(part for part, _ in path), opened["name"]])
                current = classes.setdefault(name, _class(name, opened))
            path.append((opened["name"], current))
        elif line.endswith("{"):
            path.append(("", None))
        elif line.startswith("}") and path:
            path.pop()
        elif path and (owner := path[-1][1]) and (member := _member(line, since)):
            owner.members.append(member)
        mark = _SINCE.search(line) if line.startswith("/**") else None
        since = int(mark[1]) if mark else 0
    return classes


def _class(name: str, match: re.Match[str]) -> JavaClass:
    parents = f"{match['extends'] or ''},{match['implements'] or ''}"
    while _GENERIC.search(parents):
        parents = _GENERIC.sub("", parents)
    return JavaClass(
        name=name,
        interface=match["kind"] == "interface",
        parents=tuple(part.strip() for part in parents.split(",") if part.strip()),
    )


def _member(line: str, since: int) -> Member | None:
    if match := _METHOD.match(line):
        name = "<init>" if match["name"] == "constructor" else match["name"]
        parameters = tuple(part.split(": ", 1)[-1] for part in _split(match["of"]))
        returned = match["type"] or "void"
        return Member(
            name,
            tuple(map(_plain, parameters)),
            _plain(returned),
            bool(match["static"]),
            since=since,
        )
    if match := _FIELD.match(line):
        kind = match["type"]
        literal = kind.startswith('"') or kind.lstrip("-").isdigit()
        shown = ("string" if kind.startswith('"') else "number") if literal else _plain(kind)
        return Member(
            match["name"], None, shown, bool(match["static"]), kind if literal else None, since
        )
    return None


def _split(parameters: str) -> list[str]:
    """At commas that are not within `<>`."""
    parts, depth = [""], 0
    for letter in parameters:
        depth += {"<": 1, ">": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _plain(kind: str) -> str:
    """Without `| null`, with `T[]` for arrays, and without other type arguments."""
    bare = kind.removesuffix(" | null").strip()
    if bare.startswith("androidNative.Array<"):
        return _plain(bare[len("androidNative.Array<") : -1]) + "[]"
    return bare.partition("<")[0]


def typescript_type(java: str) -> str:
    """The type that stands for a Java type in these declarations."""
    if java.endswith("[]"):
        return typescript_type(java[:-2]) + "[]"
    if java in ("byte", "short", "int", "long", "float", "double"):
        return "number"
    simple = {"java.lang.String": "string", "java.lang.CharSequence": "string"}
    return {**simple, "java.lang.Object": "any"}.get(java, java)
