"""Reads a SavedModel's graph before TensorFlow does: what would loading and running it do?

Loading runs initializers and, of files of TensorFlow 1, whatever op they name as their main one;
ops of any graph can write files, call Python that is there, or talk to others.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from tflq import _limits
from tflq.keras_side._damaged import DamagedError, shown
from tflq.keras_side._graph_effects import TABLES, Effects, UnsafeGraphError, node_name

_ASSETS = "saved_model_assets"
_INITIALIZER = "__saved_model_init_op"


def check_saved_model(path: str) -> None:
    """Looks at every op of a SavedModel, and at what is run on loading.

    Raises:
        UnsafeGraphError: loading or running it would do more than compute.
        DamagedError: it is no SavedModel.
    """
    folder = Path(path)
    saved = _parsed(folder)
    _check_files(folder)
    single = len(saved.meta_graphs) == 1
    for graph in saved.meta_graphs:
        effects = Effects(graph.graph_def)
        effects.check_ops()
        effects.check_fillers()
        _check_assets(graph, folder)
        if single and graph.HasField("object_graph_def"):
            _check_objects(graph, effects)
        else:
            _check_session(graph, effects)


def _parsed(folder: Path) -> Any:
    from google.protobuf import text_format
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    for name in ("saved_model.pb", "saved_model.pbtxt"):
        file = folder / name
        if not file.exists():
            continue
        size = file.stat().st_size
        if not file.is_file() or size > _limits.SAVED_MODEL_GRAPH:
            raise DamagedError(f"{name} is no regular file, or takes more than 2 GB")
        content = file.read_bytes()
        if file.suffix == ".pb":
            return SavedModel.FromString(content)
        return text_format.Parse(content.decode(), SavedModel())
    raise DamagedError("it has no saved_model.pb")


def _check_files(folder: Path) -> None:
    """What TensorFlow opens besides, so that it waits for no pipe."""
    for part in ("variables", "debug"):
        for file in (folder / part).glob("*"):
            if file.exists() and not file.is_file() and not file.is_dir():
                raise DamagedError(f"its {shown(f'{part}/{file.name}')} is no regular file")


def _asset_files(graph: Any) -> list[Any]:
    from tensorflow.core.protobuf.meta_graph_pb2 import AssetFileDef

    found = list(graph.asset_file_def)
    if _ASSETS in graph.collection_def:
        for value in graph.collection_def[_ASSETS].any_list.value:
            asset = AssetFileDef()
            value.Unpack(asset)
            found.append(asset)
    return found


def _check_assets(graph: Any, folder: Path) -> None:
    for asset in _asset_files(graph):
        place = PurePosixPath(asset.filename.replace("\\", "/"))
        file = folder / "assets" / asset.filename
        if place.is_absolute() or ".." in place.parts or ":" in asset.filename:
            raise UnsafeGraphError(f"reads the file {shown(asset.filename)}, which is not its own")
        if file.exists() and not file.is_file():
            raise UnsafeGraphError(f"reads {shown(asset.filename)}, which is no regular file")


def _check_objects(graph: Any, effects: Effects) -> None:
    """A SavedModel of TensorFlow 2: what its objects call, on loading or later."""
    objects = graph.object_graph_def
    called = set(objects.concrete_functions) | set(_functions_of(objects.nodes))
    for name in sorted(called & effects.saving):
        raise UnsafeGraphError(f"reads or writes files in function {shown(name)}")
    constants = {node.name: node for node in graph.graph_def.node if node.op == "Const"}
    for name in sorted(called & effects.filling):
        for index in objects.concrete_functions[name].bound_inputs:
            node = objects.nodes[index]
            if node.WhichOneof("kind") == "constant" and _is_text(constants, node):
                raise UnsafeGraphError(
                    f"fills a table from a file that its graph names (function {shown(name)})"
                )


def _functions_of(nodes: Any) -> Iterator[str]:
    for node in nodes:
        yield from node.function.concrete_functions
        if node.bare_concrete_function.concrete_function_name:
            yield node.bare_concrete_function.concrete_function_name


def _is_text(constants: dict[str, Any], node: Any) -> bool:
    import tensorflow as tf

    found = constants.get(node.constant.operation)
    # A constant that is not there is none that can be judged.
    return found is None or found.attr["dtype"].type == tf.string.as_datatype_enum


def _check_session(graph: Any, effects: Effects) -> None:
    """A SavedModel of TensorFlow 1: what its signatures, its main op and its saver run."""
    named = {name for value in graph.collection_def.values() for name in value.node_list.value}
    outputs: set[str] = set()
    for key, signature in graph.signature_def.items():
        found = {name for info in _infos(signature) for name in _tensors(info)}
        (named if key == _INITIALIZER else outputs).update(found)
    computing = effects.behind(outputs)
    initializing = effects.behind(named)
    restoring = effects.behind({graph.saver_def.restore_op_name} - {""})
    _refuse(effects.savers() & (computing | initializing | restoring), "writes files")
    _refuse(effects.restorers() & (computing | initializing), "reads files")
    _refuse(effects.fillers() & (computing | restoring), "reads files")
    _check_table_files(graph, effects)


def _infos(signature: Any) -> Iterator[Any]:
    for info in (*signature.outputs.values(), *signature.inputs.values()):
        yield info
        yield from info.composite_tensor.components


def _tensors(info: Any) -> Iterator[str]:
    sparse = info.coo_sparse
    yield from (
        name
        for name in (
            info.name,
            sparse.values_tensor_name,
            sparse.indices_tensor_name,
            sparse.dense_shape_tensor_name,
        )
        if name
    )


def _check_table_files(graph: Any, effects: Effects) -> None:
    own = {node_name(asset.tensor_info.name) for asset in _asset_files(graph)}
    nodes = {node.name: node for node in graph.graph_def.node}
    for name in sorted(effects.fillers()):
        source = nodes[name]
        if source.op in TABLES:
            source = nodes.get(node_name(source.input[1])) if len(source.input) > 1 else None
            while source is not None and source.op == "Identity" and source.input:
                source = nodes.get(node_name(source.input[0]))
        if source is None or source.name not in own:
            raise UnsafeGraphError(f"fills a table from a file that is not its own ({shown(name)})")


def _refuse(names: set[str], what: str) -> None:
    if names:
        raise UnsafeGraphError(f"{what} where it should compute ({shown(min(names))})")
