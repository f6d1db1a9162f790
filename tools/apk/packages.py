"""Debian packages, unpacked into a folder: nothing is installed, and no root is needed."""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from apk.process import BuildError, run

_ADVICE = "Is the mirror of /etc/apt reachable?"
# A package that is installed and would be upgraded has its version in brackets before this one's.
_NEW = re.compile(r"^Inst (\S+) \(", re.MULTILINE)


class DebianPackages:
    """Debian packages in a folder of one's own, with an apt state of its own.

    Args:
        folder: where all of it lies; made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self._folder = folder
        self._state = folder / "apt"
        self._updated = False

    def need(self, packages: Sequence[str], *, alone: bool = False) -> None:
        """Unpacks packages, and those that they need and this machine lacks, unless they are there.

        Args:
            packages: their names.
            alone: leave out what they need.

        Raises:
            BuildError: apt is missing, or cannot fetch them.
        """
        mark = self._folder / "unpacked" / "+".join(packages)
        if mark.exists():
            return
        if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
            raise BuildError(
                "the build takes Android's tools from Debian packages, and there is no apt-get or "
                "dpkg-deb here; run it on Debian or Ubuntu, or build with Gradle."
            )
        self._update()
        wanted = set(packages) if alone else self._missing(packages)
        self.root.mkdir(parents=True, exist_ok=True)
        for archive in self._download(sorted(wanted)):
            run(["dpkg-deb", "-x", archive, self.root], to=f"unpack {archive.name}")
            archive.unlink()
        _relocate_links(self.root)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()

    def _apt(self, *words: str, to: str, cwd: Path | None = None) -> str:
        options = {
            "Dir::State::Lists": self._state / "lists",
            "Dir::Cache": self._state / "cache",
            # The user that apt changes to cannot write into this folder.
            "APT::Sandbox::User": "root",
            "Acquire::Retries": "3",
        }
        pairs = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
        return run(["apt-get", "-qq", *pairs, *words], to=to, advice=_ADVICE, cwd=cwd)

    def _update(self) -> None:
        """Reads the lists of packages; old ones name files that a mirror no longer has."""
        if self._updated:
            return
        lists = self._state / "lists"
        for folder in (lists / "partial", self._state / "cache" / "archives" / "partial"):
            folder.mkdir(parents=True, exist_ok=True)
        purpose = "read Debian's list of packages"
        self._apt("update", to=purpose)
        # apt takes a mirror that does not answer for one without packages.
        if not any(lists.glob("*Packages*")):
            raise BuildError(f"cannot {purpose}: no mirror answered. {_ADVICE}")
        self._updated = True

    def _missing(self, packages: Sequence[str]) -> set[str]:
        """What apt would install for them: of them and what they need, what is not here yet."""
        words = ("--simulate", "install", "--no-install-recommends", *packages)
        return set(_NEW.findall(self._apt(*words, to=f"find {', '.join(packages)}")))

    def _download(self, names: Sequence[str]) -> list[Path]:
        folder = self._state / "archives"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if names:
            self._apt("download", *names, to=f"download {', '.join(names)}", cwd=folder)
        return sorted(folder.glob("*.deb"))

    def libraries(self) -> str:
        """The folders of the unpacked native libraries, for LD_LIBRARY_PATH."""
        found = {path.parent for path in self.root.glob("usr/lib/**/*.so*")}
        java = self.root / "usr/lib/jvm"
        return os.pathsep.join(sorted(str(path) for path in found if java not in path.parents))

    def find(self, path: str) -> Path:
        """A file of the packages: unpacked, or of this machine, where apt found it installed.

        Raises:
            BuildError: it is in neither place.
        """
        for root in (self.root, Path("/")):
            if (root / path).exists():
                return root / path
        raise BuildError(
            f"/{path} came with none of the packages; delete {self._folder} and retry."
        )


def _relocate_links(root: Path) -> None:
    """Makes links that Debian writes from `/` point into the folder instead."""
    for path in root.rglob("*"):
        if path.is_symlink():
            target = path.readlink()
            if target.is_absolute():
                path.unlink()
                inside = root / target.relative_to("/")
                path.symlink_to(os.path.relpath(inside, path.parent))
