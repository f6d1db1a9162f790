"""LSTMs of one op, as tf_keras converts to."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from ai_edge_litert import schema_py_generated as schema

import tflq
from tflq.tflite_side import Runner, pack
from tflq.tflite_side._file import operator_code

STEPS, WIDTH = 7, 5
LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"


class Chain:
    """A float .tflite of LSTMs, one behind the other."""

    def __init__(self, *units, clip=0.0):
        self._random = np.random.default_rng(4)
        self._model = schema.ModelT()
        self._model.version, self._model.buffers = 3, [schema.BufferT()]
        self._model.operatorCodes = []
        self._sub = schema.SubGraphT()
        self._sub.tensors, self._sub.operators = [], []
        self._model.subgraphs = [self._sub]
        x, width = self._tensor("x", (1, STEPS, WIDTH)), WIDTH
        self._sub.inputs = [x]
        for size in units:
            x, width = self._lstm(x, width, size, clip), size
        self._sub.outputs = [self._scaled(x, (1, STEPS, self._size(x)))]
        self.content = pack(self._model)

    def _tensor(self, name, shape, *, stored=False, variable=False):
        tensor = schema.TensorT()
        tensor.name = f"{name}_{len(self._sub.tensors)}".encode()
        tensor.shape, tensor.type, tensor.buffer = list(shape), schema.TensorType.FLOAT32, 0
        tensor.isVariable = variable
        if stored:
            data = self._random.normal(size=shape).astype(np.float32)
            self._model.buffers.append(schema.BufferT(data=np.frombuffer(data.tobytes(), np.uint8)))
            tensor.buffer = len(self._model.buffers) - 1
        self._sub.tensors.append(tensor)
        return len(self._sub.tensors) - 1

    def _size(self, tensor):
        return self._sub.tensors[tensor].shape[-1]

    def _scaled(self, x, shape):
        op = schema.OperatorT()
        op.opcodeIndex = operator_code(self._model, schema.BuiltinOperator.MUL)
        op.inputs = [x, self._tensor("factors", shape[-1:], stored=True)]
        op.outputs = [self._tensor("scaled", shape)]
        op.builtinOptionsType = schema.BuiltinOptions.MulOptions
        op.builtinOptions = schema.MulOptionsT()
        self._sub.operators.append(op)
        return op.outputs[0]

    def _lstm(self, x, width, size, clip):
        kernels = [self._tensor("kernel", (size, width), stored=True) for _ in range(4)]
        recurrent = [self._tensor("recurrent", (size, size), stored=True) for _ in range(4)]
        biases = [self._tensor("bias", (size,), stored=True) for _ in range(4)]
        states = [self._tensor("state", (1, size), variable=True) for _ in range(2)]
        op = schema.OperatorT()
        op.opcodeIndex = operator_code(self._model, getattr(schema.BuiltinOperator, LSTM))
        none = [-1]
        op.inputs = [x, *kernels, *recurrent, *none * 3, *biases, *none * 2, *states, *none * 4]
        op.outputs = [self._tensor("lstm", (1, STEPS, size))]
        op.builtinOptionsType = schema.BuiltinOptions.UnidirectionalSequenceLSTMOptions
        op.builtinOptions = schema.UnidirectionalSequenceLSTMOptionsT()
        op.builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.TANH
        op.builtinOptions.cellClip = clip
        self._sub.operators.append(op)
        return op.outputs[0]


class Extended(Chain):
    """One LSTM of more than TensorFlow's quantizer writes right."""

    def __init__(self, kind):
        self._kind = kind
        super().__init__(6)

    def _lstm(self, x, width, size, clip):
        output = super()._lstm(x, width, size, clip)
        op = self._sub.operators[-1]
        first, shape = {
            "peepholes": ((9, 10, 11), (size,)),
            "normalization": ((20, 21, 22, 23), (size,)),
            "projection": ((16,), (3, size)),
        }[self._kind]
        for place in first:
            op.inputs[place] = self._tensor(self._kind, shape, stored=True)
        if self._kind == "projection":
            for place in range(5, 9):
                op.inputs[place] = self._tensor("recurrent", (size, 3), stored=True)
            self._sub.tensors[op.inputs[18]].shape = [1, 3]
            self._sub.tensors[output].shape = [1, STEPS, 3]
        return output


