"""Java and resources to a signed APK, and the JVM tests of the app's logic."""

import re
import shutil
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Sequence
from pathlib import Path

from apk.contract import MAIN, check_contract
from apk.process import BuildError, run
from apk.toolchain import Toolchain, class_path, compile_java, java_library
from apk.versions import Versions

_KEY = "tflq"
_PASSWORD = "throwaway"
_ANDROID = "http://schemas.android.com/apk/res/android"


class Build:
    """The build of one source tree in one folder.

    Args:
        source: the folder `android_demo`.
        work: folder for what comes in between.
    """

    def __init__(self, tools: Toolchain, versions: Versions, source: Path, work: Path) -> None:
        self._tools = tools
        self._versions = versions
        self._main = source / "app/src/main"
        self._tests = source / "app/src/test/java"
        self._source = source
        self._work = work

    def stubs(self) -> Path:
        """Compiles the stubs; returns the folder of their classes."""
        classes = self._work / "stubs"
        if not classes.exists():
            self._javac([self._source / "stubs"], [], classes, "compile the stubs")
        return classes

    def classes(self) -> Path:
        """Compiles the resources and the app; returns the folder of its classes."""
        self._link_resources()
        sources = [self._main / "java", self._work / "generated"]
        classes = self._work / "classes"
        self._javac(sources, [self.stubs()], classes, "compile the app")
        return classes

    def test(self, classes: Path) -> int:
        """Runs the JVM tests, and a job of the desk; returns how many tests passed.

        Raises:
            BuildError: one fails.
        """
        tests = self._work / "tests"
        path: list[Path] = [classes, *self._tools.junit]
        self._javac([self._tests], path, tests, "compile the tests")
        names = [
            ".".join(file.relative_to(self._tests).with_suffix("").parts)
            for file in sorted(self._tests.rglob("*Test.java"))
        ]
        # In this locale a figure that takes the default one has a comma.
        locale = ["-Duser.language=de", "-Duser.country=DE"]
        printed = self._tools.java(
            *locale, "-cp", class_path([*path, tests]), "org.junit.runner.JUnitCore", *names,
            to="pass the tests of the app's logic",
        )  # fmt: skip
        passed = re.search(r"^OK \((\d+) tests?\)", printed, re.MULTILINE)
        if passed is None:
            raise BuildError(f"JUnit did not say how many tests passed:\n{printed}")
        check_contract(
            lambda folder, job: self._tools.java(
                *locale, "-cp", class_path([*path, tests]), MAIN, folder, job, to="do a job"
            )
        )
        return int(passed[1])

    def package(self, classes: Path, apk: Path) -> None:
        """Writes the signed APK."""
        unaligned, aligned = self._work / "unaligned.apk", self._work / "aligned.apk"
        shutil.copy(self._work / "resources.apk", unaligned)
        with zipfile.ZipFile(unaligned, "a", zipfile.ZIP_DEFLATED) as archive:
            for dex in sorted(self._dex(classes).glob("*.dex")):
                archive.write(dex, dex.name)
        self._tools.native(
            self._tools.zipalign, "-f", "-p", "4", unaligned, aligned, to="align the APK"
        )
        apk.parent.mkdir(parents=True, exist_ok=True)
        self._sign(aligned, apk)

    def verify(self, apk: Path) -> tuple[str, str]:
        """What the APK says of itself, and what its signature is.

        Raises:
            BuildError: it is not signed well, or not what was built.
        """
        level = ["--min-sdk-version", str(self._versions.min_sdk)]
        words = ["verify", "--verbose", "--print-certs", *level, str(apk)]
        signature = self._tools.java("-jar", self._tools.apksigner, *words, to="verify the APK")
        badging = self._tools.native(
            self._tools.aapt2, "dump", "badging", apk, to="read the APK back"
        )
        for expected in (
            f"package: name='{self._versions.application_id}' versionCode='{self._versions.code}'",
            f"sdkVersion:'{self._versions.min_sdk}'",
            f"targetSdkVersion:'{self._versions.target_sdk}'",
        ):
            if expected not in badging:
                raise BuildError(f"the APK does not say {expected}:\n{badging}")
        return badging, signature

    def _link_resources(self) -> None:
        compiled = []
        for folder in (self._main / "res", self._source / "no_sdk/res"):
            compiled.append(self._work / f"{folder.parent.name}.zip")
            self._tools.native(
                self._tools.aapt2, "compile", "--dir", folder, "-o", compiled[-1],
                to=f"compile {folder}",
            )  # fmt: skip
        assets = self._main / "assets"
        bundled: list[str | Path] = ["-A", assets] if assets.exists() else []
        self._tools.native(
            self._tools.aapt2, "link",
            "-I", self._tools.framework,
            "--manifest", self._manifest(),
            "--java", self._work / "generated",
            "--min-sdk-version", str(self._versions.min_sdk),
            "--target-sdk-version", str(self._versions.target_sdk),
            "--version-code", str(self._versions.code),
            "--version-name", self._versions.name,
            # The framework here is older than <uses-native-library>, which phones know.
            "--warn-manifest-validation",
            *bundled,
            "-o", self._work / "resources.apk",
            compiled[0], "-R", compiled[1],
            to="link the resources",
        )  # fmt: skip

    def _manifest(self) -> Path:
        """The manifest with its package, which Gradle's plugin takes from elsewhere."""
        ElementTree.register_namespace("android", _ANDROID)
        tree = ElementTree.parse(self._main / "AndroidManifest.xml")
        tree.getroot().set("package", self._versions.application_id)
        target = self._work / "AndroidManifest.xml"
        tree.write(target, encoding="utf-8", xml_declaration=True)
        return target

    def _javac(self, sources: Sequence[Path], path: Sequence[Path], to: Path, what: str) -> None:
        compile_java(self._tools.jdk, sources, path, to, what)

    def _dex(self, classes: Path) -> Path:
        folder, library = self._work / "dex", self._work / "java.jar"
        folder.mkdir()
        java_library(self._tools.jdk, library)
        self._tools.java(
            "-cp", self._tools.d8, "com.android.tools.r8.D8", "--release",
            "--min-api", str(self._versions.min_sdk),
            "--lib", library,
            "--classpath", self.stubs(),
            "--output", folder,
            *sorted(classes.rglob("*.class")),
            to="translate the classes for Android",
        )  # fmt: skip
        return folder

    def _sign(self, unsigned: Path, apk: Path) -> None:
        """Signs with a key made for this one file and thrown away with the work folder."""
        store = self._work / "key.p12"
        run(
            [
                self._tools.jdk / "bin/keytool", "-genkeypair", "-keystore", store,
                "-storetype", "PKCS12", "-storepass", _PASSWORD, "-alias", _KEY,
                "-keyalg", "RSA", "-keysize", "2048", "-validity", "10000",
                "-dname", "CN=tflq debug",
            ],
            to="make a key to sign with",
        )  # fmt: skip
        self._tools.java(
            "-jar", self._tools.apksigner, "sign", "--ks", store,
            "--ks-pass", f"pass:{_PASSWORD}", "--ks-key-alias", _KEY,
            "--min-sdk-version", str(self._versions.min_sdk),
            "--out", apk, unsigned,
            to="sign the APK",
        )  # fmt: skip
