"""Gets packages, checked by signature or hash, and unpacks them into a folder without root."""

import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from tflq._errors import UserError

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# The release whose Python and qemu this was written for.
_RELEASE = "bookworm"


class DebianPackages:
    """Debian's packages for one architecture, by an apt that knows nothing of this machine's.

    Args:
        state: a folder for the lists and what is downloaded.
        architecture: Debian's name of it, such as "arm64".

    Raises:
        UserError: a program or the archive's key is missing.
    """

    def __init__(self, state: Path, architecture: str):
        need_programs({"apt-get": "apt", "dpkg-deb": "dpkg"})
        if not _KEYRING.is_file():
            raise UserError(
                f"{str(_KEYRING)!r}, by which Debian's packages are checked, is missing; install "
                "the package debian-archive-keyring."
            )
        self._state = state
        self._options = [
            f"--option={option}"
            for option in (
                f"APT::Architecture={architecture}",
                f"APT::Architectures={architecture}",
                f"Dir::State={state}",
                f"Dir::State::status={state / 'status'}",
                f"Dir::Cache={state}",
                f"Dir::Etc::SourceList={state / 'sources.list'}",
                "Dir::Etc::SourceParts=/dev/null",
                "Dir::Etc::PreferencesParts=/dev/null",
                "Acquire::Languages=none",
                "Acquire::Retries=3",
            )
        ]
        for folder in ("lists/partial", "archives/partial"):
            (state / folder).mkdir(parents=True, exist_ok=True)
        (state / "status").touch()

    def unpack(self, packages: Sequence[str], target: Path) -> None:
        """Unpacks packages and all that they depend on into a new folder."""
        self._update("deb")
        # Of an earlier download, only what would be downloaded again now may stay.
        self._apt("autoclean")
        self._apt("install", "--download-only", "--yes", "--no-install-recommends", *packages)
        for package in sorted((self._state / "archives").glob("*.deb")):
            run_tool(
                ["dpkg-deb", "--extract", str(package), str(target)],
                "to unpack packages; empty the cache folder and try again.",
            )

    def source_file(self, package: str, ending: str) -> bytes:
        """The file in a package's upstream source whose path ends so."""
        self._update("deb-src")
        with tempfile.TemporaryDirectory() as folder:
            self._apt("source", "--download-only", package, folder=Path(folder))
            (archive,) = Path(folder).glob("*.orig.tar.[gx]z")
            return _member(archive, ending)

    def _update(self, kind: str) -> None:
        source = f"{kind} [signed-by={_KEYRING}] {mirror(_RELEASE)} {_RELEASE} main\n"
        (self._state / "sources.list").write_text(source)
        self._apt("update", "--error-on=any")

    def _apt(self, command: str, *arguments: str, folder: Path | None = None) -> None:
        run_tool(
            ["apt-get", "--quiet", *self._options, command, *arguments],
            "to download Debian packages; check the network and try again.",
            folder,
        )


def mirror(release: str) -> str:
    """Where this machine gets a release of Debian from.

    Raises:
        UserError: its apt has no such source.
    """
    done = subprocess.run(["apt-get", "update", "--print-uris"], capture_output=True, text=True)
    found = re.search(rf"^'(\S+)/dists/{release}/InRelease'", done.stdout, re.MULTILINE)
    if found is None:
        raise UserError(
            f"apt has no source of Debian {release!r}; this needs a machine with that release, or "
            "one more line in its sources."
        )
    return found[1]


def _member(archive: Path, ending: str) -> bytes:
    # Read as a stream: a list of all members would mean to decompress all of them.
    with tarfile.open(archive, "r|*") as members:
        for member in members:
            content = members.extractfile(member) if member.name.endswith(ending) else None
            if content is not None:
                return content.read()
    raise RuntimeError(f"{archive.name} has no file {ending}")


def unpack_wheels(requirements: Path, target: Path) -> None:
    """Unpacks hash-checked wheels for arm64 and Python 3.11 into a new folder."""
    downloads = target / "wheels"
    platforms = ("manylinux_2_27_aarch64", "manylinux2014_aarch64")
    run_tool(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "--no-deps", "--only-binary=:all:"),
            *("--implementation=cp", "--python-version=3.11"),
            *(f"--platform={platform}" for platform in platforms),
            *(f"--requirement={requirements}", f"--dest={downloads}"),
        ],
        "to download wheels; check the network and try again.",
    )
    for wheel in sorted(downloads.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target)
    shutil.rmtree(downloads)


def need_programs(programs: dict[str, str]) -> None:
    """Refuses a machine without some programs.

    Args:
        programs: the Debian package that brings it, by program.

    Raises:
        UserError: one is not there.
    """
    for program, package in programs.items():
        if shutil.which(program) is None:
            raise UserError(
                f"the program {program!r} is missing; install the Debian package {package!r}."
            )


def run_tool(command: Sequence[str], purpose: str, folder: Path | None = None) -> None:
    """Runs a program quietly.

    Raises:
        UserError: it failed; says what it was for and its last line.
    """
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        last = done.stdout.strip().rpartition("\n")[2] or f"exit code {done.returncode}"
        raise UserError(f"{Path(command[0]).name} failed {purpose} It said: {last}")
