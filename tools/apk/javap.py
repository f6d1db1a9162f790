"""Reads what `javap -s -protected -constants` prints of compiled classes."""

import re
from pathlib import Path

from apk.members import JavaClass, Member
from apk.process import run

_CLASS = re.compile(
    r"^(?P<words>[\w ]*?)(?P<kind>class|interface) (?P<name>[\w.$]+)(?:<.*?>)?"
    r"(?: extends (?P<extends>[\w.$, <>]+?))?(?: implements (?P<implements>[\w.$, <>]+))? \{$"
)
_DESCRIPTOR = re.compile(r"^    descriptor: (\(.*\))?(.+)$")
_TYPE = re.compile(r"\[*(?:[BCDFIJSZV]|L[^;]+;)")
_PRIMITIVES = {
    "B": "byte", "C": "char", "D": "double", "F": "float", "I": "int", "J": "long", "S": "short",
    "Z": "boolean", "V": "void",
}  # fmt: skip


def read_classes(jdk: Path, folder: Path) -> dict[str, JavaClass]:
    """Every class of a folder, by its name."""
    classes: dict[str, JavaClass] = {}
    current, declaration = None, ""
    for line in _javap(jdk, sorted(folder.rglob("*.class"))).splitlines():
        opened, descriptor = _CLASS.match(line), _DESCRIPTOR.match(line)
        if opened:
            current = _class(opened)
            classes[current.name] = current
        elif descriptor and current:
            current.members.append(_member(declaration, descriptor))
        declaration = line.strip()
    return classes


def _javap(jdk: Path, files: list[Path]) -> str:
    options = ["-s", "-protected", "-constants"]
    command = [str(jdk / "bin/javap"), *options, *map(str, files)]
    return run(command, to="read the stubs' classes")


def _class(match: re.Match[str]) -> JavaClass:
    parents = ",".join(filter(None, (match["extends"], match["implements"])))
    return JavaClass(
        name=match["name"].replace("$", "."),
        interface=match["kind"] == "interface",
        parents=tuple(part.strip().replace("$", ".") for part in parents.split(",") if part),
    )


def _member(declaration: str, match: re.Match[str]) -> Member:
    text, _, value = declaration.removesuffix(";").partition(" = ")
    head = text.partition("(")[0]
    name = head.split()[-1]
    parameters = match[1]
    return Member(
        name="<init>" if parameters is not None and "." in name else name,
        parameters=None if parameters is None else tuple(map(_type, _TYPE.findall(parameters))),
        type=_type(match[2]),
        static=" static " in f" {head} ",
        value=value or None,
    )


def _type(descriptor: str) -> str:
    """`[Ljava/lang/String;` as `java.lang.String[]`."""
    element = descriptor.lstrip("[")
    name = _PRIMITIVES.get(element) or element[1:-1].replace("/", ".").replace("$", ".")
    return name + "[]" * (len(descriptor) - len(element))
