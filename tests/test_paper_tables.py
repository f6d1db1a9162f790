"""The paper's tables, with tiny networks in place of the paper's."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import paper_figures
import paper_networks
import paper_rows
import paper_stand_ins
import paper_subjects
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from imagenet import labelled
from paper_cells import round_weights, rounded
from paper_run import reproduce

from tflq import UserError
from tflq._source import open_model
from tflq.affine import Mode
from tflq.tflite_side import Graph, Runner

ROOT = Path(__file__).resolve().parent.parent
CELLS = {n: 2 * len(table.columns) for n, table in paper_rows.TABLES.items()}


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setattr(paper_rows, "TABLES", paper_rows.TABLES)
    before = dict(paper_rows.TABLES)
    paper_stand_ins.install(monkeypatch.setattr)
    yield
    paper_rows.TABLES.update(before)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for index in range(24):
        pixels = rng.integers(0, 255, (20, 24, 3), np.uint8)
        PIL.Image.fromarray(pixels).save(folder / f"{index % 6:03}_{index}.jpg")
    return folder


def rows(folder, number):
    return [json.loads(line) for line in (folder / f"table{number}.jsonl").open()]


def start(*arguments, hold=None):
    """The program, with the tiny networks."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tools"), *filter(None, sys.path)])
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "paper_stand_ins.py"), *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": path, "HOLD": str(hold or "")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_all_tables_in_one_go(tmp_path, photos):
    assert reproduce([1, 2, 3, 4], folder=tmp_path, imagenet=photos, smoke=True) == 0
    for number, table in paper_rows.TABLES.items():
        found = rows(tmp_path, number)
        assert [(r["network"], r["column"]) for r in found] == [
            (name, column) for name in table.networks for column in table.columns
        ]
        assert all(row["real"] == (row["network"] == "tiny_conv") for row in found)
        assert all(row["sqnr_db"] > 5 for row in found)
        assert all(0 <= row["top1"] <= 1 for row in found if row["real"])
        told = json.loads((tmp_path / f"table{number}.json").read_text())
        measured = [cell for cell in told["cells"] if cell["measured"]]
        assert len(measured) == len(found)
        assert "not measured" not in (tmp_path / f"table{number}.md").read_text()
    page = (tmp_path / "PAPER_TABLES.md").read_text()
    assert all(table.title in page for table in paper_rows.TABLES.values())
    assert "ImageNet weights" in page and "no trained ones" in page
    assert str(tmp_path) not in page and str(photos) not in page


def test_a_killed_run_goes_on_and_two_at_once_are_refused(tmp_path):
    folder, hold = tmp_path / "out", tmp_path / "hold"
    process = start("--smoke", "--table=1,3", f"--output={folder}", hold=hold)
    try:
        while not hold.exists() and process.poll() is None:
            time.sleep(0.05)
        assert process.poll() is None, process.stderr.read()
        with pytest.raises(UserError, match=r"in use by another run of paper_tables\.py"):
            reproduce([1], folder=folder, smoke=True)
    finally:
        process.kill()
        process.communicate()
    before = (folder / "table1.jsonl").read_bytes()
    assert [row["network"] for row in rows(folder, 1)] == 3 * ["tiny_conv"]
    (folder / "table1.jsonl").write_bytes(before + b'{"network": "tiny_de')
    assert reproduce([1, 3], folder=folder, smoke=True) == 0
    after = (folder / "table1.jsonl").read_bytes()
    assert after.startswith(before)
    assert after.count(b"tiny_conv") == 3
    assert after.count(b'"tiny_dense"') == 3
    assert len(rows(folder, 3)) == CELLS[3]


def test_nothing_is_measured_twice(tmp_path, monkeypatch):
    assert reproduce([3], folder=tmp_path, smoke=True) == 0
    monkeypatch.setattr(paper_subjects, "open_model", None)
    assert reproduce([3], folder=tmp_path, smoke=True) == 0
    assert len(rows(tmp_path, 3)) == CELLS[3]