CHAINS = {
    "one": {"units": [4]},
    "two": {"units": [6, 4]},
    "clipped": {"units": [6], "clip": 1.5},
}


@pytest.fixture(scope="module")
def data():
    # A cell's largest value comes long before the last step.
    fading = np.linspace(1.5, 0.1, STEPS)[:, None]
    return (np.random.default_rng(2).normal(size=(60, STEPS, WIDTH)) * fading).astype(np.float32)


@pytest.fixture(scope="module", params=CHAINS)
def float_file(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("lstm") / f"{request.param}.tflite"
    options = dict(CHAINS[request.param])
    path.write_bytes(Chain(*options.pop("units"), **options).content)
    return path


@pytest.mark.parametrize("io", ["int8", "float32"])
def test_it_computes_in_int8(float_file, data, tmp_path, io):
    report = tflq.export(float_file, tmp_path / "q.tflite", data=data, io=io)
    assert LSTM in report.facts.ops and not report.facts.float_ops
    assert not report.deviations
    assert report.outputs[0].sqnr_db > 24


def test_it_may_stay_in_float(float_file, data, tmp_path):
    report = tflq.export(
        float_file, tmp_path / "q.tflite", data=data, scheme_for={"lstm_*": "float32"}
    )
    assert len(report.facts.float_ops) == report.facts.ops[LSTM]
    assert report.outputs[0].sqnr_db > 26


def test_w8a16_says_that_it_has_no_kernel(float_file, data, tmp_path):
    report = tflq.export(float_file, tmp_path / "q.tflite", data=data, scheme="w8a16")
    assert f"{LSTM} has no int16 kernel and computes in int8" in {d.rule for d in report.deviations}
    assert report.outputs[0].sqnr_db > 24


def test_every_layer_is_ranked(float_file, data):
    ranked = tflq.sensitivity(float_file, data[:10])
    assert {layer.kind for layer in ranked.layers} == {"INPUT", LSTM, "MUL"}
    assert all(layer.sqnr_db > 24 for layer in ranked.layers)


def test_a_state_starts_anew_with_every_sample(float_file, data):
    runner = Runner(float_file.read_bytes())
    (spec,) = runner.inputs
    first = runner.run({spec.name: data[:1]})[0].copy()
    runner.run({spec.name: data[1:2]})
    np.testing.assert_array_equal(runner.run({spec.name: data[:1]})[0], first)


def test_what_keras_makes_of_it_is_what_the_file_gives(data, tmp_path):
    tf_keras.utils.set_random_seed(3)
    inputs = tf_keras.Input((STEPS, WIDTH), batch_size=1)
    model = tf_keras.Model(inputs, tf_keras.layers.LSTM(4)(inputs))
    path = tmp_path / "float.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    report = tflq.export(path, tmp_path / "q.tflite", data=data)
    assert LSTM in report.facts.ops and not report.facts.float_ops
    assert tflq.compare(model, tmp_path / "q.tflite", data).outputs[0].sqnr_db > 24


@pytest.mark.parametrize("kind", ["peepholes", "normalization", "projection"])
@pytest.mark.parametrize("scheme", ["w8a8", "w8a16"])
def test_what_integers_do_not_compute_stays_in_float(kind, scheme, data, tmp_path):
    path = tmp_path / "float.tflite"
    path.write_bytes(Extended(kind).content)
    report = tflq.export(path, tmp_path / "q.tflite", data=data, scheme=scheme)
    assert [op.split()[0] for op in report.facts.float_ops] == [LSTM]
    assert report.outputs[0].sqnr_db > (28 if scheme == "w8a8" else 60)
