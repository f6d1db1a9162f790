import collections
import io
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tflq import UserError
from tflq.demo import read_state_dict
from tflq.demo._torch_archive import _MAGIC


class _Global:
    """Pickles as a bare name, whether or not the module is installed."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class _Pickler(pickle._Pickler):
    """Writes names of torch and references to storages as torch does, without torch."""

    def persistent_id(self, obj):
        return obj.pid if isinstance(obj, _Reference) else None

    def save_name(self, obj):
        self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())

    dispatch = pickle._Pickler.dispatch | {_Global: save_name}


class _Reference:
    def __init__(self, key, length, kind="FloatStorage"):
        self.pid = ("storage", _Global("torch", kind), key, "cpu", length, None)


_REBUILD = ("torch._utils", "_rebuild_tensor_v2")


class _View:
    def __init__(self, storage, offset, shape, strides, function=_REBUILD):
        self.arguments = (storage, offset, shape, strides, False, collections.OrderedDict())
        self.function = function


def _save_view(pickler, view):
    pickler.save(_Global(*view.function))
    pickler.save(view.arguments)
    pickler.write(pickle.REDUCE)


_Pickler.dispatch[_View] = _save_view


def _archive(views, storages, magic=_MAGIC):
    stream = io.BytesIO()
    for part in (magic, 1001, {"little_endian": True}, views, list(storages)):
        _Pickler(stream, protocol=2).dump(part)
    for values in storages.values():
        stream.write(struct.pack("<q", values.size) + values.tobytes())
    return stream.getvalue()


VALUES = np.arange(12, dtype=np.float32)


def _sound():
    view = _View(_Reference("0", 12), 0, (3, 4), (4, 1))
    turned = _View(_Reference("0", 12), 1, (2, 3), (1, 4))
    return _archive({"weight": view, "turned": turned}, {"0": VALUES})


def _read(tmp_path, content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    return read_state_dict(path)


def test_views_of_a_shared_storage(tmp_path):
    state = _read(tmp_path, _sound())
    np.testing.assert_array_equal(state["weight"], VALUES.reshape(3, 4))
    np.testing.assert_array_equal(state["turned"], [[1, 5, 9], [2, 6, 10]])


def test_other_dtypes(tmp_path):
    view = _View(_Reference("0", 1, "LongStorage"), 0, (), ())
    state = _read(tmp_path, _archive({"count": view}, {"0": np.array([7], np.int64)}))
    assert state["count"] == 7


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        (_View(_Reference("0", 12), 0, (3, 5), (4, 1)), "outside of its storage"),
        (_View(_Reference("0", 12), -1, (3, 4), (4, 1)), "outside of its storage"),
        (_View(_Reference("0", 12), 0, (3, 4), (-4, 1)), "outside of its storage"),
        (_View(_Reference("0", 99), 0, (3, 4), (4, 1)), "another length"),
        (_View(_Reference("0", 12), 0, (3, 4), (4, 1), ("os", "system")), "no place among weights"),
        (_View(_Reference("0", 12, "nn.Module"), 0, (3,), (1,)), "no place among weights"),
    ],
)
def test_what_is_no_plain_tensor_is_refused(view, reason, tmp_path):
    with pytest.raises(UserError, match=reason):
        _read(tmp_path, _archive({"weight": view}, {"0": VALUES}))


def test_another_container_is_refused(tmp_path):
    with pytest.raises(UserError, match="not a legacy torch container"):
        _read(tmp_path, _archive({}, {}, magic=5))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"gone\.pth.*cannot be read"):
        read_state_dict(tmp_path / "gone.pth")


def _reads_or_says_why(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("fuzz") / "w.pth"
    path.write_bytes(content)
    try:
        read_state_dict(path)
    except UserError as error:
        assert "w.pth" in str(error)


@settings(max_examples=100)
@given(st.data())
def test_damaged_archives_are_read_or_refused(tmp_path_factory, data):
    content = bytearray(_sound())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    _reads_or_says_why(tmp_path_factory, bytes(content[: data.draw(st.integers(0, len(content)))]))


@settings(max_examples=100)
@given(st.binary(max_size=200))
def test_random_bytes_are_refused(tmp_path_factory, content):
    _reads_or_says_why(tmp_path_factory, content)
