"""Opens reports in a headless browser, as a phone and as a desktop, by day and by night.

    python tools/check_page.py [--page=REPORT.html] [--screenshots=FOLDER]
    python tools/check_page.py --smoke [--screenshots=FOLDER]

A page must ask the network for nothing, log no error, fit on a screen of 360 pixels, draw its
charts when they come into view, and be at most 20 MB. How long it takes to load is printed; the
first visit is the slowest, for the browser has not seen the scripts yet.
`--smoke` makes reports of a small CNN, the name of one of whose layers is HTML, and of a network of
150 layers. Chromium is installed with apt where it is missing, as root or with sudo; who is neither
is told that nothing was checked. Exits with 1 where something is wrong, and says what.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from absl import app, flags
from page_check.browser import Browser
from page_check.networks import HOSTILE, hostile_file, long_network
from page_check.visit import LOOKS, visit

from tflq import report

_PAGE = flags.DEFINE_string("page", None, "a report to check")
_SCREENSHOTS = flags.DEFINE_string("screenshots", None, "folder for pictures of the pages")
_SMOKE = flags.DEFINE_bool("smoke", False, "check reports of two made-up networks")

_LARGEST = 20_000_000
_PACKAGES = ("chromium", "chromium-driver")


def main(_: list[str]) -> None:
    """Checks, prints what was found."""
    if not _SMOKE.value and not _PAGE.value:
        sys.exit("check_page.py: give --page=REPORT.html, or --smoke.")
    if not _has_chromium():
        print("check_page.py: no page was checked: chromium is missing, and only root installs it.")
        return
    with tempfile.TemporaryDirectory() as folder:
        pages = _made(Path(folder)) if _SMOKE.value else {Path(_PAGE.value): ""}
        wrong = [problem for page, name in pages.items() for problem in _check(page, name)]
    for problem in wrong:
        print(problem, file=sys.stderr)
    sys.exit(1 if wrong else 0)


def _made(folder: Path) -> dict[Path, str]:
    """Pages, each with a name that must show as it is."""
    pages = {}
    networks = {
        "small": (hostile_file(folder / "small.tflite"), HOSTILE),
        "long": (long_network(), ""),
    }
    for name, ((model, data), shown) in networks.items():
        page = folder / f"{name}.html"
        report(model, page, data=data, latency=name == "small")
        pages[page] = shown
    return pages


def _check(page: Path, shown: str) -> list[str]:
    size = page.stat().st_size
    wrong = [] if size <= _LARGEST else [f"{page.name}: {size} bytes"]
    with Browser() as browser:
        for look in LOOKS:
            found = visit(browser, page, look, shown=shown)
            wrong += [f"{page.name}, {look.name}: {problem}" for problem in found.problems]
            print(
                f"{page.name}, {look.name}: {size / 1e6:.1f} MB, loaded in {found.load_ms:.0f} ms, "
                f"ready for charts in {found.ready_ms:.0f} ms, {found.charts} charts",
                flush=True,
            )
            if _SCREENSHOTS.value:
                target = Path(_SCREENSHOTS.value)
                target.mkdir(parents=True, exist_ok=True)
                picture = target / f"{page.stem}-{look.name}.png"
                picture.write_bytes(browser.screenshot())
    return wrong


def _has_chromium() -> bool:
    """Whether it is there, or could be installed."""
    if shutil.which("chromium") and shutil.which("chromedriver"):
        return True
    sudo = [] if shutil.which("sudo") is None else ["sudo"]
    if os.geteuid() and not sudo:
        return False
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", *_PACKAGES]):
        subprocess.run([*sudo, *command], check=True, stdout=subprocess.DEVNULL)
    return True


if __name__ == "__main__":
    app.run(main)
