import shutil

import pytest
from page_check.browser import Browser
from page_check.networks import HOSTILE, hostile_file
from page_check.visit import LOOKS, visit

import tflq

pytestmark = pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")),
    reason="chromium is not installed; tools/check_page.py installs it",
)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    model, data = hostile_file(folder / "small.tflite")
    tflq.report(model, folder / "page.html", data=data, latency=False)
    return folder / "page.html"


@pytest.fixture(scope="module")
def browser():
    with Browser() as running:
        yield running


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_the_page_on_every_screen(look, browser, page):
    found = visit(browser, page, look, shown=HOSTILE)
    assert found.problems == () and found.charts > 10


def test_charts_of_closed_layers_wait_until_they_are_opened(browser, page):
    browser.open(page, width=1280, height=900, scheme="light", phone=False)
    assert browser.wait("!!document.documentElement.dataset.ready")
    drawn = "document.querySelectorAll('#layer-2 .main-svg').length > 0"
    assert not browser.run(f"return {drawn}")
    browser.run("location.hash = 'layer-2'")
    assert browser.wait(drawn)


def test_colours_follow_the_user(browser, page):
    seen = set()
    for scheme in ("light", "dark"):
        browser.open(page, width=1280, height=900, scheme=scheme, phone=False)
        seen.add(browser.run("return getComputedStyle(document.body).backgroundColor"))
    assert len(seen) == 2


def test_a_page_that_breaks_the_rules_is_found(browser, tmp_path):
    page = tmp_path / "bad.html"
    page.write_text(
        "<div style='width: 3000px'>x</div><img src='http://127.0.0.1:9/x.png'>"
        "<div class='chart' data-figures='f' data-key='k'></div>"
    )
    problems = " ".join(visit(browser, page, LOOKS[2], shown="missing").problems)
    for part in ("pixels wide", "asked for http", "chart f/k", "'missing'", "became a picture"):
        assert part in problems