def test_what_a_smoke_found_does_not_stand_for_a_measurement(tmp_path):
    assert reproduce([3], folder=tmp_path, smoke=True, models=["tiny_dense"]) == 0
    assert reproduce([3], folder=tmp_path, models=["tiny_dense"]) == 0
    assert [row["full"] for row in rows(tmp_path, 3)] == [False, True]
    page = (tmp_path / "table3.md").read_text()
    assert "smoke:" not in page
    assert "not measured: `--table=3 --models=tiny_conv`" in page


def test_a_failing_network_is_recorded_and_tried_again(tmp_path, monkeypatch):
    def build(smoke, weights):
        raise ValueError("no layer in /some/where/model.json | here\nand more")

    fine = paper_subjects.NETWORKS["tiny_conv"]
    broken = dataclasses.replace(fine, build=build)
    monkeypatch.setitem(paper_subjects.NETWORKS, "tiny_conv", broken)
    assert reproduce([3], folder=tmp_path, smoke=True) == 1
    failed, other = rows(tmp_path, 3)
    assert failed["error"] == "ValueError: no layer in model.json | here"
    assert "error" not in other
    assert "failed: ValueError: no layer in model.json / here" in (
        tmp_path / "table3.md"
    ).read_text().replace("\\", "")
    monkeypatch.setitem(paper_subjects.NETWORKS, "tiny_conv", fine)
    assert reproduce([3], folder=tmp_path, smoke=True) == 0
    assert len(rows(tmp_path, 3)) == 3
    assert "failed" not in (tmp_path / "table3.md").read_text()


def test_weights_that_cannot_be_had_are_asked_for_again(tmp_path, photos, monkeypatch):
    def build(smoke, weights):
        if weights is not None:
            raise OSError("no network")
        return paper_stand_ins.conv(smoke, weights)

    fine = paper_subjects.NETWORKS["tiny_conv"]
    offline = dataclasses.replace(fine, build=build)
    monkeypatch.setitem(paper_subjects.NETWORKS, "tiny_conv", offline)
    options = {"folder": tmp_path, "smoke": True, "models": ["tiny_conv"], "imagenet": photos}
    for _ in range(2):
        assert reproduce([3], **options) == 0
        (row,) = rows(tmp_path, 3)
        assert not row["real"] and row["weights"] == "none here"
    assert "none here; rerun with network" in (tmp_path / "table3.md").read_text()
    monkeypatch.setitem(paper_subjects.NETWORKS, "tiny_conv", fine)
    assert reproduce([3], **options) == 0
    assert rows(tmp_path, 3)[1]["real"]
    assert " %" in (tmp_path / "table3.md").read_text()


