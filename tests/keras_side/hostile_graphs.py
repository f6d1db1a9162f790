"""SavedModels that do more than compute, by what they do; the payload writes the marker."""

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.ops import gen_script_ops

SPEC = tf.TensorSpec([None, 4], tf.float32, name="x")


def _module(call, folder, **attributes):
    """Saves a module whose only signature is a function."""
    module = tf.Module()
    for name, value in attributes.items():
        setattr(module, name, value)
    module.call = tf.function(call, input_signature=[SPEC])
    tf.saved_model.save(module, str(folder), signatures=module.call)
    return folder


def _changed(folder, change):
    """Changes the file of a SavedModel."""
    file = folder / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    change(saved.meta_graphs[0])
    file.write_bytes(saved.SerializeToString())
    return folder


def session_model(folder, build=lambda: None, before=list):
    """A SavedModel of TensorFlow 1; `build` makes its main op, `before` what goes before all."""
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session(graph=graph) as session:
        x = tf.compat.v1.placeholder(tf.float32, [None, 4], name="x")
        weight = tf.compat.v1.get_variable("w", [4], initializer=tf.compat.v1.ones_initializer())
        with tf.control_dependencies(before()):
            y = tf.identity(x * weight, name="y")
        main = build()
        session.run(tf.compat.v1.global_variables_initializer())
        builder = tf.compat.v1.saved_model.Builder(str(folder))
        signature = tf.compat.v1.saved_model.predict_signature_def({"x": x}, {"y": y})
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {"serving_default": signature},
            assets_collection=tf.compat.v1.get_collection("asset_filepaths") or None,
            main_op=main,
        )
        builder.save()
    return folder


def main_op(folder, marker):
    return session_model(folder / "m", lambda: tf.io.write_file(str(marker), "ran"))


def main_op_in_a_function(folder, marker):
    def build():
        @tf.function
        def write():
            tf.io.write_file(str(marker), "ran")
            return tf.constant(1)

        return write().op

    return session_model(folder / "m", build)


def main_op_behind_a_condition(folder, marker):
    def build():
        def write():
            with tf.control_dependencies([tf.io.write_file(str(marker), "ran")]):
                return tf.constant(1)

        chosen = tf.random.uniform([]) < 2.0
        return tf.group(tf.cond(chosen, write, lambda: tf.constant(2)))

    return session_model(folder / "m", build)


def main_op_saves(folder, marker):
    def build():
        return tf.raw_ops.SaveV2(
            prefix=str(marker), tensor_names=["a"], shape_and_slices=[""], tensors=[tf.constant(1)]
        )

    return session_model(folder / "m", build)


def table_initializer(folder, marker):
    def before():
        written = tf.io.write_file(str(marker), "ran")
        tf.compat.v1.add_to_collection("table_initializer", written)
        return []

    return session_model(folder / "m", before=before)


def restoring_writes(folder, marker):
    path = session_model(folder / "m", before=lambda: [_written_never(marker)])

    def change(graph):
        graph.saver_def.restore_op_name = "never"

    return _changed(path, change)


def _written_never(marker):
    tf.raw_ops.WriteFile(filename=str(marker), contents="ran", name="never")
    return tf.no_op()


def signature_writes(folder, marker):
    def call(x):
        tf.io.write_file(str(marker), "ran")
        return {"y": x}

    return _module(call, folder / "m")


def signature_saves(folder, marker):
    def call(x):
        tf.raw_ops.SaveV2(
            prefix=str(marker), tensor_names=["a"], shape_and_slices=[""], tensors=[x]
        )
        return {"y": x}

    return _module(call, folder / "m")


def signature_saves_in_a_loop(folder, marker):
    def call(x):
        def body(i):
            tf.raw_ops.SaveV2(
                prefix=str(marker), tensor_names=["a"], shape_and_slices=[""], tensors=[x]
            )
            return i + 1

        tf.while_loop(lambda i: i < 1, body, [tf.constant(0)])
        return {"y": x}

    return _module(call, folder / "m")


def signature_reads(folder, marker):
    secret = folder / "secret"
    secret.write_text("12")

    def call(x):
        return {"y": x + tf.cast(tf.strings.length(tf.io.read_file(str(secret))), tf.float32)}

    return _module(call, folder / "m")


def python(folder, marker):
    def call(x):
        return {"y": gen_script_ops.py_func([x], "pyfunc_0", [tf.float32])[0]}

    return _module(call, folder / "m")


def python_without_state(folder, marker):
    def call(x):
        return {"y": gen_script_ops.py_func_stateless([x], "pyfunc_0", [tf.float32])[0]}

    return _module(call, folder / "m")


def prints_into_a_file(folder, marker):
    def call(x):
        tf.print(x, output_stream=f"file://{marker}")
        return {"y": x}

    return _module(call, folder / "m")


def debugs_into_a_file(folder, marker):
    def call(x):
        urls = [f"file://{marker}"]
        return {"y": tf.raw_ops.DebugIdentityV3(input=x, debug_urls=urls)}

    return _module(call, folder / "m")


