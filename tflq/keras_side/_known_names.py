"""The classes and functions that a Keras package knows: its own, and those the user registered."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from tflq.keras_side._kind import Kind

#: Keras's own classes that run code of the file, or read other files.
RUN_CODE = frozenset(
    {"Lambda", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "TFSMLayer", "ReloadedLayer"}
)
#: Libraries of layers that Keras imports by itself if a file names them.
LIBRARIES = ("keras_hub", "keras_cv", "keras_nlp")
_KERAS: tuple[Kind, ...] = ("keras", "tf_keras")
# They call methods by name, take functions, or belong to Keras's tests.
_NOT_FOR_FILES = frozenset({"ModuleWrapper", "PyMetric", "DynamicLookup", "DynamicEmbedding"})

_CLASSES = (
    "layers",
    "models",
    "initializers",
    "regularizers",
    "constraints",
    "losses",
    "metrics",
    "optimizers",
    "optimizers.schedules",
    "dtype_policies",
    "mixed_precision",
    "quantizers",
    "random",
)
_FUNCTIONS = ("activations", "losses", "metrics", "ops", "nn")
_SERIALIZERS = frozenset({"get", "serialize", "deserialize"})


@dataclass(frozen=True)
class KnownNames:
    """What may be named in a file that a package is about to load.

    Attributes:
        package: the module `keras` or `tf_keras`.
        classes: names of its own classes.
        functions: names of its own functions.
    """

    package: ModuleType
    classes: frozenset[str]
    functions: frozenset[str]

    def registered(self, name: object) -> Any:
        """What the user registered under a name, or None."""
        return self.package.saving.get_registered_object(name) if isinstance(name, str) else None

    def registered_somewhere(self, name: object) -> bool:
        """Whether a package registered a function; Keras up to 3.6 leaves out which."""
        return any(key.endswith(f">{name}") for key in self.package.saving.get_custom_objects())

    def runs_code(self, name: str) -> bool:
        """Whether a name is that of a class of Keras that runs code, and not the user's."""
        found = self.registered(name)
        if found is None:
            return name in RUN_CODE
        return _root(found) in _KERAS and found.__name__ in RUN_CODE

    def is_users(self, registered: Any) -> bool:
        """Whether what is registered is the user's own, and no library's."""
        return registered is not None and _root(registered) not in (*_KERAS, *LIBRARIES)


@cache
def known_names(kind: Kind) -> KnownNames:
    """The names of one of the packages, which is imported."""
    if kind == "keras":
        import keras as package
    else:
        import tf_keras as package

    classes = {name for name, value in _members(package, _CLASSES) if inspect.isclass(value)}
    classes |= {cls.__name__ for cls in _subclasses(package.layers.Layer) if _is_own(cls, kind)}
    if kind == "keras":
        operation = package.Operation
        classes |= {cls.__name__ for cls in _subclasses(operation) if _is_own(cls, kind)}
    else:
        # As TensorFlow 1.13 to 1.15 called it.
        classes |= {"BatchNormalizationV1", "BatchNormalizationV2"}
    functions = {name for name, value in _members(package, _FUNCTIONS) if inspect.isfunction(value)}
    return KnownNames(
        package,
        frozenset(classes - RUN_CODE - _NOT_FOR_FILES),
        frozenset(functions - _SERIALIZERS),
    )


def is_own_function(name: object) -> bool:
    """Whether one of the packages has a function of tensors with that name."""
    return isinstance(name, str) and any(name in known_names(kind).functions for kind in _KERAS)


def _members(package: ModuleType, modules: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for path in modules:
        module: Any = package
        for part in path.split("."):
            module = getattr(module, part, None)
        if module is not None:
            yield from vars(module).items()


def _subclasses(cls: type) -> set[type]:
    found: set[type] = set(cls.__subclasses__())
    return found.union(*(_subclasses(each) for each in found))


def _is_own(cls: type, kind: Kind) -> bool:
    return _root(cls) == kind and "test" not in cls.__module__


def _root(value: Any) -> str:
    return str(getattr(value, "__module__", "")).partition(".")[0]
