"""What the Android app lets others do, and that its two builds agree; nothing is built here."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from apk.process import BuildError
from apk.versions import read_properties, read_versions

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "android_demo"
SOURCES = sorted(APP.rglob("*.java"))
ANDROID = "{http://schemas.android.com/apk/res/android}"
MANIFEST = ElementTree.parse(APP / "app/src/main/AndroidManifest.xml").getroot()


def activity(name):
    (found,) = [
        item for item in MANIFEST.iter("activity") if item.get(f"{ANDROID}name").endswith(name)
    ]
    return found


def test_no_permission_is_asked_for():
    assert not list(MANIFEST.iter("uses-permission"))


def test_only_activities_are_components():
    application = MANIFEST.find("application")
    assert {item.tag for item in application} == {"activity", "uses-native-library"}
    assert application.get(f"{ANDROID}allowBackup") == "false"
    assert application.get(f"{ANDROID}debuggable") is None


def test_the_launcher_opens_only_the_screen():
    launchers = [
        item for item in MANIFEST.iter("activity") if item.find("intent-filter") is not None
    ]
    assert launchers == [activity(".MainActivity")]


def test_jobs_are_started_by_the_shell_alone():
    job = activity(".JobActivity")
    assert job.get(f"{ANDROID}exported") == "true"
    assert job.get(f"{ANDROID}permission") == "android.permission.DUMP"
    assert job.find("intent-filter") is None


def test_versions_are_in_one_place():
    versions = read_versions(APP / "version.properties")
    assert versions.application_id == "org.tflq.bench"
    assert (versions.min_sdk, versions.target_sdk) == (26, 36)
    assert MANIFEST.get("package") is None
    assert not list(MANIFEST.iter("uses-sdk"))
    gradle = (APP / "app/build.gradle").read_text()
    for key in read_properties(APP / "version.properties"):
        used = gradle + (APP / "settings.gradle").read_text()
        assert f"versions.{key}" in used, key
    assert not re.search(r"Sdk = \d", gradle)


@pytest.mark.parametrize("missing", ["applicationId", "appVersionCode", "minSdk"])
def test_a_missing_version_is_named(tmp_path, missing):
    lines = (APP / "version.properties").read_text().splitlines()
    path = tmp_path / "version.properties"
    path.write_text("\n".join(line for line in lines if not line.startswith(missing)))
    with pytest.raises(BuildError, match=missing):
        read_versions(path)


def test_a_version_that_is_no_number_is_named(tmp_path):
    path = tmp_path / "version.properties"
    path.write_text((APP / "version.properties").read_text().replace("minSdk=26", "minSdk=O"))
    with pytest.raises(BuildError, match="'O'"):
        read_versions(path)


def test_the_protocol_is_what_the_app_speaks():
    protocol = (APP / "PROTOCOL.md").read_text()
    logic = "\n".join(path.read_text() for path in SOURCES if "logic" in path.parts)
    for schema in re.findall(r'"schema": "(.*?)"', protocol):
        assert f'"{schema}"' in logic
    flags = protocol.partition("- Flags")[2].partition("\n- ")[0]
    assert set(re.findall(r"`(\w+)`", flags)) == set(
        re.findall(
            r'"(\w+)"', (APP / "app/src/main/java/org/tflq/bench/logic/Flags.java").read_text()
        )
    )


def test_logic_runs_without_android():
    for path in SOURCES:
        if "logic" in path.parts:
            assert not re.search(r"import (android|org\.tensorflow)\.", path.read_text()), path


def test_only_the_engine_uses_the_runtime():
    for path in SOURCES:
        if "main" in path.relative_to(APP).parts and "engine" not in path.parts:
            assert "org.tensorflow" not in path.read_text(), path


def test_java_files_are_short():
    for path in SOURCES:
        lines = path.read_text().splitlines()
        assert len(lines) <= 400, path
        assert max(map(len, lines)) <= 100, path


def test_nothing_binary_is_kept():
    for path in APP.rglob("*"):
        if path.is_file() and "build" not in path.relative_to(APP).parts:
            path.read_text(encoding="utf-8")
