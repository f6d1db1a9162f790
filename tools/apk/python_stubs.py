"""Reads the Python stubs of Android's classes that Chaquopy publishes.

Unlike TypeScript's declarations they tell an int parameter from a long one.
"""

import ast
import zipfile
from pathlib import Path, PurePosixPath

from apk.members import JavaClass, Member

_SUFFIX = "-stubs"
_KINDS = {
    "jboolean": "boolean", "jbyte": "byte", "jshort": "short", "jint": "int", "jlong": "long",
    "jfloat": "float", "jdouble": "double", "jchar": "char",
}  # fmt: skip


def read_classes(wheel: Path) -> dict[str, JavaClass]:
    """Every class of the wheel's android packages, by its name; methods and constructors only."""
    classes: dict[str, JavaClass] = {}
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            path = PurePosixPath(name)
            if path.name == "__init__.pyi" and path.parts[0] == "android" + _SUFFIX:
                package = ".".join(["android", *path.parent.parts[1:]])
                _add(classes, package, ast.parse(archive.read(name)).body)
    return classes


def _add(classes: dict[str, JavaClass], prefix: str, body: list[ast.stmt]) -> None:
    for node in body:
        if isinstance(node, ast.ClassDef):
            name = f"{prefix}.{node.name}"
            found = classes.setdefault(name, JavaClass(name, False, ()))
            for item in node.body:
                if isinstance(item, ast.FunctionDef):
                    found.members.append(_method(item))
            _add(classes, name, node.body)


def _method(node: ast.FunctionDef) -> Member:
    """The method; parameters are primitive types' names, or empty for classes."""
    static = any(
        isinstance(item, ast.Name) and item.id == "staticmethod" for item in node.decorator_list
    )
    arguments = [*node.args.posonlyargs, *node.args.args][0 if static else 1 :]
    kinds = [_kind(argument.annotation) for argument in arguments]
    if node.args.vararg is not None:
        kinds.append("")
    return Member(
        name="<init>" if node.name == "__init__" else node.name,
        parameters=tuple(kinds),
        type="",
        static=static,
    )


def _kind(annotation: ast.expr | None) -> str:
    if annotation is None:
        return ""
    names = {node.attr for node in ast.walk(annotation) if isinstance(node, ast.Attribute)}
    return next((kind for name, kind in _KINDS.items() if name in names), "")
