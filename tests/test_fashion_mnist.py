"""The reader of tools/fashion_mnist.py."""

import contextlib
import gzip
import struct

import numpy as np
import pytest
from fashion_mnist import load_fashion_mnist, read_idx
from hypothesis import given, settings
from hypothesis import strategies as st

from tflq import UserError

IMAGES = np.arange(3 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(3, 28, 28)
LABELS = np.array([4, 0, 9], np.uint8)


def _idx(values):
    header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    return header + values.tobytes()


@pytest.fixture
def folder(tmp_path):
    for part in ("train", "t10k"):
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(_idx(IMAGES)))
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(_idx(LABELS)))
    return tmp_path


def test_images_come_padded_and_scaled(folder):
    (images, labels), _ = load_fashion_mnist(folder)
    assert images.shape == (3, 32, 32, 1) and images.dtype == np.float32
    assert images[0, 0, 0, 0] == -1
    np.testing.assert_allclose(images[1, 2:30, 2:30, 0], (IMAGES[1] - 127.5) / 127.5, atol=1e-6)
    np.testing.assert_array_equal(labels, LABELS)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"train-images.*does not exist; apt-get install"):
        load_fashion_mnist(tmp_path)


def test_images_without_labels_are_refused(folder):
    file = folder / "t10k-labels-idx1-ubyte.gz"
    file.write_bytes(gzip.compress(_idx(LABELS[:2])))
    with pytest.raises(UserError, match="has 3 t10k images and 2 labels"):
        load_fashion_mnist(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no gzip",
        gzip.compress(b""),
        gzip.compress(_idx(LABELS)),
        gzip.compress(_idx(IMAGES)[:-1]),
        gzip.compress(_idx(IMAGES)[:9]),
        gzip.compress(_idx(IMAGES))[:-20],
        gzip.compress(_idx(IMAGES.astype(np.float32))),
    ],
)
def test_damage_is_one_sentence(content, tmp_path):
    file = tmp_path / "images.gz"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"images\.gz.*install the package again") as caught:
        read_idx(file, dimensions=3)
    assert "\n" not in str(caught.value)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_damage_is_refused_or_harmless(data, tmp_path_factory):
    whole = bytearray(gzip.compress(_idx(LABELS), mtime=0))
    packed = data.draw(st.booleans())
    content = whole if packed else bytearray(_idx(LABELS))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    file = tmp_path_factory.mktemp("fuzz") / "labels.gz"
    file.write_bytes(bytes(content) if packed else gzip.compress(bytes(content)))
    with contextlib.suppress(UserError):
        assert read_idx(file, dimensions=1).dtype == np.uint8
