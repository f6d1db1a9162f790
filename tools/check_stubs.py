"""Compares the app's stubs of Android with two published descriptions of it.

    python tools/check_stubs.py [--cache=FOLDER]

A stub with a wrong constant or a wrong type compiles, and fails on the phone. Names, types, values
of constants and API levels are compared with NativeScript's declarations (npm), int and long
parameters with Chaquopy's (Python). Neither tells int from long in what a method returns: those are
in a table here that a person reviewed. Nothing here describes TensorFlow Lite's classes; Gradle
compiles the same sources against the real ones.
"""

import json
import sys
import tarfile
import tempfile
from pathlib import Path

from absl import app, flags
from apk import javap, python_stubs, typescript
from apk.members import JavaClass, Member, ancestry
from apk.packages import DebianPackages
from apk.process import BuildError, run
from apk.toolchain import compile_java, download_wheel, get_jdk
from apk.versions import read_versions

_SOURCE = Path(__file__).resolve().parent.parent / "android_demo"
_TYPESCRIPT = "@nativescript/types-android@9.1.1"
_DECLARATIONS = "package/lib/android/android-platform-37.d.ts"
_PYTHON = "chaquopy-stubs-android==36.20260406"

_CACHE = flags.DEFINE_string("cache", "~/.cache/tflq/android", "folder for what is fetched")

# Reviewed by hand against Android's documentation: fields and results that are int or long.
_INTEGERS = {
    "android.app.ActivityManager.MemoryInfo.totalMem": "long",
    "android.content.Intent.getIntExtra": "int",
    "android.graphics.Bitmap.getHeight": "int",
    "android.graphics.Bitmap.getWidth": "int",
    "android.graphics.BitmapFactory.Options.inSampleSize": "int",
    "android.graphics.BitmapFactory.Options.outHeight": "int",
    "android.graphics.BitmapFactory.Options.outWidth": "int",
    "android.os.BatteryManager.getLongProperty": "long",
    "android.os.Build.VERSION.SDK_INT": "int",
    "android.os.PowerManager.getCurrentThermalStatus": "int",
    "android.os.Process.myPid": "int",
    "android.util.Log.e": "int",
    "android.util.Log.i": "int",
    "android.widget.Spinner.getSelectedItemPosition": "int",
}

# Above the least supported level, and asked for in the app only where SDK_INT allows.
_GUARDED = {
    "android.app.Activity.setShowWhenLocked": 27,
    "android.app.Activity.setTurnScreenOn": 27,
    "android.os.Build.SOC_MANUFACTURER": 31,
    "android.os.Build.SOC_MODEL": 31,
    "android.os.PowerManager.getCurrentThermalStatus": 29,
}


def main(_: list[str]) -> None:
    """Prints how much was compared, or what differs."""
    cache = Path(_CACHE.value).expanduser().resolve()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="tflq-stubs-") as folder:
            checked, problems = _check(cache, Path(folder))
    except BuildError as error:
        sys.exit(f"check_stubs: {error}")
    if problems:
        sys.exit("check_stubs: the stubs differ from Android:\n" + "\n".join(problems))
    print(f"stubs of Android: {checked} members are as published")


def _check(cache: Path, folder: Path) -> tuple[int, list[str]]:
    jdk = get_jdk(DebianPackages(cache))
    compile_java(jdk, [_SOURCE / "stubs"], [], folder / "classes", "compile the stubs")
    stubs = {
        name: found
        for name, found in javap.read_classes(jdk, folder / "classes").items()
        if name.startswith("android.")
    }
    published = typescript.read_classes(_declarations(cache).read_text("utf-8").splitlines())
    primitives = python_stubs.read_classes(_cached_wheel(cache))
    level = read_versions(_SOURCE / "version.properties").min_sdk
    checked, problems = 0, []
    for stub in stubs.values():
        problems += _class_problems(stub, published)
        for member in stub.members:
            if member.parameters != () or member.name != "<init>":
                checked += 1
                problems += _member_problems(stub, member, published, level)
                problems += _primitive_problems(stub, member, published, primitives)
    unused = (_INTEGERS.keys() | _GUARDED.keys()) - {
        f"{stub.name}.{member.name}" for stub in stubs.values() for member in stub.members
    }
    problems += [f"{name} is in a table of this tool and in no stub" for name in sorted(unused)]
    return checked, problems


