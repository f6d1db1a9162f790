"""What a visitor finds on a report's page."""

from dataclasses import dataclass
from pathlib import Path

from page_check.browser import Browser

# Layers that are opened on every visit.
_OPENED = 3


@dataclass(frozen=True)
class Look:
    """A screen and what its user prefers."""

    name: str
    width: int
    height: int
    scheme: str
    phone: bool


LOOKS = (
    Look("phone-light", 360, 800, "light", True),
    Look("phone-dark", 360, 800, "dark", True),
    Look("desktop-light", 1280, 900, "light", False),
    Look("desktop-dark", 1280, 900, "dark", False),
)


@dataclass(frozen=True)
class Visit:
    """What was found.

    Attributes:
        load_ms: from the start of the navigation until the page was loaded, in ms; of the first
            page in a browser, its first reading of the scripts included.
        ready_ms: until charts could be drawn, likewise.
        charts: how many were drawn.
        problems: what is wrong.
    """

    load_ms: float
    ready_ms: float
    charts: int
    problems: tuple[str, ...]


def visit(browser: Browser, page: Path, look: Look, *, shown: str = "") -> Visit:
    """Opens a page, scrolls through it, and opens some layers.

    Args:
        browser: that is running.
        page: a report.
        look: the screen.
        shown: a text that must show as it is.
    """
    problems = []
    browser.open(page, width=look.width, height=look.height, scheme=look.scheme, phone=look.phone)
    if browser.dialog():
        problems.append("a name in it ran as a script")
    load_ms = browser.run(
        "const [entry] = performance.getEntriesByType('navigation');"
        "return entry.loadEventEnd - entry.startTime;"
    )
    if not browser.wait("!!document.documentElement.dataset.ready"):
        problems.append("its charts do not start")
    ready_ms = float(browser.run("return document.documentElement.dataset.ready") or "nan")
    opened = browser.run(_OPEN, _OPENED)
    if not browser.wait("window.scrolledThrough"):
        problems.append("it cannot be scrolled through")
    for figure in browser.run(_UNDRAWN):
        problems.append(f"chart {figure} is not drawn")
    if opened and not browser.run("return !!document.querySelector('details.layer .main-svg')"):
        problems.append("an open layer has no chart")
    wide = browser.run("return document.documentElement.scrollWidth")
    if wide > look.width:
        problems.append(f"it is {wide} pixels wide")
    if shown and shown not in browser.run("return document.body.innerText"):
        problems.append(f"{shown!r} does not show as it is")
    if browser.run("return !!document.querySelector(\"img:not([src^='data:'])\")"):
        problems.append("a name in it became a picture")
    problems += [f"logged {message}" for message in browser.errors()]
    problems += [f"asked for {url[:200]}" for url in browser.requests()]
    charts = browser.run("return document.querySelectorAll('.chart[data-drawn]').length")
    return Visit(load_ms=load_ms, ready_ms=ready_ms, charts=charts, problems=tuple(problems))


# Opens the first layers, then scrolls down, less than a screen a time, and back up. Between, frames
# pass: only then does a page learn what has come into view.
_OPEN = """
const layers = [...document.querySelectorAll("details.layer")].slice(0, arguments[0]);
layers.forEach((layer) => { layer.open = true; });
window.scrolledThrough = false;
let y = 0;
const step = () => {
  if (y > document.documentElement.scrollHeight) {
    window.scrollTo({top: 0, behavior: "instant"});
    window.scrolledThrough = true;
    return;
  }
  window.scrollTo({top: y, behavior: "instant"});
  y += window.innerHeight / 2;
  requestAnimationFrame(() => requestAnimationFrame(step));
};
step();
return layers.length;
"""
# Charts that a visitor sees empty.
_UNDRAWN = """
return [...document.querySelectorAll(".chart")]
  .filter((chart) => !chart.closest("details:not([open])") && !chart.querySelector(".main-svg"))
  .map((chart) => `${chart.dataset.figures}/${chart.dataset.key}`);
"""
