"""Solved layers on disk."""

import os
import zipfile

import numpy as np
import pytest

from tflq.tflite_side import Checkpoint
from tflq.tflite_side._checkpoint import _digest, _key
from tflq.tflite_side._layer_problem import LayerProblem, Rounded


def problem_of(seed=0):
    generator = np.random.default_rng(seed)
    return LayerProblem(
        rows=generator.normal(size=(1, 8, 3)).astype(np.float32),
        weights=generator.normal(size=(1, 3, 2)).astype(np.float32),
        bias=np.zeros((1, 1, 2), np.float32),
        target=np.zeros((1, 8, 2), np.float32),
        limits=(0.0, np.inf),
        scale=np.full((1, 1, 2), 0.5, np.float32),
        highest=7,
        per_channel=True,
    )


SOLVED = Rounded(
    codes=np.array([[[-7, 7], [0, 1], [2, -3]]], np.float32),
    scale=np.array([[[0.1, 0.3]]], np.float32),
)


@pytest.fixture
def saved(tmp_path):
    """A checkpoint and the file of its one layer."""
    checkpoint = Checkpoint(tmp_path / ".rounding")
    checkpoint.save("adaround", problem_of(), SOLVED)
    (file,) = (tmp_path / ".rounding").iterdir()
    return checkpoint, file


def test_a_solution_comes_back_as_it_was(saved):
    found = saved[0].load("adaround", problem_of())
    for name in ("codes", "scale"):
        came, kept = getattr(found, name), getattr(SOLVED, name)
        np.testing.assert_array_equal(came, kept)
        assert came.dtype == kept.dtype
    assert saved[0].load("least_squares", problem_of()) is None
    assert saved[0].load("adaround", problem_of(1)) is None


def test_anything_that_is_damaged_is_no_solution(saved):
    checkpoint, file = saved
    content = file.read_bytes()
    for place in range(len(content)):
        file.write_bytes(content[:place])
        assert checkpoint.load("adaround", problem_of()) is None
        turned = bytes([content[place] ^ 4])
        file.write_bytes(content[:place] + turned + content[place + 1 :])
        assert checkpoint.load("adaround", problem_of()) is None
    file.write_bytes(content + b"x")
    assert checkpoint.load("adaround", problem_of()) is None
    file.write_bytes(content)
    assert checkpoint.load("adaround", problem_of()) is not None


@pytest.mark.parametrize(
    ("codes", "scale"),
    [
        (8, 0.1),
        (-8, 0.1),
        (-32768, 0.1),
        (1, np.nan),
        (1, np.inf),
        (1, 0.0),
        (1, -0.1),
    ],
)
def test_numbers_that_cannot_be_are_no_solution(saved, codes, scale):
    checkpoint, _ = saved
    wrong = Rounded(
        codes=np.full((1, 3, 2), codes, np.float32), scale=np.full((1, 1, 2), scale, np.float32)
    )
    checkpoint.save("adaround", problem_of(), wrong)
    assert checkpoint.load("adaround", problem_of()) is None


def test_another_layers_file_is_no_solution(saved):
    checkpoint, file = saved
    other = problem_of(1)
    checkpoint.save("adaround", other, SOLVED)
    (second,) = set(file.parent.iterdir()) - {file}
    second.write_bytes(file.read_bytes())
    assert checkpoint.load("adaround", other) is None


def test_pickles_and_bombs_are_no_solution(saved):
    checkpoint, file = saved
    np.savez(file.with_suffix(".npz"), codes=np.array([{}], object), scale=np.ones(1))
    file.with_suffix(".npz").rename(file)
    assert checkpoint.load("adaround", problem_of()) is None
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("codes.npy", bytes(10_000_000))
    assert checkpoint.load("adaround", problem_of()) is None


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_file_is_no_solution_and_is_replaced(saved, kind, tmp_path):
    checkpoint, file = saved
    precious = tmp_path / "precious"
    file.rename(precious)
    content = precious.read_bytes()
    if kind == "link":
        file.symlink_to(precious)
    elif kind == "pipe":
        os.mkfifo(file)
    else:
        file.mkdir()
    assert checkpoint.load("adaround", problem_of()) is None
    other = Rounded(codes=-SOLVED.codes, scale=SOLVED.scale)
    checkpoint.save("adaround", problem_of(), other)
    np.testing.assert_array_equal(checkpoint.load("adaround", problem_of()).codes, other.codes)
    assert precious.read_bytes() == content


def test_it_is_cleared_unless_another_program_works_there(saved):
    checkpoint, file = saved
    with checkpoint.kept_to_one():
        checkpoint.clear()
        assert file.exists()
    checkpoint.clear()
    assert not file.parent.exists()


def test_the_digest_tells_of_which_layer_it_is(saved):
    _, file = saved
    content = file.read_bytes()
    assert content.startswith(_digest(_key("adaround", problem_of()), content))


def test_a_run_that_solved_nothing_leaves_nothing(tmp_path):
    checkpoint = Checkpoint(tmp_path / ".rounding")
    with pytest.raises(KeyboardInterrupt), checkpoint.kept_to_one():
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())
    with pytest.raises(KeyboardInterrupt), checkpoint.kept_to_one():
        checkpoint.save("adaround", problem_of(), SOLVED)
        raise KeyboardInterrupt
    assert checkpoint.load("adaround", problem_of()) is not None
