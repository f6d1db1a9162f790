import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import builders
import h5py
import numpy as np
import pytest
import tensorflow as tf

import tflq.apart._client as client
from tflq.apart import CrashError, TimeLimitError, expect_quantizer, quantize, read_hdf5, try_model
from tflq.tflite_side import Graph, Runner, pack


@pytest.fixture(scope="module")
def content():
    kernel = builders.weights(4, 3)
    return builders.tflite(lambda x: tf.nn.relu(x @ kernel), (1, 4))


@pytest.fixture(scope="module")
def ranged(content):
    from ai_edge_litert import schema_py_generated as schema

    model = Graph.from_bytes(content).model
    for tensor in model.subgraphs[0].tensors:
        tensor.quantization = schema.QuantizationParametersT(min=[-1.0], max=[1.0])
    return pack(model)


def test_a_sound_model_is_tried(content, tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    assert try_model(content=content) is None
    assert try_model(path=path) is None


def test_a_path_is_the_callers(content, tmp_path, monkeypatch):
    try_model(content=content)
    monkeypatch.chdir(tmp_path)
    Path("model.tflite").write_bytes(content)
    assert try_model(path="model.tflite") is None


def test_a_path_may_be_no_text(content, tmp_path):
    path = os.fsencode(tmp_path) + b"/model_\xff.tflite"
    try:
        Path(os.fsdecode(path)).write_bytes(content)
    except OSError:
        pytest.skip("this system's names are text")
    assert try_model(path=os.fsdecode(path)) is None


def test_a_refusal_is_told(content):
    model = Graph.from_bytes(content).model
    model.subgraphs[0].tensors[0].shape = [1, 5]
    assert "failed to prepare" in try_model(content=pack(model))


def test_a_crash_is_told_and_the_next_model_is_tried(content):
    for _ in range(2):
        with pytest.raises(CrashError, match="segmentation fault"):
            try_model(content=builders.crashing(content))
        assert try_model(content=content) is None


def test_a_model_gets_so_much_memory(content, monkeypatch):
    huge = builders.tflite(lambda x: tf.reduce_sum(tf.broadcast_to(x, (2**14, 2**14, 4))), (1, 4))
    monkeypatch.setattr(client, "INFERENCE_MEMORY", 2**28)
    with pytest.raises(CrashError, match="out of memory"):
        try_model(content=huge)
    assert try_model(content=content) is None


def test_the_quantizer_quantizes(ranged):
    quantized, refusal = quantize(ranged, per_channel=True)
    assert refusal is None
    graph = Graph.from_bytes(quantized)
    assert [graph.tensors[index].dtype for index in graph.inputs] == ["int8"]
    assert Runner(quantized).run({"x0": np.ones((1, 4), np.float32)})[0].shape == (1, 3)


def test_a_refusal_of_the_quantizer_is_told():
    quantized, refusal = quantize(b"no model at all, but long enough to be read", per_channel=True)
    assert not quantized
    assert refusal


def test_a_hang_ends_and_the_next_model_is_tried(content, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(client, "INFERENCE_SECONDS", 1)
        with pytest.raises(TimeLimitError, match="over 1 s"):
            try_model(content=builders.endless())
    assert try_model(content=content) is None


def test_a_killed_server_is_started_again(content):
    try_model(content=content)
    client._running["try_model"]._process.kill()
    client._running["try_model"]._process.wait()
    assert try_model(content=content) is None


def test_an_hdf5_file_is_read_within_its_memory(tmp_path):
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file["small"] = np.ones((3, 4))
        file.attrs["names"] = ["a", "b"]
        file.create_dataset("huge", (2**20, 2**20), np.float32, chunks=(1, 1024))
    for allowed in (2**20, 2**50):
        read_hdf5(path, allowed=allowed)


def test_what_is_no_hdf5_is_for_others_to_tell(tmp_path):
    path = tmp_path / "weights.h5"
    path.write_bytes(b"no HDF5")
    read_hdf5(path, allowed=2**20)


def test_the_quantizer_may_be_expected(ranged):
    expect_quantizer()
    assert quantize(ranged, per_channel=False)[1] is None


def test_threads_wait_for_each_other(content):
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(try_model(content=content)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [None] * 8


def test_a_forked_process_has_a_server_of_its_own(content):
    try_model(content=content)
    mine = client._running["try_model"]
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(_tried, (content,)) != mine._process.pid
    assert try_model(content=content) is None
    assert client._running["try_model"] is mine


def _tried(content):
    assert try_model(content=content) is None
    return client._running["try_model"]._process.pid


_WAITS = """
import sys
import tflq.apart._client as client
from tflq.apart import try_model
print(client._server_for("try_model")._process.pid, flush=True)
try_model(path=sys.argv[1])
"""


def test_nothing_outlives_a_program_that_is_killed(tmp_path):
    path = tmp_path / "endless.tflite"
    path.write_bytes(builders.endless())
    program = subprocess.Popen(
        [sys.executable, "-c", _WAITS, str(path)], stdout=subprocess.PIPE, text=True
    )
    with program:
        server = int(program.stdout.readline())
        while not _children(server):
            time.sleep(0.05)
        child = _children(server)[0]
        program.send_signal(signal.SIGKILL)
    for process in (server, child):
        while _runs(process):
            time.sleep(0.05)


def _children(process):
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _parent(entry) == process
    ]


def _parent(entry):
    try:
        return int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return None


def _runs(process):
    try:
        return (Path("/proc") / str(process) / "stat").read_text().rsplit(")", 1)[1].split()[
            0
        ] != "Z"
    except OSError:
        return False


def test_nothing_of_the_current_folder_is_run(content, tmp_path):
    marker = tmp_path / "ran"
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    for name in ("numpy", "ai_edge_litert", "json", "signal", "struct", "_client", "warnings"):
        (tmp_path / f"{name}.py").write_text(f"open({str(marker)!r}, 'a').write('{name} ')\n")
    for arguments in (["inspect", "model.tflite"], ["benchmark", "model.tflite", "--seconds=0.1"]):
        done = subprocess.run(
            [Path(sys.executable).with_name("tflq"), *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        )
        assert done.returncode == 0, done.stderr
    assert not marker.exists(), marker.read_text()
