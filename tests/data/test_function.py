import importlib
import sys

import numpy as np
import pytest

from tflq import UserError
from tflq.data import ImageOptions, InputSpec, from_path, samples
from tflq.data._function import is_function_name, load_function

X = InputSpec("x", (None, 4), np.float32)

SOURCE = """
import numpy as np

CALLS = []
NUMBER = 3

class Late:
    pass

def array():
    CALLS.append(1)
    return np.ones((5, 4))

def generator():
    CALLS.append(1)
    for i in range(3):
        yield np.full(4, i), i

def breaking():
    yield np.ones(4)
    raise KeyError("label")

def failing():
    raise RuntimeError("no such camera")

def nothing():
    pass

def demanding(path):
    pass

def lazy():
    import mylib_beside
    return mylib_beside.ROWS
"""


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    """A module `mydata` in the current folder."""
    (tmp_path / "mydata.py").write_text(SOURCE)
    (tmp_path / "mylib_beside.py").write_text("ROWS = [[1.0] * 4]")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "inner.py").write_text("def rows(): return [[2.0] * 4]")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    known = set(sys.modules)
    yield
    for name in set(sys.modules) - known:
        if name.split(".")[0] in ("mydata", "mylib_beside", "package", "broken"):
            del sys.modules[name]


def _read(spec):
    return list(samples(from_path(spec, [X], images=ImageOptions()), [X]))


@pytest.mark.parametrize(
    "text, yes",
    [
        ("a:b", True),
        ("a.b_1:c", True),
        ("ü:ß", True),
        ("a", False),
        (":b", False),
        ("a:", False),
        ("a:b:c", False),
        ("a/b:c", False),
        ("a..b:c", False),
        ("1a:b", False),
        ("a:b()", False),
        ("C:\\data", False),
        ("a:b\n", False),
    ],
)
def test_names_of_functions(text, yes):
    assert is_function_name(text) is yes


def test_an_array_is_returned_as_it_is():
    data = load_function("mydata:array")
    assert isinstance(data, np.ndarray)
    assert sys.modules["mydata"].CALLS == [1]
    assert len(_read("mydata:array")) == 5


def test_a_generator_can_be_read_again():
    found = samples(load_function("mydata:generator"), [X])
    for _ in range(2):
        assert [sample["x"][0, 0] for sample in found] == [0, 1, 2]


def test_modules_in_packages_and_imports_inside_the_function():
    assert _read("package.inner:rows")[0]["x"].tolist() == [[2.0] * 4]
    assert _read("mydata:lazy")[0]["x"].tolist() == [[1.0] * 4]


def test_the_current_folder_is_added_once(tmp_path):
    load_function("mydata:array"), load_function("mydata:array")
    assert sys.path.count(str(tmp_path)) == 1


def test_what_is_imported_later_is_not_taken_from_the_current_folder(tmp_path):
    load_function("mydata:array")
    (tmp_path / "colorsys.py").write_text("raise AssertionError('the one beside the model ran')")
    sys.modules.pop("colorsys", None)
    importlib.import_module("colorsys")


def test_a_file_goes_before_a_function(tmp_path):
    (tmp_path / "mydata:array").write_text("a file")
    with pytest.raises(UserError, match="of no kind that is known"):
        from_path("mydata:array", [X], images=ImageOptions())


@pytest.mark.parametrize("spec", ["nowhere:f", "nowhere.inner:f", "mydata.inner:f"])
def test_a_missing_module(spec):
    with pytest.raises(UserError, match=f"module '{spec[:-2]}' is neither in the current folder"):
        load_function(spec)


@pytest.mark.parametrize("name", ["absent", "NUMBER"])
def test_a_missing_function_lists_those_there_are(name):
    with pytest.raises(UserError, match=rf"no function '{name}' \(it has: Late, array, gener"):
        load_function(f"mydata:{name}")


def test_a_module_without_functions(tmp_path):
    with pytest.raises(UserError, match="it has: none"):
        load_function("mylib_beside:rows")


@pytest.mark.parametrize(
    "source, what",
    [
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
        ("1 / 0", "ZeroDivisionError"),
        ("def", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_a_module_that_fails(tmp_path, source, what):
    (tmp_path / "broken.py").write_text(source)
    with pytest.raises(UserError, match=f"^import broken failed with {what}"):
        load_function("broken:f")


def test_a_function_that_fails():
    with pytest.raises(UserError, match="mydata:failing failed with RuntimeError: no such cam"):
        load_function("mydata:failing")
    with pytest.raises(UserError, match=r"mydata:demanding failed with TypeError: .*'path'"):
        load_function("mydata:demanding")


def test_a_generator_that_fails_later():
    stream = iter(samples(load_function("mydata:breaking"), [X]))
    next(stream)
    with pytest.raises(UserError, match="mydata:breaking failed with KeyError: 'label'"):
        next(stream)


def test_a_function_that_returns_nothing():
    with pytest.raises(UserError, match="NoneType; give an array"):
        _read("mydata:nothing")