def _class_problems(stub: JavaClass, published: dict[str, JavaClass]) -> list[str]:
    if stub.name not in published:
        return [f"{stub.name} is not published"]
    names = {found.name for found in ancestry(published, stub.name)}
    return [
        f"{stub.name} is no {parent}"
        for parent in stub.parents
        if parent.startswith("android.") and parent not in names
    ]


def _member_problems(
    stub: JavaClass, member: Member, published: dict[str, JavaClass], level: int
) -> list[str]:
    name = f"{stub.name}.{member.name}"
    same = [
        candidate
        for found in ancestry(published, stub.name)
        for candidate in found.members
        if _alike(member, candidate)
    ]
    if not same:
        return [f"{name} {member.parameters} {member.type} is not published so"]
    problems = []
    if member.value != same[0].value:
        problems.append(f"{name} is {member.value}, published as {same[0].value}")
    since = min(candidate.since for candidate in same)
    allowed = _GUARDED.get(name, 0)
    if since > level and since != allowed:
        problems.append(f"{name} is of API {since}; guard it, then add it to the table here")
    counted = member.type in ("int", "long") and member.value is None
    if counted and _INTEGERS.get(name) != member.type:
        problems.append(f"{name} is {member.type}; review it, then add it to the table here")
    return problems


def _alike(member: Member, candidate: Member) -> bool:
    """Whether a published member is what a stub declares, all numbers being alike."""
    if member.name != candidate.name or member.static != candidate.static:
        return False
    if (member.parameters is None) != (candidate.parameters is None):
        return False
    wanted = tuple(map(typescript.typescript_type, member.parameters or ()))
    if wanted != (candidate.parameters or ()):
        return False
    return member.name == "<init>" or typescript.typescript_type(member.type) == candidate.type


def _primitive_problems(
    stub: JavaClass,
    member: Member,
    published: dict[str, JavaClass],
    primitives: dict[str, JavaClass],
) -> list[str]:
    """Whether int and long parameters are what they should be."""
    wanted = tuple(
        kind if "." not in kind and "[" not in kind else "" for kind in member.parameters or ()
    )
    if not any(wanted):
        return []
    owners = [found.name for found in ancestry(published, stub.name)]
    for owner in owners:
        for candidate in primitives[owner].members if owner in primitives else []:
            if candidate.name == member.name and candidate.parameters == wanted:
                return []
    return [f"{stub.name}.{member.name} takes {member.parameters}, which is not published"]


def _declarations(cache: Path) -> Path:
    """NativeScript's declarations, from npm."""
    target = cache / "stubs" / Path(_DECLARATIONS).name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as name:
            folder = Path(name)
            printed = run(
                ["npm", "pack", "--silent", "--json", _TYPESCRIPT],
                to=f"download the npm package {_TYPESCRIPT}",
                advice="Is npm installed, and its registry reachable?",
                cwd=folder,
            )
            archive = folder / json.loads(printed)[0]["filename"].replace("@", "").replace("/", "-")
            with tarfile.open(archive) as tar:
                content = tar.extractfile(_DECLARATIONS)
                if content is None:
                    raise BuildError(f"{_TYPESCRIPT} holds no {_DECLARATIONS}.")
                target.write_bytes(content.read())
    return target


def _cached_wheel(cache: Path) -> Path:
    folder = cache / "stubs" / "chaquopy"
    found = list(folder.glob("*.whl"))
    return found[0] if found else download_wheel(_PYTHON, folder)


if __name__ == "__main__":
    app.run(main)