def summaries(folder, marker):
    def call(x):
        writer = tf.raw_ops.SummaryWriter()
        tf.raw_ops.CreateSummaryFileWriter(
            writer=writer, logdir=str(marker), max_queue=1, flush_millis=1, filename_suffix=""
        )
        return {"y": x}

    return _module(call, folder / "m")


def reads_lines(folder, marker):
    secret = folder / "secret"
    secret.write_text("1\n2\n")

    def call(x):
        total = tf.constant(0.0)
        for line in tf.data.TextLineDataset(str(secret)):
            total += tf.strings.to_number(line)
        return {"y": x + total}

    return _module(call, folder / "m")


def lists_files(folder, marker):
    def call(x):
        return {"y": x + tf.cast(tf.size(tf.io.matching_files(f"{folder}/*")), tf.float32)}

    return _module(call, folder / "m")


def graph_in_a_text(folder, marker):
    """A data set unpacks a graph that is only text to those who look."""
    graph = tf.Graph()
    with graph.as_default():
        with tf.control_dependencies([tf.io.write_file(str(marker), "ran")]):
            components = [tf.constant([1.0])]
        tf.raw_ops.TensorSliceDataset(components=components, output_shapes=[[]], name="out")
    text = graph.as_graph_def().SerializeToString()

    def call(x):
        inner = tf.raw_ops.DatasetFromGraph(graph_def=text)
        return {"y": x, "count": tf.raw_ops.DatasetCardinality(input_dataset=inner)}

    return _module(call, folder / "m")


def aborts(folder, marker):
    def call(x):
        tf.raw_ops.Abort(error_msg="gone", exit_without_error=True)
        return {"y": x}

    return _module(call, folder / "m")


def remote(folder, marker):
    def call(x):
        tf.raw_ops.Send(
            tensor=x,
            tensor_name="x",
            send_device="/job:localhost",
            send_device_incarnation=1,
            recv_device="/job:elsewhere",
        )
        return {"y": x}

    return _module(call, folder / "m")


def unknown_op(folder, marker):
    path = _module(lambda x: {"y": tf.nn.relu(x)}, folder / "m")

    def change(graph):
        for function in graph.graph_def.library.function:
            for node in function.node_def:
                if node.op == "Relu":
                    node.op = "SomebodysOwnOp"

    return _changed(path, change)


class _Table(tf.Module):
    def __init__(self, file):
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(
                str(file),
                tf.string,
                tf.lookup.TextFileIndex.WHOLE_LINE,
                tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER,
            ),
            -1,
        )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="x")])
    def call(self, x):
        return {"y": self.table.lookup(x)}


def table_model(folder):
    """A SavedModel with a vocabulary among its assets."""
    file = folder / "vocabulary.txt"
    file.write_text("a\nb\n")
    module = _Table(file)
    tf.saved_model.save(module, str(folder / "m"), signatures=module.call)
    return folder / "m"


def asset_outside(folder, marker):
    def change(graph):
        graph.asset_file_def[0].filename = "../../vocabulary.txt"

    return _changed(table_model(folder), change)


def table_of_any_file(folder, marker):
    """The initializer gets a constant in place of an asset."""
    secret = folder / "secret"
    secret.write_text("a\n")

    def change(graph):
        objects = graph.object_graph_def
        constant = graph.graph_def.node.add(name="path", op="Const")
        constant.attr["dtype"].type = tf.string.as_datatype_enum
        constant.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(str(secret)))
        for node in objects.nodes:
            if node.WhichOneof("kind") == "asset":
                node.constant.operation = "path"

    return _changed(table_model(folder), change)


def table_that_names_a_file(folder, marker):
    secret = folder / "secret"
    secret.write_text("a\n")

    def change(graph):
        for function in graph.graph_def.library.function:
            for node in function.node_def:
                if node.op == "InitializeTableFromTextFileV2":
                    constant = function.node_def.add(name="path", op="Const")
                    constant.attr["dtype"].type = tf.string.as_datatype_enum
                    constant.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(str(secret)))
                    node.input[1] = "path:output:0"

    return _changed(table_model(folder), change)


def old_table_of_any_file(folder, marker):
    secret = folder / "secret"
    secret.write_text("a\n")

    def build():
        table = tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64)
        return tf.raw_ops.InitializeTableFromTextFileV2(
            table_handle=table, filename=str(secret), key_index=-2, value_index=-1
        )

    return session_model(folder / "m", build)


GRAPHS = [
    main_op,
    main_op_in_a_function,
    main_op_behind_a_condition,
    main_op_saves,
    table_initializer,
    restoring_writes,
    signature_writes,
    signature_saves,
    signature_saves_in_a_loop,
    signature_reads,
    python,
    python_without_state,
    prints_into_a_file,
    debugs_into_a_file,
    summaries,
    reads_lines,
    lists_files,
    graph_in_a_text,
    aborts,
    remote,
    unknown_op,
    asset_outside,
    table_of_any_file,
    table_that_names_a_file,
    old_table_of_any_file,
]
