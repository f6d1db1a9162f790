"""Makes the layers of quantized models known to Keras, whichever is imported first.

`keras.saving.load_model` finds registered classes only. Importing Keras for that would cost seconds
at every `import tflq`, so the layers are registered when the user's program has imported it.
"""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

# Each imports the other, so that the layers have to wait for both.
_NEEDED = ("keras", "tensorflow")
_LAYERS = "tflq.qat"


def register_with_keras() -> None:
    """Registers the layers now where Keras is imported, else as soon as it is."""
    if any(name not in sys.modules for name in _NEEDED):
        sys.meta_path.insert(0, _Watcher())
    _import_layers(just_loaded=None)


def _import_layers(*, just_loaded: str | None) -> None:
    """Imports the layers if all that they need is loaded."""
    for name in _NEEDED:
        module = sys.modules.get(name)
        if module is None:
            return
        if name != just_loaded and getattr(module.__spec__, "_initializing", False):
            return
    # Keras's other backends cannot run them.
    if sys.modules["keras"].backend.backend() == "tensorflow":
        importlib.import_module(_LAYERS)


class _Watcher(MetaPathFinder):
    """Lets imports go their way, and does something more after some."""

    def __init__(self) -> None:
        self._looking = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's own spec, with a loader that registers the layers in the end.

        Asking for a spec need not mean loading it: whoever only looks may do so again.
        """
        if self._looking or fullname not in _NEEDED:
            return None
        self._looking = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._looking = False
        if spec is not None and spec.loader is not None:
            spec.loader = _Registering(spec.loader)
        return spec


class _Registering(Loader):
    """A loader that imports the layers after the module it loads."""

    def __init__(self, loader: Loader):
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """The loader's own."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Runs the module, then registers."""
        self._loader.exec_module(module)
        _import_layers(just_loaded=module.__name__)
