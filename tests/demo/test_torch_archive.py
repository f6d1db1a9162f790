import collections
import io
import pickle
import struct
import zipfile

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


def _pickled(value, protocol=2):
    stream = io.BytesIO()
    _Pickler(stream, protocol=protocol).dump(value)
    return stream.getvalue()


def _archive(views, storages, magic=_MAGIC, protocol=2):
    """The container of torch before 1.6."""
    parts = (magic, 1001, {"little_endian": True}, views, list(storages))
    raw = [struct.pack("<q", values.size) + values.tobytes() for values in storages.values()]
    return b"".join([_pickled(part, protocol) for part in parts] + raw)


def _zip_archive(views, storages, byteorder=b"little", compression=zipfile.ZIP_STORED):
    """The container of torch since 1.6."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        archive.writestr("net/data.pkl", _pickled(views))
        archive.writestr("net/byteorder", byteorder)
        for key, values in storages.items():
            archive.writestr(f"net/data/{key}", values.tobytes())
    return stream.getvalue()


CONTAINERS = pytest.mark.parametrize("container", [_archive, _zip_archive])
VALUES = np.arange(12, dtype=np.float32)


def _sound(container):
    view = _View(_Reference("0", 12), 0, (3, 4), (4, 1))
    turned = _View(_Reference("0", 12), 1, (2, 3), (1, 4))
    return container({"weight": view, "turned": turned}, {"0": VALUES})


def _read(tmp_path, content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    return read_state_dict(path)


@CONTAINERS
def test_views_of_a_shared_storage(container, tmp_path):
    state = _read(tmp_path, _sound(container))
    np.testing.assert_array_equal(state["weight"], VALUES.reshape(3, 4))
    np.testing.assert_array_equal(state["turned"], [[1, 5, 9], [2, 6, 10]])


@CONTAINERS
def test_other_dtypes(container, tmp_path):
    view = _View(_Reference("0", 1, "LongStorage"), 0, (), ())
    state = _read(tmp_path, container({"count": view}, {"0": np.array([7], np.int64)}))
    assert state["count"] == 7 and state["count"].dtype == np.int64


def test_references_of_the_newer_container_have_five_items(tmp_path):
    reference = _Reference("0", 12)
    reference.pid = reference.pid[:5]
    state = _read(tmp_path, _zip_archive({"w": _View(reference, 0, (12,), (1,))}, {"0": VALUES}))
    np.testing.assert_array_equal(state["w"], VALUES)


def test_arrays_own_their_memory(tmp_path):
    state = _read(tmp_path, _sound(_archive))
    state["weight"][:] = -1
    assert state["turned"].min() == 1


_WHOLE = (0, (3, 4), (4, 1))


@CONTAINERS
@pytest.mark.parametrize(
    ("view", "reason"),
    [
        (_View(_Reference("0", 12), 0, (3, 5), (4, 1)), "outside of its storage"),
        (_View(_Reference("0", 12), -1, (3, 4), (4, 1)), "outside of its storage"),
        (_View(_Reference("0", 12), 0, (3, 4), (-4, 1)), "outside of its storage"),
        (_View(_Reference("0", 12), 0, (10**12,), (0,)), "larger than its storage"),
        (_View(_Reference("0", 99), *_WHOLE), "another length"),
        (_View(_Reference("0", -12), *_WHOLE), "not a storage"),
        (_View(_Reference("0", 12), *_WHOLE, ("os", "system")), "no place among weights"),
        (_View(_Reference("0", 12, "nn.Module"), 0, (3,), (1,)), "no place among weights"),
        (5, "no tensor"),
    ],
)
def test_what_is_no_plain_tensor_is_refused(container, view, reason, tmp_path):
    with pytest.raises(UserError, match=reason):
        _read(tmp_path, container({"weight": view}, {"0": VALUES}))


@CONTAINERS
def test_a_storage_that_is_missing_is_not_read_from_beyond(container, tmp_path):
    views = {"weight": _View(_Reference("0", 12), *_WHOLE)}
    with pytest.raises(UserError, match=r"outside of its storage|no item named"):
        _read(tmp_path, container(views, {}))


@CONTAINERS
def test_a_storage_has_one_length(container, tmp_path):
    views = {
        n: _View(_Reference("0", n_values), 0, (1,), (1,)) for n, n_values in (("a", 12), ("b", 6))
    }
    with pytest.raises(UserError, match="announced in two ways"):
        _read(tmp_path, container(views, {"0": VALUES}))


@CONTAINERS
def test_only_a_dict_is_a_state_dict(container, tmp_path):
    with pytest.raises(UserError, match="holds one list"):
        _read(tmp_path, container([1], {}))


def test_a_function_of_the_reader_cannot_be_changed_by_a_file(tmp_path):
    """BUILD with a pair sets attributes: on a class, that would outlive the file."""
    change = pickle.GLOBAL + b"torch._utils\n_rebuild_tensor_v2\n" + pickle.MARK + pickle.NONE
    change += _pickled({"array": 1})[2:-1] + pickle.TUPLE + pickle.BUILD + pickle.STOP
    with pytest.raises(UserError, match="AttributeError"):
        _read(tmp_path, change)
    assert _read(tmp_path, _sound(_archive))["weight"].shape == (3, 4)


def test_another_container_is_refused(tmp_path):
    with pytest.raises(UserError, match="not a torch container"):
        _read(tmp_path, _archive({}, {}, magic=5))


def test_a_newer_pickle_is_refused(tmp_path):
    with pytest.raises(UserError, match="newer than protocol 2"):
        _read(tmp_path, _archive({}, {}, protocol=4))


@pytest.mark.parametrize("index", [3, 1_600_000_000])
def test_an_index_far_beyond_the_memo_reserves_no_memory(index, tmp_path):
    put = pickle.LONG_BINPUT + struct.pack("<I", index)
    content = pickle.NONE + put + pickle.STOP
    with pytest.raises(UserError, match="skips entries of the memo"):
        _read(tmp_path, content)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"byteorder": b"big"}, "little-endian"),
        ({"compression": zipfile.ZIP_DEFLATED}, "compressed"),
    ],
)
def test_a_zip_archive_that_torch_did_not_write(options, reason, tmp_path):
    with pytest.raises(UserError, match=reason):
        _read(tmp_path, _zip_archive({}, {}, **options))


def test_a_zip_archive_of_something_else(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("notes.txt", "hello")
    with pytest.raises(UserError, match=r"without data\.pkl"):
        _read(tmp_path, stream.getvalue())


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"gone\.pth.*cannot be read"):
        read_state_dict(tmp_path / "gone.pth")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


def _reads_or_says_why(folder, content):
    try:
        state = _read(folder, content)
    except UserError as error:
        assert "weights.pth" in str(error)
    else:
        assert all(isinstance(values, np.ndarray) for values in state.values())


@CONTAINERS
@settings(max_examples=100)
@given(data=st.data())
def test_damaged_archives_are_read_or_refused(folder, container, data):
    content = bytearray(_sound(container))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    _reads_or_says_why(folder, bytes(content))


@CONTAINERS
@settings(max_examples=50)
@given(data=st.data())
def test_truncated_archives_are_refused(folder, container, data):
    content = _sound(container)
    with pytest.raises(UserError, match="cannot be read"):
        _read(folder, content[: data.draw(st.integers(0, len(content) - 1))])


@settings(max_examples=100)
@given(st.binary(max_size=200), st.sampled_from([b"", b"PK\x03\x04", pickle.PROTO + b"\x02"]))
def test_random_bytes_are_refused(folder, content, start):
    _reads_or_says_why(folder, start + content)
