"""In processes of their own, where nothing has been imported yet."""

import os
import subprocess
import sys

import numpy as np
import pytest
from small_networks import LAYERS, noise
from training import fit, outputs

import tflq


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    qat = tflq.quantize(LAYERS["MultiHeadAttention"]())
    x = noise(6, 5)
    fit(qat, x)
    qat.save(folder / "qat.keras")
    np.savez(folder / "values.npz", x=x, y=outputs(qat, x)[0])
    return folder


LOAD = """
import numpy as np
held = np.load("values.npz")
y = keras.models.load_model("qat.keras")(held["x"], training=False)
np.testing.assert_allclose(y, held["y"], atol=1e-5)
print("the same")
"""
IMPORTS = {
    "tflq first": "import tflq\nimport keras",
    "keras first": "import keras\nimport tflq",
    "by name": "from tflq import export\nfrom keras import layers\nimport keras",
    "tensorflow first": "import tensorflow\nimport tflq\nimport keras",
}


def _run(code, folder, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("order", IMPORTS)
def test_saved_models_load_without_custom_objects(order, saved):
    done = _run(IMPORTS[order] + LOAD, saved)
    assert "the same" in done.stdout, done.stderr[-2000:]


def test_importing_tflq_imports_neither_keras_nor_tensorflow(tmp_path):
    code = "import sys, tflq\nprint(sorted({'keras', 'tensorflow', 'tflq.qat'} & set(sys.modules)))"
    assert _run(code, tmp_path).stdout.strip() == "[]"


@pytest.mark.parametrize(("backend", "imported"), [("torch", []), ("tensorflow", ["tflq.qat"])])
def test_other_backends_of_keras_are_left_alone(backend, imported, monkeypatch):
    import keras

    from tflq import _registration

    asked = []
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    monkeypatch.setattr(_registration.importlib, "import_module", asked.append)
    _registration.register_with_keras()
    assert asked == imported


@pytest.mark.parametrize("legacy", ["0", "1"])
def test_exporting_a_saved_model_needs_no_other_import(saved, legacy, tmp_path):
    code = f"import tflq\nprint(tflq.export('qat.keras', {str(tmp_path / 'm')!r}).facts.size > 0)"
    # With legacy Keras chosen, TensorFlow only looks for Keras 3.
    assert "True" in _run(code, saved, TF_USE_LEGACY_KERAS=legacy).stdout