def test_mistakes_are_told_in_a_sentence(tmp_path):
    folder = tmp_path / "out"
    with pytest.raises(UserError, match="'alexnet' is unknown; choose one of: tiny_conv, tiny_d"):
        reproduce([1], folder=folder, models=["alexnet"])
    with pytest.raises(UserError, match="'nowhere' of ImageNet does not exist"):
        reproduce([1], folder=folder, imagenet=Path("nowhere"))
    process = subprocess.run(
        [sys.executable, ROOT / "tools" / "paper_tables.py", "--table=1", "--table=5"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 2
    told = process.stderr.splitlines()[-1]
    assert told.startswith("paper_tables.py: --table is '1,5'; give one or more of: 1, 2, 3, 4")
    assert not list(tmp_path.iterdir())


def test_photos_in_a_folder_a_class(tmp_path):
    for index in range(1000):
        (tmp_path / f"n{index:08}").mkdir()
    (tmp_path / "n00000007" / "b.JPEG").touch()
    (tmp_path / "n00000007" / "a.JPEG").touch()
    (tmp_path / "n00000999" / "c.JPEG").touch()
    assert [(p.file.name, p.label) for p in labelled(tmp_path)] == [
        ("a.JPEG", 7),
        ("b.JPEG", 7),
        ("c.JPEG", 999),
    ]
    (tmp_path / "n00000000").rmdir()
    with pytest.raises(UserError, match="999 folders and 3 photos"):
        labelled(tmp_path)


def expected(weights, axis, mode, per_channel):
    """8 bits, channel by channel, in plain NumPy."""
    if per_channel:
        parts = [expected(part, 0, mode, False) for part in np.moveaxis(weights, axis, 0)]
        return np.moveaxis(np.stack(parts), 0, axis)
    weights = weights.astype(np.float64)
    if mode is Mode.ASYMMETRIC:
        low, high = min(weights.min(), 0.0), max(weights.max(), 0.0)
        if low == high:
            return weights
        scale = (high - low) / 255
        zero = -128 - np.trunc(low / scale - 0.5)
        codes = np.clip(np.rint(weights / scale) + zero, -128, 127)
        return scale * (codes - zero)
    scale = np.abs(weights).max() / 127
    return weights if scale == 0 else scale * np.clip(np.rint(weights / scale), -127, 127)


@settings(deadline=None, max_examples=60)
@given(
    weights=arrays.arrays(
        np.float32,
        arrays.array_shapes(min_dims=2, max_dims=4, max_side=5),
        elements=st.integers(-1000, 1000).map(lambda n: n / 128),
    ),
    mode=st.sampled_from([Mode.ASYMMETRIC, Mode.SYMMETRIC_RESTRICTED]),
    per_channel=st.booleans(),
    data=st.data(),
)
def test_weights_are_rounded_as_numpy_does(weights, mode, per_channel, data):
    axis = data.draw(st.integers(0, weights.ndim - 1))
    came = rounded(weights, axis=axis, mode=mode, per_channel=per_channel)
    wanted = expected(weights, axis, mode, per_channel)
    # Where a zero point lies between two codes, either is right: half a step apart.
    step = np.ptp(weights) / 255 + 1e-6
    assert np.abs(came - weights).max() <= 1.01 * (np.abs(weights).max() / 127 + 1e-6)
    assert np.abs(came - wanted).max() <= step
    if mode is not Mode.ASYMMETRIC:
        np.testing.assert_allclose(came, wanted, rtol=1e-6)


@pytest.mark.parametrize("column", paper_rows.TABLES[1].columns)
def test_every_layer_of_a_file_is_rounded(column):
    way = paper_rows.TABLES[1].columns[column]
    source = open_model(paper_stand_ins.conv(False, None))
    content = source.tflite
    before, after = Graph.from_bytes(content), Graph.from_bytes(round_weights(content, way))
    changed = 0
    for op, new in zip(before.ops, after.ops, strict=True):
        if op.kind not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            continue
        old, came = before.constant(op.inputs[1]), after.constant(new.inputs[1])
        axis = 3 if op.kind == "DEPTHWISE_CONV_2D" else 0
        for channel in range(old.shape[axis] if way.per_channel else 1):
            part = np.take(came, [channel], axis) if way.per_channel else came
            assert len(np.unique(part)) <= 256
        np.testing.assert_array_equal(
            came, rounded(old, axis=axis, mode=way.mode, per_channel=way.per_channel)
        )
        changed += not np.array_equal(old, came)
    assert changed == 3
    sample = np.random.default_rng(0).normal(size=(1, 16, 16, 3)).astype(np.float32)
    runners = [Runner(c, inputs=source.inputs) for c in (content, round_weights(content, way))]
    plain, coarse = (runner.run({"image": sample})[0] for runner in runners)
    np.testing.assert_allclose(plain, coarse, atol=0.05)


def test_figures_belong_to_rows_and_columns():
    tables = {n: t.networks for n, t in TRUE_TABLES.items()}
    for number, sources in paper_figures.SOURCES.items():
        for source in sources:
            assert source.basis in paper_figures.MARKS
            assert set(source.values) <= set(tables[number])
            assert set(source.columns) <= {"float", *TRUE_TABLES[number].columns}
            assert all(len(v) == len(source.columns) for v in source.values.values())
            assert set(source.units) <= set(source.values)
    assert str(paper_figures.published(2, "efficientnet_lite0", "w4a8")) == "-1.51 points‡"
    assert str(paper_figures.published(3, "mask_rcnn", "w8")) == "37.84 mAP†"


def test_every_row_is_a_network():
    for table in TRUE_TABLES.values():
        assert set(table.networks) <= set(TRUE_NETWORKS)


TRUE_TABLES = dict(paper_rows.TABLES)
TRUE_NETWORKS = dict(paper_networks.NETWORKS)
