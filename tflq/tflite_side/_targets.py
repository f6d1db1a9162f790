"""What the float network computes at a few places of every weighted op."""

from collections.abc import Mapping, Sequence

import numpy as np

from tflq._disk_array import disk_array
from tflq._run_folder import RunFolder
from tflq.data import InputSpec
from tflq.tflite_side._graph import Graph, Op
from tflq.tflite_side._runner import Runner
from tflq.tflite_side._unfuse import unfuse

# Rows kept of one layer over all samples, and floats of them on either side.
_ROWS = 12_800
_FLOATS = 2**25
_SEED = 0


class Targets:
    """Places of the outputs of weighted ops, chosen at random, and the values there, on disk.

    Args:
        content: the float .tflite.
        graph: the same, parsed.
        ops: the ops.
        widths: inputs of one output of each op, by op index.
        samples: arrays by input name, all of one shape.
        inputs: the model's inputs.
    """

    def __init__(
        self,
        content: bytes,
        graph: Graph,
        ops: Sequence[Op],
        widths: Mapping[int, int],
        samples: Sequence[Mapping[str, np.ndarray]],
        inputs: Sequence[InputSpec],
    ):
        linear, before = unfuse(content)
        runner = Runner(linear, inputs=inputs, keep_all=True)
        views = {op.index: runner.view(before[op.outputs[0]]) for op in ops}
        generator = np.random.default_rng(_SEED)
        self._places: dict[int, list[np.ndarray]] = {op.index: [] for op in ops}
        self._folder = RunFolder()
        self._values: dict[int, np.ndarray] = {}
        self._shapes: dict[int, tuple[int, ...]] = {}
        for number, sample in enumerate(samples):
            runner.run(sample)
            for op in ops:
                output = views[op.index]()
                positions = int(np.prod(output.shape[:-1]))
                rows = min(_ROWS, _FLOATS // max(widths[op.index], output.shape[-1]))
                count = min(max(1, rows // len(samples)), positions)
                places = np.sort(generator.choice(positions, count, replace=False))
                self._places[op.index].append(places)
                values = output.reshape(positions, -1)[places]
                if number == 0:
                    self._values[op.index] = self._file(op, (len(samples), *values.shape))
                self._values[op.index][number] = values
                self._shapes[op.index] = output.shape
                # A view must be gone before the next run.
                del output

    def places(self, op: Op) -> list[np.ndarray]:
        """For every sample flat indices into the op's output without its last axis."""
        return self._places[op.index]

    def values(self, op: Op) -> np.ndarray:
        """Outputs before the activation there, shape (rows of all samples, channels)."""
        stored = self._values[op.index]
        return np.array(stored).reshape(-1, stored.shape[-1])

    def shape(self, op: Op) -> tuple[int, ...]:
        """Shape of the op's output."""
        return self._shapes[op.index]

    def _file(self, op: Op, shape: tuple[int, ...]) -> np.ndarray:
        return disk_array(self._folder, f"{op.index}.npy", shape, np.float32)
