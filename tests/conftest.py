"""Fixtures that several tests share."""

import networks
import pytest

import tflq


@pytest.fixture(scope="session")
def small_cnn():
    """The small network and its data; do not change them."""
    return networks.small_cnn()


@pytest.fixture(scope="session")
def float_file(small_cnn, tmp_path_factory):
    """Path of its float .tflite."""
    from tflq._source import open_model

    path = tmp_path_factory.mktemp("float") / "small.tflite"
    path.write_bytes(open_model(small_cnn[0]).tflite)
    return path


@pytest.fixture(scope="session")
def integer_file(small_cnn, tmp_path_factory):
    """Path of its int8 .tflite."""
    model, data = small_cnn
    path = tmp_path_factory.mktemp("integer") / "small.tflite"
    tflq.export(model, path, data=data, calibrator="minmax")
    return path
