"""Reads a Keras model's configuration before Keras does: what would loading it run?

Keras builds whatever the configuration names. It may name classes and functions of Keras's own
that compute with tensors, and those the user registered; everything else is found here, before
anything is imported or built. The rules are for what *any* way of looking a name up can give,
since old and new formats, Keras 3 and tf_keras look names up differently.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tflq.keras_side._damaged import shown
from tflq.keras_side._known_names import KnownNames, is_own_function
from tflq.keras_side._pure_ops import PURE_OPS
from tflq.keras_side._pure_symbols import RAGGED_BUILDERS, TENSOR_PARTS, is_pure_symbol

# Keras's notation for values that JSON lacks.
_VALUES = frozenset(
    {
        "__tensor__",
        "__numpy__",
        "__bytes__",
        "__ellipsis__",
        "__slice__",
        "__keras_tensor__",
        "__tuple__",
        "TensorShape",
        "TypeSpec",
        "CompositeTensor",
    }
)
_TYPE_SPECS = frozenset({"TensorSpec", "RaggedTensorSpec", "SparseTensorSpec"})
_TYPE_SPEC_MODULES = frozenset(
    {
        "tensorflow.python.framework.tensor",
        "tensorflow.python.framework.tensor_spec",
        "tensorflow.python.framework.sparse_tensor",
        "tensorflow.python.ops.ragged.ragged_tensor",
    }
)
# `tf.constant_initializer` and others, which tf_keras's layers take as well.
_TENSORFLOW_INITIALIZERS = frozenset(
    {"tensorflow.python.ops.init_ops", "tensorflow.python.ops.init_ops_v2"}
)
_OWN_MODULE = re.compile(r"(tf_)?keras(\.\w+)*")
# Keys under which text layers take a list, or the path of a file.
_LISTS_OR_PATHS = frozenset({"vocabulary", "idf_weights", "merges", "proto"})


@dataclass(frozen=True)
class Finding:
    """Why a configuration is not loaded.

    Attributes:
        reason: the end of a sentence that begins with the file.
        unsafe: it would run code or read files; otherwise a class is only not known.
    """

    reason: str
    unsafe: bool


def find_unsafe(config: Any, names: KnownNames) -> Finding | None:
    """What in a configuration must not be loaded, or None; what is unsafe goes first.

    Args:
        config: the parsed configuration.
        names: what the package that would load it knows.
    """
    unknown = None
    for item in _dicts(config):
        finding = _judge(item, names)
        if finding is not None and finding.unsafe:
            return finding
        unknown = unknown or finding
    return unknown


def class_names(config: Any) -> set[str]:
    """The names of all classes in a configuration."""
    return {name for item in _dicts(config) if isinstance(name := item.get("class_name"), str)}


def module_roots(config: Any) -> set[str]:
    """The packages that its classes and functions are said to come from."""
    return {
        name.partition(".")[0]
        for item in _dicts(config)
        if isinstance(name := item.get("module"), str)
    }


def nesting(config: Any) -> int:
    """How many lists and dicts lie inside each other."""
    depth, level = 0, [config]
    while level := [value for item in level for value in _children(item)]:
        depth += 1
    return depth


def _dicts(config: Any) -> Iterator[dict[str, Any]]:
    waiting = [config]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
        waiting.extend(reversed(list(_children(item))))


def _children(item: Any) -> Iterator[Any]:
    if isinstance(item, dict):
        yield from item.values()
    elif isinstance(item, list):
        yield from item


def _judge(item: dict[str, Any], names: KnownNames) -> Finding | None:
    for key, value in item.items():
        if value == "lambda" and key.endswith("_type"):
            return _unsafe(
                f"holds a Python function under {shown(key)}, whose code would run on loading"
            )
    if "class_name" not in item:
        return None
    name = item["class_name"]
    if not isinstance(name, str):
        return _unknown("class", name, item.get("module"))
    if name == "function":
        return _judge_function(item, names)
    if name == "__typespec__":
        return _judge_type_spec(item)
    if name == "__lambda__":
        return _unsafe("holds a Python function, whose code would run on loading")
    if name in _VALUES and _is_own_module(item.get("module")):
        return None
    if names.runs_code(name):
        return _unsafe(f"holds a {name} layer, whose code would run on loading")
    return _judge_class(name, item, names)


def _judge_class(name: str, item: dict[str, Any], names: KnownNames) -> Finding | None:
    module, config = item.get("module"), item.get("config")
    key = item.get("registered_name", name)
    users = names.registered(key)
    if users is None and module is None:
        key, users = name, names.registered(name)
    if users is None:
        own = _is_own_module(module) or _among(module, _TENSORFLOW_INITIALIZERS)
        known = own and name in names.classes and key in (None, name)
    else:
        # Old files are read by the class alone, which must not be another.
        known = name in (key, key.rpartition(">")[2], users.__name__)
    if not known:
        return _unknown("class", name, module)
    if not isinstance(config, dict) or (name not in names.classes and names.is_users(users)):
        return None
    return _judge_config(name, config)


def _judge_function(item: dict[str, Any], names: KnownNames) -> Finding | None:
    name, module = item.get("config"), item.get("module")
    if names.registered(name) is not None:
        return None
    if module == "builtins" and names.registered_somewhere(name):
        return None
    own = module == "builtins" or _is_own_module(module)
    names_itself = item.get("registered_name") in (None, "function", name)
    if own and names_itself and _among(name, names.functions):
        return None
    if module is not None and _is_own_module(module) and not is_own_function(name):
        return _unsafe(f"calls {shown(f'{module}.{name}')}, which is no function of tensors")
    return _unknown("function", name, module)


def _judge_type_spec(item: dict[str, Any]) -> Finding | None:
    name, module = item.get("spec_name"), item.get("module")
    known = _among(name, _TYPE_SPECS) and _among(module, _TYPE_SPEC_MODULES)
    if known and item.get("registered_name") in (None, name):
        return None
    return _unknown("class", name, module)


def _judge_config(name: str, config: Mapping[str, Any]) -> Finding | None:
    """What some layers, none of them the user's, are told to do."""
    for key in _LISTS_OR_PATHS & config.keys():
        if isinstance(config[key], str):
            return _unsafe(f"has a {name} layer that reads the file {shown(config[key])}")
    allowed, called = True, None
    if name in ("TFOpLambda", "SlicingOpLambda"):
        called = config.get("function")
        allowed = is_pure_symbol(called)
    elif name == "TensorFlowOpLayer":
        called = _op_of(config.get("node_def"))
        allowed = _among(called, PURE_OPS)
    elif name in ("InstanceProperty", "InstanceMethod"):
        called = config.get("attr_name")
        allowed = _among(called, TENSOR_PARTS)
    elif name == "ClassMethod":
        called = f"{config.get('cls_symbol')}.{config.get('method_name')}"
        allowed = called in {f"RaggedTensor.{method}" for method in RAGGED_BUILDERS}
    if allowed:
        return None
    return _unsafe(
        f"calls TensorFlow's {shown(called)} in layer {shown(config.get('name'))}, which is not "
        "among the functions of tensors that a file may call"
    )


def _op_of(node: Any) -> str | None:
    import tensorflow as tf

    if isinstance(node, dict):
        op = node.get("op")
        return op if isinstance(op, str) else None
    try:
        return str(tf.compat.v1.NodeDef.FromString(node.encode()).op)
    except Exception:
        # Whatever it is, it is no op.
        return None


def _among(value: Any, names: frozenset[str]) -> bool:
    return isinstance(value, str) and value in names


def _is_own_module(module: Any) -> bool:
    return module is None or (isinstance(module, str) and bool(_OWN_MODULE.fullmatch(module)))


def _unsafe(reason: str) -> Finding:
    return Finding(reason, unsafe=True)


def _unknown(kind: str, name: Any, module: Any) -> Finding:
    where = "" if module is None else f" of module {shown(module)}"
    return Finding(f"{kind} {shown(name)}{where} is not known", unsafe=False)
