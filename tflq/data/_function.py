"""Samples from a user's function, named as `module:function`."""

import contextlib
import importlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tflq._errors import UserError

_PATTERN = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


def is_function_name(spec: str) -> bool:
    """Whether the text has the form `package.module:function`."""
    return _PATTERN.fullmatch(spec) is not None


def load_function(spec: str) -> Any:
    """Calls a function of an installed module or one in the current folder.

    Args:
        spec: `module:function`; the function takes no arguments.

    Returns:
        What it returns. A generator is replaced by an iterable that calls the function again
        for every iteration, so that it can be read more than once.

    Raises:
        UserError: there is no such module or function, or it fails.
    """
    function = find_function(spec, what="data")
    result = _call(function, spec)
    return _Generated(function, spec) if isinstance(result, Iterator) else result


class _Generated:
    """The stream of a generator function."""

    def __init__(self, function: Callable[[], Any], spec: str):
        self._function = function
        self._spec = spec

    def __iter__(self) -> Iterator[Any]:
        elements = iter(_call(self._function, self._spec))
        while True:
            try:
                element = next(elements)
            except StopIteration:
                return
            except Exception as error:
                raise _failed(self._spec, error) from error
            yield element


def find_function(spec: str, *, what: str) -> Callable[..., Any]:
    """A function of an installed module or one in the current folder.

    Args:
        spec: `module:function`.
        what: the argument that names it, for messages.

    Raises:
        UserError: there is no such module or function, or importing it fails.
    """
    module, name = spec.split(":")
    try:
        with _current_folder():
            found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(f"{error.name}.")):
            raise UserError(
                f"module {module!r} is neither in the current folder nor installed; write "
                f"{what} as module:function."
            ) from error
        raise _failed(f"import {module}", error) from error
    # A script without a main guard may also end the process.
    except (Exception, SystemExit) as error:
        raise _failed(f"import {module}", error) from error
    function = getattr(found, name, None)
    if not callable(function):
        own = [
            key
            for key, value in vars(found).items()
            if getattr(value, "__module__", None) == module and callable(value)
        ]
        raise UserError(
            f"module {module!r} has no function {name!r} (it has: {', '.join(own) or 'none'})."
        )
    return function  # type: ignore[no-any-return]


def _call(function: Callable[[], Any], spec: str) -> Any:
    try:
        return function()
    except Exception as error:
        raise _failed(spec, error) from error


@contextlib.contextmanager
def _current_folder() -> Iterator[None]:
    """Looks there first for what the user names, and last for all that is imported later.

    The console script's own path lacks it. Were it to stay first, files beside a downloaded model
    would go for modules that tflq itself imports when it needs them.
    """
    current = str(Path.cwd())
    sys.path.insert(0, current)
    try:
        yield
    finally:
        sys.path.remove(current)
        if current not in sys.path and "" not in sys.path:
            sys.path.append(current)


def _failed(what: str, error: BaseException) -> UserError:
    return UserError(f"{what} failed with {type(error).__name__}: {error}; repair it.")
