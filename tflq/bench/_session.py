"""One LiteRT interpreter, fed in the file's own dtypes."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from tflq._errors import UserError
from tflq._quiet import quiet

# LiteRT's own kernels, without a delegate, are the second.
LOCAL_BACKENDS = ("xnnpack", "reference")


class Session:
    """A model, loaded.

    Args:
        content: the file.
        backend: one of `LOCAL_BACKENDS`.
        threads: of the CPU.

    Raises:
        UserError: the runtime refuses the model.
    """

    def __init__(self, content: bytes, *, backend: str, threads: int):
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        resolver = {
            "xnnpack": OpResolverType.BUILTIN,
            "reference": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        }
        try:
            with quiet():
                self._interpreter = Interpreter(
                    model_content=content,
                    num_threads=threads,
                    experimental_op_resolver_type=resolver[backend],
                )
                self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            reason = (str(error).strip().splitlines() or ["no reason given"])[0]
            raise UserError(f"backend {backend!r} refuses the model: {reason}.") from error
        self.inputs: list[dict[str, Any]] = self._interpreter.get_input_details()
        self._outputs = self._interpreter.get_output_details()

    def feed(self, sample: Sequence[np.ndarray]) -> None:
        """Sets the inputs."""
        for detail, array in zip(self.inputs, sample, strict=True):
            self._interpreter.set_tensor(detail["index"], array)

    def invoke(self) -> None:
        """Runs once, on what was fed last."""
        self._interpreter.invoke()

    def run(self, sample: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Feeds, runs, and gives the outputs."""
        self.feed(sample)
        self.invoke()
        return [self._interpreter.get_tensor(detail["index"]) for detail in self._outputs]

    def repeat(self, seconds: float, fewest: int) -> list[float]:
        """Runs for so long and so often; the latencies in ms."""
        found: list[float] = []
        clock, invoke = time.perf_counter, self.invoke
        end = clock() + seconds
        before = clock()
        while before < end or len(found) < fewest:
            invoke()
            after = clock()
            found.append(1000 * (after - before))
            before = after
        return found

    def close(self) -> None:
        """Frees the interpreter and its threads."""
        del self._interpreter
