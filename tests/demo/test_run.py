"""The demo itself, on the real network and photos that the extra `demo` brings."""

import json

import numpy as np
import pytest
from PIL import Image

from tflq import UserError, calibrators
from tflq.data import ImageOptions
from tflq.demo import (
    efficientnet_lite,
    labelled_photos,
    load_efficientnet_lite,
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
        assert row.agreement >= 0.85 and row.sqnr_db > 16, row
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


def test_photos_have_labels():
    photos = labelled_photos()
    assert len(photos) == 20 and all(0 <= label < 1000 for _, label in photos)


def test_the_other_variant_agrees_with_the_labels_too():
    model = load_efficientnet_lite(1)
    from tflq._source import open_model

    spec = open_model(model).inputs[0]
    prepare = ImageOptions(preset="efficientnet-lite").preparation(spec)
    photos = labelled_photos()
    images = np.stack([prepare(path, path.name) for path, _ in photos])
    found = np.argmax(model(images), axis=1) == [label for _, label in photos]
    assert found.mean() >= 0.85


def test_an_unknown_variant_is_refused():
    with pytest.raises(UserError, match="variant=7"):
        efficientnet_lite(7)


@pytest.mark.parametrize("function", [labelled_photos, lambda: load_efficientnet_lite(0)])
def test_a_missing_extra_is_named(function, monkeypatch):
    import importlib.metadata

    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "files", absent)
    with pytest.raises(UserError, match="pip install"):
        function()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be made"):
        run_demo(str(tmp_path / "file" / "folder"))
