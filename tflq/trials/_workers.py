"""Where tasks run: in this process, in several of this machine, or on a cluster of machines.

Processes and clusters are Dask's (`distributed`). Ray installs beside TensorFlow 2.21 as well and
does the same, but in a compiled wheel of 79 MB for each platform and Python; Dask is plain Python,
a third of that, and runs wherever TensorFlow does.

Whoever reaches a scheduler can have it run anything. That of this machine's processes listens on
loopback alone, and talks only to who has the key that is made for it, kept in memory.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from tflq._errors import UserError
from tflq._run_folder import RunFolder, remove_leftovers

# Dask runs a task again whose worker died, thrice by default; then all is sent anew, once.
_ATTEMPTS = 2
# To find a scheduler, in s.
_PATIENCE = 10
_LOOPBACK = "127.0.0.1"
# Dask serves pages on what goes on, and a proxy to those of workers, to whoever asks.
_NO_PAGES: dict[str, list[str]] = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
_DIED = "every worker that tried it died; it may need more memory than they have"

Result = tuple[int, Any, Exception | None]


class WorkerDiedError(RuntimeError):
    """A task could not be done: workers died of it."""


class Workers(Protocol):
    """Runs tasks that do not depend on each other.

    Attributes:
        count: how many run at once.
        here: whether that is in this process, so that nothing needs to be sent.
    """

    count: int
    here: bool

    def share(self, value: Any) -> Any:
        """Brings a value to all workers once; the result stands for it in `run`."""

    def run(
        self, function: Callable[..., Any], shared: Sequence[Any], tasks: Sequence[tuple[Any, ...]]
    ) -> Iterator[Result]:
        """Calls `function(*shared, *task)` for each task.

        Yields:
            Number of the task, its result, and the exception that took its place or None, as they
            come.
        """


class Here:
    """This process, one task after another."""

    count, here = 1, True

    def share(self, value: Any) -> Any:
        """The value itself."""
        return value

    def run(
        self, function: Callable[..., Any], shared: Sequence[Any], tasks: Sequence[tuple[Any, ...]]
    ) -> Iterator[Result]:
        """See `Workers`."""
        for number, task in enumerate(tasks):
            try:
                result = function(*shared, *task)
            except Exception as error:
                yield number, None, error
            else:
                yield number, result, None


class _Shared:
    """A value that was sent to workers, and itself, should they all die."""

    def __init__(self, client: Any, value: Any):
        self._client, self._value = client, value
        self.sent = self._send()

    def _send(self) -> Any:
        return self._client.scatter(self._value, broadcast=True, hash=False)

    def send_again(self) -> None:
        """For workers that came after the others had gone."""
        self.sent = self._send()


class Cluster:
    """Workers of a Dask cluster.

    Args:
        client: a `distributed.Client`.
    """

    here = False

    def __init__(self, client: Any):
        self._client = client
        client.wait_for_workers(1)
        self.count = len(client.scheduler_info(n_workers=-1)["workers"])

    def share(self, value: Any) -> Any:
        """Sends the value."""
        return _Shared(self._client, value)

    def run(
        self, function: Callable[..., Any], shared: Sequence[Any], tasks: Sequence[tuple[Any, ...]]
    ) -> Iterator[Result]:
        """See `Workers`."""
        left = dict(enumerate(tasks))
        for attempt in range(_ATTEMPTS):
            last = attempt == _ATTEMPTS - 1
            for number, result, error in self._attempt(function, shared, dict(left)):
                lost = error is not None and _is_lost(error)
                if lost and not last:
                    continue
                del left[number]
                yield number, result, WorkerDiedError(_DIED) if lost else error
            if not left:
                return
            self._client.wait_for_workers(1)
            for value in shared:
                value.send_again()

    def _attempt(
        self,
        function: Callable[..., Any],
        shared: Sequence[_Shared],
        tasks: dict[int, tuple[Any, ...]],
    ) -> Iterator[Result]:
        from distributed import as_completed

        sent = [value.sent for value in shared]
        futures = {
            self._client.submit(_apart, function, *sent, *task, pure=False): number
            for number, task in tasks.items()
        }
        try:
            for future in as_completed(list(futures)):
                yield futures[future], *_outcome(future)
        finally:
            self._client.cancel(list(futures))


def _apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """Calls a function in a thread that Dask's profiler does not look at.

    The profiler holds the frames it looks at, and with them arrays in an interpreter's memory,
    beside which LiteRT refuses to run.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function, *arguments).result()


