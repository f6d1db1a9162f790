import sys

import numpy as np
import pytest
from PIL import Image

from tflq import UserError
from tflq.demo import draw_calibrators

COUNTS, EDGES = np.histogram(np.random.default_rng(0).normal(size=5000), 500)
# The colours that matplotlib gives to the first two lines.
BLUE, ORANGE = (31, 119, 180), (255, 127, 14)


def _draw(path, ranges=None, counts=COUNTS):
    draw_calibrators(
        path,
        histogram_edges=EDGES,
        counts=counts,
        ranges=ranges or {"minmax": (-3.5, 3.5), "mse": (-1.0, 2.5)},
        title="a layer",
    )


def _pixels(path):
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB"))


def _bar(pixels, colour):
    """First and last column of the longest horizontal run of a colour."""
    rows = (pixels == colour).all(axis=2)
    columns = np.flatnonzero(rows[rows.sum(axis=1).argmax()])
    return columns[0], columns[-1]


def test_size(tmp_path):
    _draw(tmp_path / "p.png")
    assert _pixels(tmp_path / "p.png").shape == (700, 1200, 3)


def test_brackets_lie_to_scale(tmp_path):
    _draw(tmp_path / "p.png")
    pixels = _pixels(tmp_path / "p.png")
    wide, narrow = _bar(pixels, BLUE), _bar(pixels, ORANGE)
    scale = (wide[1] - wide[0]) / 7.0
    assert narrow[1] - narrow[0] == pytest.approx(3.5 * scale, abs=6)
    assert narrow[0] - wide[0] == pytest.approx(2.5 * scale, abs=6)


def test_each_range_has_its_colour(tmp_path):
    _draw(tmp_path / "p.png", {"minmax": (-3.0, 3.0)})
    alone = _pixels(tmp_path / "p.png")
    assert (alone == BLUE).all(axis=2).any() and not (alone == ORANGE).all(axis=2).any()


def test_counts_change_the_picture_on_a_logarithmic_scale(tmp_path):
    """A hundredfold in one place is seen, and does not flatten the rest."""
    outlier = COUNTS.copy()
    outlier[0] = 100 * COUNTS.max()
    _draw(tmp_path / "a.png")
    _draw(tmp_path / "b.png", counts=outlier)
    grey = [
        (_pixels(tmp_path / name) == (154, 165, 177)).all(axis=2) for name in ("a.png", "b.png")
    ]
    assert not np.array_equal(*grey)
    assert grey[1].sum() > 0.3 * grey[0].sum()


def test_a_failure_leaves_the_old_picture(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    def fails(self, stream, **options):
        stream.write(b"half")
        raise RuntimeError("stopped")

    (tmp_path / "p.png").write_bytes(b"old")
    monkeypatch.setattr(Figure, "savefig", fails)
    with pytest.raises(RuntimeError, match="stopped"):
        _draw(tmp_path / "p.png")
    assert [(f.name, f.read_bytes()) for f in tmp_path.iterdir()] == [("p.png", b"old")]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match=r"p\.png.*could not be written"):
        _draw(tmp_path / "gone" / "p.png")


def test_absent_matplotlib_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(UserError, match=r"matplotlib.*tflq\[demo\]"):
        _draw(tmp_path / "p.png")
    assert list(tmp_path.iterdir()) == []
