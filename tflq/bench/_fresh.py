"""What only a process of its own can tell: start-up time, the first inference, memory.

Its script runs apart, with nothing loaded but the runtime.
"""

import json
import subprocess
from dataclasses import dataclass

from tflq._errors import UserError
from tflq._limits import START_SECONDS
from tflq.apart import run_script

# Memory is the peak of resident pages, of which the kernel keeps account by process; not the
# parent's, which getrusage hands on.
_SCRIPT = """
import json, resource, sys, time, warnings
import numpy
warnings.simplefilter("ignore")
from ai_edge_litert.interpreter import Interpreter, OpResolverType

def peak():
    try:
        with open("/proc/self/status") as status:
            return 1024 * next(int(l.split()[1]) for l in status if l.startswith("VmHWM"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

path, backend, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
kinds = {
    "xnnpack": OpResolverType.BUILTIN,
    "reference": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
}
before, start = peak(), time.perf_counter()
try:
    path.encode()
    source = {"model_path": path}
except UnicodeEncodeError:
    # Of files, LiteRT takes names that are text.
    with open(path, "rb") as file:
        source = {"model_content": file.read()}
interpreter = Interpreter(
    **source, num_threads=threads, experimental_op_resolver_type=kinds[backend]
)
interpreter.allocate_tensors()
ready = time.perf_counter()
for detail in interpreter.get_input_details():
    interpreter.set_tensor(detail["index"], numpy.zeros(detail["shape"], detail["dtype"]))
fed = time.perf_counter()
interpreter.invoke()
first = time.perf_counter()
for _ in range(2):
    interpreter.invoke()
print(json.dumps([1000 * (ready - start), 1000 * (first - fed), peak() - before]))
"""


@dataclass(frozen=True, kw_only=True)
class Start:
    """How a model starts.

    Attributes:
        initialisation_ms: until it is loaded and its tensors are allocated, in ms.
        first_ms: the first inference, in ms.
        peak_memory: bytes that it added to the process.
    """

    initialisation_ms: float
    first_ms: float
    peak_memory: int


def measure_start(path: str, *, backend: str, threads: int) -> Start:
    """Starts the model in a new process.

    Raises:
        UserError: the process fails or does not come back.
    """
    try:
        done = run_script(_SCRIPT, path, backend, str(threads), seconds=START_SECONDS)
    except subprocess.TimeoutExpired:
        raise UserError(
            f"model {path!r} does not finish three inferences in {START_SECONDS} s."
        ) from None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UserError(f"model {path!r} does not run on backend {backend!r}: {reason}.")
    initialisation, first, memory = json.loads(done.stdout.strip().splitlines()[-1])
    return Start(initialisation_ms=initialisation, first_ms=first, peak_memory=int(memory))