def _outcome(future: Any) -> tuple[Any, Exception | None]:
    try:
        return future.result(), None
    except Exception as error:
        return None, error


def _is_lost(error: Exception) -> bool:
    """Whether a task did not fail, but its worker or its shared values were lost."""
    from distributed import KilledWorker
    from distributed.client import FutureCancelledError

    return isinstance(error, (KilledWorker, FutureCancelledError))


@contextlib.contextmanager
def open_workers(workers: Any) -> Iterator[Workers]:
    """Opens what a user calls workers.

    Args:
        workers: how many processes on this machine, 1 being this one; the address of a Dask
            scheduler, `tls://HOST:PORT`, whose certificates are those of Dask's configuration, or
            `tcp://HOST:PORT`, which trusts its whole network; or a `distributed.Client`.

    Raises:
        UserError: it is none of these, the extra `cluster` is not installed, or nothing answers.
    """
    if isinstance(workers, str) and workers.isdigit():
        workers = int(workers)
    if workers == 1:
        yield Here()
        return
    if isinstance(workers, int) and workers < 1:
        raise UserError(f"workers={workers} is out of range; give 1 or more.")
    try:
        from distributed import Client
    except ImportError as error:
        raise UserError(
            "several workers need Dask's distributed; pip install 'tflq[cluster]'."
        ) from error
    if isinstance(workers, Client):
        yield Cluster(workers)
    elif isinstance(workers, int):
        with _processes(workers) as cluster, Client(cluster) as client:
            yield Cluster(client)
        # Those that had to be killed left their folders.
        remove_leftovers()
    elif isinstance(workers, str) and ":" in workers:
        try:
            client = Client(workers, timeout=_PATIENCE)
        except (OSError, ValueError, TypeError) as error:
            raise UserError(
                f"workers={workers!r}: no Dask scheduler answers there ({error}); start one with "
                "`dask scheduler` and workers with `dask worker`, and for tls:// name the "
                "certificates in Dask's configuration (distributed.comm.tls)."
            ) from error
        with client:
            yield Cluster(client)
    else:
        raise UserError(
            f"workers={workers!r} is unknown; give a number of processes, the address of a Dask "
            "scheduler (tls://HOST:PORT), or a distributed.Client."
        )


@contextlib.contextmanager
def _processes(count: int) -> Iterator[Any]:
    """A cluster of processes of this machine that nobody else can use."""
    import dask
    from distributed import LocalCluster
    from distributed.security import Security

    try:
        security = Security.temporary()
    except ImportError as error:
        raise UserError(
            "several workers need keys, which cryptography makes; pip install 'tflq[cluster]'."
        ) from error
    with (
        RunFolder() as folder,
        _safe_path(),
        dask.config.set({**_NO_PAGES, "temporary-directory": folder}),
        # The scheduler's own limits would kill what only holds a large model.
        LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            memory_limit=0,
            host=_LOOPBACK,
            security=security,
            dashboard_address=f"{_LOOPBACK}:0",
            scheduler_kwargs={"dashboard": False},
            silence_logs=50,
        ) as cluster,
    ):
        yield cluster


@contextlib.contextmanager
def _safe_path() -> Iterator[None]:
    """Python's own processes look for modules in the current folder first: not while this lasts.

    A pickle.py that lies beside a downloaded model would be run. Python 3.11 and newer heed it.
    """
    name = "PYTHONSAFEPATH"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
