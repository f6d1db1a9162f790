"""The parts of the emulated machine, each built once in a cache folder."""

import hashlib
import platform
import shutil
from collections.abc import Callable
from pathlib import Path

from arm_emulation.cores import Core, write_system_files
from arm_emulation.packages import DebianPackages, need_programs, run_tool, unpack_wheels
from tflq._errors import UserError
from tflq._files import make_folder

_HERE = Path(__file__).resolve().parent
_PYTHON = ("python3.11-minimal", "libpython3.11-stdlib", "libstdc++6")
# The static build of qemu takes no plugins.
_QEMU = ("qemu-user",)
_WHEELS = _HERE / "wheels.txt"
_PLUGIN = _HERE / "count_instructions.c"


class Cache:
    """A folder that holds what emulation needs; what is missing is downloaded when asked for.

    A part has the hash of its recipe in its name, so a changed recipe makes a new one, and it
    appears whole or not at all.

    Args:
        folder: made if need be.

    Raises:
        UserError: this is no x86-64 Linux, or the folder cannot be made; in each method: a
            program is missing or a download failed.
    """

    def __init__(self, folder: Path):
        if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
            raise UserError(
                f"emulation was asked for on {platform.system()} {platform.machine()} and works "
                "on x86-64 Linux; run it there."
            )
        self._folder = make_folder(folder.absolute())

    def qemu(self) -> list[str]:
        """The command of qemu, run with the C library that it was built for."""
        host = self._part("qemu", repr(_QEMU), lambda part: self._debian("amd64", _QEMU, part))
        libraries = f"{host}/lib/x86_64-linux-gnu:{host}/usr/lib/x86_64-linux-gnu"
        loader = f"{host}/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
        return [loader, "--library-path", libraries, f"{host}/usr/bin/qemu-aarch64"]

    def root(self, core: Core) -> Path:
        """A root of arm64 Debian with Python, on a machine with one such core."""
        shared = self._part(
            "arm64", repr(_PYTHON), lambda part: self._debian("arm64", _PYTHON, part)
        )

        def link(part: Path) -> None:
            for folder in shared.iterdir():
                (part / folder.name).symlink_to(folder)
            write_system_files(part, core)

        # What is linked to and what is written are both the recipe.
        recipe = f"{shared}{core}{(_HERE / 'cores.py').read_text()}"
        return self._part(core.name, recipe, link)

    def site(self) -> Path:
        """The folder of the emulated Python's packages."""
        return self._part("site", _WHEELS.read_text(), lambda part: unpack_wheels(_WHEELS, part))

    def plugin(self) -> Path:
        """The plugin that counts, built against the header in qemu's source."""
        return self._part("plugin", _PLUGIN.read_text(), self._build_plugin) / f"{_PLUGIN.stem}.so"

    def _build_plugin(self, part: Path) -> None:
        need_programs({"cc": "gcc"})
        source = DebianPackages(self._folder / "apt-amd64", "amd64")
        header = source.source_file(*_QEMU, "/include/qemu/qemu-plugin.h")
        (part / "qemu-plugin.h").write_bytes(header)
        flags = ("-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-fvisibility=hidden")
        target = str(part / f"{_PLUGIN.stem}.so")
        run_tool(
            ["cc", *flags, f"-I{part}", f"-o{target}", str(_PLUGIN)],
            "to build the plugin; install gcc and libc6-dev.",
        )

    def _debian(self, architecture: str, packages: tuple[str, ...], part: Path) -> None:
        state = self._folder / f"apt-{architecture}"
        DebianPackages(state, architecture).unpack(packages, part)

    def _part(self, name: str, recipe: str, build: Callable[[Path], None]) -> Path:
        folder = self._folder / f"{name}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
        if not folder.is_dir():
            unfinished = folder.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            build(unfinished)
            unfinished.rename(folder)
        return folder
