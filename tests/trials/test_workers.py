"""Where tasks run."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from distributed import Client, LocalCluster
from distributed.security import Security

from tflq import UserError, _run_folder
from tflq._run_folder import RunFolder, remove_leftovers
from tflq.trials import _workers, open_workers


def add(shared, number):
    if number == 3:
        raise ValueError("three")
    return shared + number


def die_once(marker, number):
    """The first of all tasks kills its process."""
    if not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def pid_of(number):
    time.sleep(0.1)
    return os.getpid()


def die(shared, number):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def two():
    with open_workers(2) as workers:
        yield workers


@pytest.fixture(params=["here", "two"])
def workers(request):
    if request.param == "here":
        with open_workers(1) as workers:
            yield workers
    else:
        yield request.getfixturevalue("two")


def test_all_tasks_come_back_with_their_number(workers):
    shared = workers.share(10)
    found = {n: (r, type(e)) for n, r, e in workers.run(add, (shared,), [(i,) for i in range(5)])}
    none = type(None)
    assert found == {
        0: (10, none),
        1: (11, none),
        2: (12, none),
        3: (None, ValueError),
        4: (14, none),
    }


def test_both_processes_work(two):
    assert two.count == 2
    assert not two.here
    pids = {pid for _, pid, _ in two.run(pid_of, (), [(i,) for i in range(8)])}
    assert len(pids) == 2
    assert os.getpid() not in pids


def test_the_task_of_a_worker_that_dies_runs_again(two, tmp_path):
    shared = two.share(str(tmp_path / "died"))
    found = {n: (r, e) for n, r, e in two.run(die_once, (shared,), [(i,) for i in range(4)])}
    assert (tmp_path / "died").exists()
    assert found == {i: (i, None) for i in range(4)}


def test_a_task_that_kills_every_worker_fails_alone(two):
    ((number, result, error),) = two.run(die, (two.share(0),), [(0,)])
    assert (number, result) == (0, None)
    assert "every worker that tried it died" in str(error)
    assert [r for _, r, _ in two.run(add, (two.share(1),), [(1,)])] == [2]


def test_values_are_sent_again_when_all_that_had_them_have_died(tmp_path):
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": ":0"}
    with (
        LocalCluster(**options, silence_logs=50) as cluster,
        Client(cluster) as client,
        open_workers(client) as one,
    ):
        shared = one.share(str(tmp_path / "died"))
        found = [(r, e) for _, r, e in one.run(die_once, (shared,), [(7,)])]
    assert found == [(7, None)]


def test_a_scheduler_is_found_by_its_address():
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": False}
    with (
        LocalCluster(**options, dashboard_address=":0") as cluster,
        open_workers(cluster.scheduler_address) as workers,
    ):
        assert workers.count == 2
        assert [r for _, r, _ in workers.run(add, (workers.share(1),), [(1,)])] == [2]


def folder_of(number):
    folder = RunFolder()
    Path(folder.name, "big").touch()
    _kept.append(folder)
    return str(Path(folder.name).parent)


_kept = []


def _listening():
    """Addresses on which this process and its children listen."""
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    connections = [c for p in processes for c in p.net_connections(kind="inet")]
    return [c.laddr for c in connections if c.status == psutil.CONN_LISTEN]


def test_workers_are_nobody_elses(two):
    found = _listening()
    assert len(found) >= 3
    assert {address.ip for address in found} == {"127.0.0.1"}
    address = two._client.scheduler.address
    assert address.startswith("tls://127.0.0.1:")
    port = address.rpartition(":")[2]
    strangers = Security.temporary()
    with pytest.raises(OSError, match="TLS certificate does not match"):
        Client(f"tls://127.0.0.1:{port}", security=strangers, timeout=2)
    with pytest.raises(OSError, match=r"reset by peer|[Tt]imed out|closed"):
        Client(f"tcp://127.0.0.1:{port}", timeout=2)


def test_workers_have_no_pages(two):
    for address in _listening():
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(address.ip, address.port, timeout=1)
            connection.request("GET", "/health")
            assert connection.getresponse().status == 404


def test_neither_keys_nor_folders_of_workers_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(_run_folder, "_process", _run_folder._Process())
    with open_workers(2) as workers:
        folders = {folder for _, folder, _ in workers.run(folder_of, (), [(0,), (1,)])}
        found = [p for p in tmp_path.rglob("*") if p.is_file()]
        assert not [p for p in found if b"PRIVATE KEY" in p.read_bytes()]
        assert folders <= {str(p) for p in tmp_path.iterdir()}
    (own,) = tmp_path.iterdir()
    assert own.name.startswith(f"tflq-{os.getpid()}-")


BESIDE_A_MODEL = """
import sys
sys.path[:] = [entry for entry in sys.path if entry]
if __name__ == "__main__":
    from tflq.trials import open_workers
    with open_workers(2) as workers:
        assert [r for _, r, _ in workers.run(abs, (), [(-1,)])] == [1]
"""


@pytest.mark.skipif(sys.version_info < (3, 11), reason="older Pythons always look there")
def test_workers_take_no_module_from_the_current_folder(tmp_path):
    for name in ("multiprocessing", "pickle", "distributed"):
        (tmp_path / f"{name}.py").write_text(f"open('ran', 'a').write('{name} ')\n")
    subprocess.run([sys.executable, "-c", BESIDE_A_MODEL], cwd=tmp_path, check=True)
    assert not (tmp_path / "ran").exists()


SEARCHER = """
import sys, time
from tflq.trials import open_workers
from test_workers import folder_of, pid_of
if __name__ == "__main__":
    with open_workers(2) as workers:
        list(workers.run(folder_of, (), [(0,), (1,)]))
        print(*{pid for _, pid, _ in workers.run(pid_of, (), [(i,) for i in range(8)])}, flush=True)
        time.sleep(60)
"""


def test_workers_end_with_who_started_them(tmp_path, monkeypatch):
    script = tmp_path / "search.py"
    script.write_text(SEARCHER)
    place = tmp_path / "temporary"
    place.mkdir()
    paths = os.pathsep.join(path for path in sys.path if path)
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths, "TMPDIR": str(place)},
    )
    pids = [int(pid) for pid in process.stdout.readline().split()]
    process.kill()
    process.communicate()
    assert pids
    _, alive = psutil.wait_procs(
        [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=30
    )
    assert not alive
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    remove_leftovers()
    assert not list(place.iterdir())


def test_without_keys_there_are_no_workers(monkeypatch):
    def missing():
        raise ImportError("cryptography")

    monkeypatch.setattr(Security, "temporary", missing)
    with pytest.raises(UserError, match=r"pip install 'tflq\[cluster\]'"), open_workers(2):
        pass


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (0, "workers=0 is out of range"),
        ("tcp://127.0.0.1:1", "no Dask scheduler answers there"),
        ("tls://127.0.0.1:1", r"name the certificates in Dask's configuration"),
        ("many", "workers='many' is unknown"),
        (2.5, "workers=2.5 is unknown"),
    ],
)
def test_other_workers_are_refused(given, words, monkeypatch):
    monkeypatch.setattr(_workers, "_PATIENCE", 1)
    with pytest.raises(UserError, match=words), open_workers(given):
        pass
