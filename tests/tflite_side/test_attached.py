import io
import zipfile

import builders
import numpy as np
import pytest

import tflq
from tflq import UserError
from tflq.tflite_side import Runner, attach_files, attached_files

LABELS = {"labels.txt": b"cat\ndog\n", "more/vocabulary.txt": bytes(range(256)) * 40}


def archive_of(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def file(tmp_path):
    """A float file with files behind it, one of them compressed."""
    path = tmp_path / "float.tflite"
    path.write_bytes(builders.tflite(lambda x: x @ builders.weights(4, 3), (1, 4)))
    with zipfile.ZipFile(path, "a") as archive:
        for number, (name, content) in enumerate(LABELS.items()):
            kind = zipfile.ZIP_DEFLATED if number else zipfile.ZIP_STORED
            archive.writestr(name, content, compress_type=kind)
        archive.comment = b"of the cats"
    return path


@pytest.mark.parametrize("scheme", ["w8a8", "w8", "dynamic"])
def test_files_stay_behind_what_is_written(file, scheme, tmp_path):
    data = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
    target = tmp_path / "q.tflite"
    tflq.export(file, target, data=data, scheme=scheme)
    content = target.read_bytes()
    assert archive_of(content) == LABELS
    with zipfile.ZipFile(target) as archive:
        assert archive.comment == b"of the cats"
        kinds = [entry.compress_type for entry in archive.infolist()]
    assert kinds == [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]
    assert Runner(content).run({Runner(content).inputs[0].name: data[:1]})[0].shape == (1, 3)
    # And again from what was written.
    assert archive_of(attached_files(content, name="it")) == LABELS


def test_a_file_with_nothing_behind_it_stays_as_it_is(float_file):
    content = float_file.read_bytes()
    assert attached_files(content, name="it") == b""
    assert attach_files(content, b"") is content


def test_a_damaged_archive_is_refused(file):
    content = bytearray(file.read_bytes())
    place = content.index(b"cat\ndog")
    content[place : place + 3] = b"cow"
    with pytest.raises(UserError, match=r"behind my file cannot be read .*CRC"):
        attached_files(bytes(content), name="my file")


def test_an_archive_that_claims_too_much_is_refused(file, monkeypatch):
    import tflq.tflite_side._attached as module

    monkeypatch.setattr(module, "ATTACHED_BYTES", 1 << 10)
    with pytest.raises(UserError, match="when unpacked"):
        attached_files(file.read_bytes(), name="my file")
