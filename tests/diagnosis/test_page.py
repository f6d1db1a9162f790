import dataclasses
import json
import re

import pytest
from reports import layer

import tflq
from tflq.diagnosis import render
from tflq.diagnosis._figures import harm, histogram, text

HOSTILE = "<img src=x onerror=alert(1)></script><b>&amp;"


@pytest.fixture(scope="module")
def small(small_cnn, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "p.html"
    return tflq.report(small_cnn[0], path, data=small_cnn[1], latency=False)


@pytest.fixture(scope="module")
def page(small):
    """The page of a model whose names are HTML, without plotly's own script."""
    hostile = dataclasses.replace(
        small,
        verdict=HOSTILE,
        layers=(layer(layer=HOSTILE), *small.layers),
        export=dataclasses.replace(small.export, source=HOSTILE),
        ops=tuple(dataclasses.replace(op, layer=HOSTILE, kind=HOSTILE) for op in small.ops),
    )
    return re.sub(r"<script(>| type=.text/plain).*?</script>", "", render(hostile), flags=re.S)


def test_names_are_escaped_everywhere(page):
    assert "<img src=x" not in page and "</script><b>" not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") > 5


def test_data_is_escaped_for_scripts_and_for_plotly(page):
    found = re.findall(r'<script type="application/json" id="([^"]+)">(.*?)</script>', page, re.S)
    figures = {name: json.loads(content) for name, content in found}
    assert len(figures) == len(found) > 5
    labels = figures["figures-layers"]["harm"]["layout"]["yaxis"]["ticktext"]
    assert labels[0].startswith("&lt;img src=x") and "<" not in labels[0]


def test_the_page_allows_its_own_scripts_only(small):
    whole = render(small)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', whole)
    assert policy.startswith("default-src 'none'") and policy.count("'sha256-") == 2
    assert "unsafe" not in policy.partition("script-src")[2]


def test_nothing_is_asked_of_the_network(page):
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    assert "url(" not in page and "@import" not in page


def test_pages_are_the_same_each_time(small):
    assert render(small) == render(small)


def test_every_chart_has_data_and_words(page):
    charts = re.findall(r'aria-label="([^"]+)" data-figures="([^"]+)" data-key="([^"]+)"', page)
    assert len(charts) > 10 and all(label for label, _, _ in charts)
    for _, figures, key in charts:
        assert re.search(rf'id="{figures}">[^<]*"{key}":', page)


def test_exact_layers_are_left_out_of_charts_and_named_exact(small):
    exact = dataclasses.replace(small, layers=(layer(alone_db=200.0, share=0.0),), advice=())
    whole = render(exact)
    assert "exact" in whole and "200.0 dB" not in whole


def test_long_names_are_shortened_on_axes_only():
    name = "block_one/with/a/long/path/convolution"
    figure = harm([layer(layer=name)])
    assert figure["layout"]["yaxis"]["ticktext"] == ["block_one/w…onvolution"]
    assert name in figure["data"][0]["text"][0]


def test_the_range_of_the_codes_is_marked():
    shapes = histogram(layer().activation)["layout"]["shapes"]
    assert [(shape["x0"], shape["x1"]) for shape in shapes] == [(0.0, 6.0), (0.0, 0.0), (6.0, 6.0)]


def test_text_for_plotly():
    assert text("<b>&") == "&lt;b&gt;&amp;"
