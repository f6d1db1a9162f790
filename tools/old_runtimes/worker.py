"""What runs beside the old runtime; it knows nothing but that and NumPy.

    python worker.py RUNTIME FOLDER COUNT

For each number below COUNT the folder has `N.tflite` and `N.in.npz`, and gets `N.out.npz`, or the
reason in `N.log`. Each file has a process of its own, as runtimes abort on some.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Invoke = Callable[[Sequence[np.ndarray]], list[np.ndarray]]
# Bytes that the microcontroller's tensors get: more than small files ask for.
_ARENA = 64 << 20


def main(runtime: str, folder: Path, count: int) -> None:
    """Runs all files of the folder."""
    # Imported here, so that the processes need not do so one by one.
    load = _micro() if runtime == "tflite-micro" else _full(builtin=runtime.endswith("builtin"))
    for number in range(count):
        child = os.fork()
        if not child:
            # What the runtime's C++ writes is the only reason that it gives.
            log = os.open(folder / f"{number}.log", os.O_WRONLY | os.O_CREAT)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os._exit(_try(load, folder / str(number)))
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            with (folder / f"{number}.log").open("a") as file:
                file.write(f"\nthe runtime crashed (signal {os.WTERMSIG(status)})")


def _try(load: Callable[[bytes], Invoke], stem: Path) -> int:
    try:
        _run(load, stem)
    except BaseException as error:
        os.write(2, f"\n{type(error).__name__}: {error}".encode())
        return 1
    return 0


def _run(load: Callable[[bytes], Invoke], stem: Path) -> None:
    invoke = load(stem.with_suffix(".tflite").read_bytes())
    samples: dict[int, dict[int, np.ndarray]] = {}
    with np.load(stem.with_suffix(".in.npz")) as arrays:
        for key in arrays.files:
            sample, place = map(int, key.split("_"))
            samples.setdefault(sample, {})[place] = arrays[key]
    outputs: dict[str, Any] = {}
    for sample, inputs in samples.items():
        made = invoke([inputs[place] for place in range(len(inputs))])
        outputs |= {f"{sample}_{place}": array for place, array in enumerate(made)}
    unfinished = stem.with_suffix(".part.npz")
    np.savez(unfinished, **outputs)
    unfinished.rename(stem.with_suffix(".out.npz"))


def _full(*, builtin: bool) -> Callable[[bytes], Invoke]:
    from tflite_runtime.interpreter import Interpreter, OpResolverType

    kinds = OpResolverType
    kernels = kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES if builtin else kinds.AUTO

    def load(content: bytes) -> Invoke:
        interpreter = Interpreter(
            model_content=content, num_threads=1, experimental_op_resolver_type=kernels
        )

        def invoke(inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
            given = interpreter.get_input_details()
            for detail, array in zip(given, inputs, strict=True):
                if list(detail["shape"]) != list(array.shape):
                    interpreter.resize_tensor_input(detail["index"], array.shape)
            interpreter.allocate_tensors()
            for detail, array in zip(given, inputs, strict=True):
                interpreter.set_tensor(detail["index"], array)
            interpreter.invoke()
            details = interpreter.get_output_details()
            return [interpreter.get_tensor(detail["index"]) for detail in details]

        return invoke

    return load


def _micro() -> Callable[[bytes], Invoke]:
    from tflite_micro.python.tflite_micro import runtime

    def load(content: bytes) -> Invoke:
        interpreter = runtime.Interpreter.from_bytes(content, arena_size=_ARENA)
        outputs = _output_count(content)

        def invoke(inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
            for place, array in enumerate(inputs):
                interpreter.set_input(array, place)
            interpreter.invoke()
            return [np.array(interpreter.get_output(place)) for place in range(outputs)]

        return invoke

    return load


def _output_count(content: bytes) -> int:
    from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

    return int(schema.Model.GetRootAsModel(content, 0).Subgraphs(0).OutputsLength())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
