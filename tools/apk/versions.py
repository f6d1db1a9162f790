"""The versions that both builds of the app share."""

from dataclasses import dataclass
from pathlib import Path

from apk.process import BuildError


@dataclass(frozen=True)
class Versions:
    """What this build needs of `android_demo/version.properties`."""

    application_id: str
    name: str
    code: int
    min_sdk: int
    target_sdk: int


def read_versions(path: Path) -> Versions:
    """The versions in a file of `key=value` lines.

    Raises:
        BuildError: a key is missing, or a number is none.
    """
    pairs = read_properties(path)
    try:
        return Versions(
            application_id=pairs["applicationId"],
            name=pairs["appVersion"],
            code=int(pairs["appVersionCode"]),
            min_sdk=int(pairs["minSdk"]),
            target_sdk=int(pairs["targetSdk"]),
        )
    except KeyError as error:
        raise BuildError(f"{path} has no {error.args[0]}; add it.") from error
    except ValueError as error:
        raise BuildError(f"{path}: {error}; write an integer there.") from error


def read_properties(path: Path) -> dict[str, str]:
    """The `key=value` lines of a file; lines that begin with `#` are comments."""
    pairs = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            pairs[key.strip()] = value.strip()
    return pairs
