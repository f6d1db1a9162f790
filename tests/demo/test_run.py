"""The demo itself, on the real network and photos that the extra `demo` brings."""

import json

import pytest
from PIL import Image

from tflq import UserError, calibrators
from tflq.demo import (
    run_demo,
)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return run_demo(str(tmp_path_factory.mktemp("demo") / "new" / "folder"))


def test_the_real_network_knows_the_photos(result):
    base = result.rows[0]
    assert base.name == "float" and result.photos == 20
    assert base.top1 == 0.9
    assert [row.name for row in result.rows[1:]] == list(calibrators())


def test_every_calibrator_keeps_the_accuracy(result):
    for row in result.rows[1:]:
        assert row.agreement >= 0.85 and row.sqnr_db > 18, row
        assert result.rows[0].size > 3.4 * row.size


def test_ranges_are_held_but_in_nearly_dead_channels(result):
    assert {d.rule.split(" in ")[0] for d in result.report.deviations} == {"widened"}
    assert result.report.facts.delegation.whole
    assert result.report.facts.float_ops == () and result.report.facts.conversions == ()


def test_the_picture_is_a_picture(result):
    from pathlib import Path

    with Image.open(Path(result.folder) / result.picture) as picture:
        assert picture.size == (1200, 700)
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 20


def test_it_prints_and_dumps(result):
    assert "EfficientNet-Lite0" in str(result) and "latency" in str(result)
    assert json.loads(result.to_json())["rows"][0]["top1"] == 0.9


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be made"):
        run_demo(str(tmp_path / "file" / "folder"))
