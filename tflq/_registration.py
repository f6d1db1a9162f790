"""Makes the layers of quantized models known to Keras, whichever is imported first.

`keras.saving.load_model` finds registered classes only. Importing Keras for that would cost seconds
at every `import tflq`, so the layers are registered when the user's program imports it.
"""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_KERAS, _LAYERS = "keras", "tflq.qat"


def register_with_keras() -> None:
    """Registers the layers now where Keras is imported, else as soon as it is."""
    if _KERAS in sys.modules:
        _import_layers()
    else:
        sys.meta_path.insert(0, _AfterKeras())


def _import_layers() -> None:
    keras = sys.modules[_KERAS]
    # Its other backends cannot run them.
    if keras.backend.backend() == "tensorflow":
        importlib.import_module(_LAYERS)


class _AfterKeras(MetaPathFinder):
    """Lets the import of Keras go its way, and does something more after it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _KERAS:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Registering(spec.loader)
        return spec


class _Registering(Loader):
    """A loader that imports the layers after the module it loads."""

    def __init__(self, loader: Loader):
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        _import_layers()
