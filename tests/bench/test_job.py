import hashlib
import json

import numpy as np

from tflq.bench import Model, Pace, Run
from tflq.bench._job import make_job

PACE = Pace(rounds=2, seconds=3.0, fewest=5)


def _model(path, *, integer=True):
    x = [np.array([[i, 2]], np.int16) for i in range(3)]
    y = [np.array([i], np.int8) if integer else None for i in range(3)]
    return Model(
        path=path,
        content=path.encode(),
        inputs=tuple((value, value) for value in x),
        expected=tuple((value,) for value in y),
    )


def test_a_job_names_every_file_by_its_hash():
    model = _model("a.tflite")
    job = make_job([Run(model=model, backend="nnapi", threads=1)], PACE, accelerator="npu")
    told = json.loads(job.content)
    assert told["runs"] == [{"model": 0, "backend": "nnapi", "threads": 1, "accelerator": "npu"}]
    (entry,) = told["models"]
    assert entry["samples"] == 3 and entry["inputs"][0] == entry["inputs"][1]
    assert job.files[entry["inputs"][0]] == np.array([0, 2, 1, 2, 2, 2], "<i2").tobytes()
    assert job.files[entry["expected"][0]] == bytes([0, 1, 2])
    for digest, content in job.files.items():
        assert hashlib.sha256(content).hexdigest() == digest
        assert told["files"][digest] == {"bytes": len(content)}


def test_models_of_floats_expect_nothing():
    model = _model("a\n\x1b.tflite", integer=False)
    (entry,) = make_job([Run(model=model, backend="gpu", threads=1)], PACE).description["models"]
    assert entry["expected"] == [] and entry["name"] == r"a\n\x1b.tflite"


def test_a_model_with_several_runs_is_sent_once():
    models = [_model("a"), _model("b")]
    runs = [Run(model=m, backend="xnnpack", threads=t) for t in (1, 2) for m in models]
    job = make_job(runs, PACE, energy=True)
    assert [run["model"] for run in job.description["runs"]] == [0, 1, 0, 1]
    assert len(job.description["models"]) == 2
    plain = make_job(runs, PACE)
    assert job.longest == plain.longest + 60 and plain.longest > 4 * 2 * 3
    assert plain.id != job.id and len(job.id) == 32
