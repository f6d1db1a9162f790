"""Exports of models that several programs call by different names."""

import numpy as np
import pytest
import tensorflow as tf

import tflq
from tflq.cli.main import main
from tflq.tflite_side import Runner
from tflq.tflite_side._file import parse

RNG = np.random.default_rng(0)
DATA = RNG.normal(size=(60, 8)).astype(np.float32)
FIRST, SECOND = (RNG.normal(size=(8, width)).astype(np.float32) for width in (5, 3))


class Module(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec((1, 8), tf.float32, name="row")])
    def encode(self, row):
        return {"code": tf.nn.relu(row @ FIRST)}

    @tf.function(input_signature=[tf.TensorSpec((1, 8), tf.float32, name="row")])
    def judge(self, row):
        return {"score": tf.tanh(row @ SECOND), "raw": row @ SECOND}


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """By kind and signatures: a path."""
    folder, module, made = tmp_path_factory.mktemp("signatures"), Module(), {}
    for names in (("encode",), ("encode", "judge")):
        saved = folder / "_".join(names)
        tf.saved_model.save(module, saved, signatures={n: getattr(module, n) for n in names})
        made["saved", names] = saved
        made["tflite", names] = folder / f"{'_'.join(names)}.tflite"
        content = tf.lite.TFLiteConverter.from_saved_model(str(saved)).convert()
        made["tflite", names].write_bytes(content)
    return made


def signatures(path):
    model = parse(path.read_bytes(), name="it")
    assert len(model.subgraphs) == len(model.signatureDefs) == 1
    (one,) = model.signatureDefs
    return one.signatureKey, {m.name for m in one.inputs}, {m.name for m in one.outputs}


@pytest.mark.parametrize("kind", ["tflite", "saved"])
@pytest.mark.parametrize("scheme", ["w8a8", "dynamic"])
def test_a_signature_keeps_its_name(kind, scheme, sources, tmp_path):
    target = tmp_path / "q.tflite"
    tflq.export(sources[kind, ("encode",)], target, data=DATA, scheme=scheme)
    assert signatures(target) == (b"encode", {b"row"}, {b"code"})


@pytest.mark.parametrize("kind", ["tflite", "saved"])
@pytest.mark.parametrize(
    ("name", "outputs"), [("encode", {b"code"}), ("judge", {b"score", b"raw"})]
)
def test_one_of_several_is_chosen(kind, name, outputs, sources, tmp_path):
    target = tmp_path / "q.tflite"
    source = sources[kind, ("encode", "judge")]
    tflq.export(source, target, data=DATA, signature=name, io="float32")
    assert signatures(target) == (name.encode(), {b"row"}, outputs)
    runner, wanted = Runner(target.read_bytes()), getattr(Module(), name)
    for row in DATA[:5, None]:
        expected = {key.encode(): value.numpy() for key, value in wanted(row).items()}
        found = dict(zip(_outputs(target), runner.run({"row": row}), strict=True))
        for key, value in expected.items():
            np.testing.assert_allclose(found[key], value, atol=0.1)


def _outputs(path):
    model = parse(path.read_bytes(), name="it")
    names = {m.tensorIndex: m.name for m in model.signatureDefs[0].outputs}
    return [names[index] for index in model.subgraphs[0].outputs]


@pytest.mark.parametrize("kind", ["tflite", "saved"])
def test_of_several_none_is_guessed(kind, sources, tmp_path):
    source = sources[kind, ("encode", "judge")]
    with pytest.raises(tflq.UserError, match=r"2 signatures.*encode.*judge.*signature="):
        tflq.export(source, tmp_path / "q.tflite", data=DATA)
    with pytest.raises(tflq.UserError, match=r"signature='serve' is not in"):
        tflq.export(source, tmp_path / "q.tflite", data=DATA, signature="serve")


def test_a_keras_model_has_none(small_cnn, tmp_path):
    model, data = small_cnn
    with pytest.raises(tflq.UserError, match="a Keras model has no signatures"):
        tflq.export(model, tmp_path / "q.tflite", data=data, signature="serving_default")


def test_the_other_verbs_take_it_too(sources, tmp_path):
    source = sources["tflite", ("encode", "judge")]
    np.save(tmp_path / "x.npy", DATA)
    target, data = str(tmp_path / "q.tflite"), f"--data={tmp_path / 'x.npy'}"
    assert main(["export", str(source), target, data, "--signature=judge"]) == 0
    compared = tflq.compare(source, target, DATA, signature="judge")
    assert {output.name for output in compared.outputs} == {"score", "raw"}
    found = tflq.sensitivity(source, DATA, signature="judge")
    assert [layer.kind for layer in found.layers if layer.op >= 0].count("FULLY_CONNECTED") == 1
    best = tflq.search(source, DATA, folder=tmp_path / "search", max_drop=50, signature="judge")
    assert "signature='judge'" in best.command
