"""Runs a .tflite with LiteRT and XNNPACK: floats in, floats out, whatever its integers are."""

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tflq._errors import UserError
from tflq._quiet import quiet
from tflq._reasons import runtime_reason
from tflq.data import InputSpec
from tflq.tflite_side._graph import op_names
from tflq.tflite_side._selections import Selections

_SEQUENCES = frozenset(
    f"{direction}DIRECTIONAL_SEQUENCE_{cell}"
    for direction in ("UNI", "BI")
    for cell in ("LSTM", "RNN")
)
_STEPS = frozenset({"LSTM", "RNN", "SVDF"})


class Runner:
    """One interpreter over a .tflite.

    Args:
        content: the flatbuffer.
        inputs: the user's names and shapes, in the order of the file's inputs; None takes them
            from the file and its signature.
        keep_all: keep every intermediate tensor, for `tensor`.
        threads: CPU threads.

    Raises:
        UserError: the runtime refuses the model, for instance for an unsupported op.
    """

    def __init__(
        self,
        content: bytes,
        *,
        inputs: Sequence[InputSpec] | None = None,
        keep_all: bool = False,
        threads: int = 0,
    ):
        from ai_edge_litert.interpreter import Interpreter

        self._content = content
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self._interpreter = Interpreter(
                    model_content=content,
                    num_threads=threads or os.cpu_count() or 1,
                    experimental_preserve_all_tensors=keep_all,
                )
                self._details = self._interpreter.get_input_details()
                self._allocated = self._allocate()
            except (RuntimeError, ValueError) as error:
                raise self._refused(error) from error
        self._selections = Selections(content)
        self._restarts = restarts(self._interpreter)
        self._outputs = self._interpreter.get_output_details()
        self.inputs = tuple(inputs) if inputs is not None else self._specs()

    def run(self, sample: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Evaluates one batch.

        Args:
            sample: a float (or, for token ids, integer) array for every input name.

        Returns:
            The outputs in the file's order, integer ones dequantized to float32.
        """
        self._resize(sample)
        if self._restarts:
            self._interpreter.reset_all_variables()
        for spec, detail in zip(self.inputs, self._details, strict=True):
            self._interpreter.set_tensor(detail["index"], _quantize(sample[spec.name], detail))
        try:
            self._interpreter.invoke()
        except RuntimeError as error:
            raise self._refused(error) from error
        return [
            _dequantize(codes, detail)
            for codes, detail in zip(self._codes(), self._outputs, strict=True)
        ]

    def codes(self, sample: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """As `run`, but outputs stay in the file's own dtype."""
        self.run(sample)
        return self._codes()

    def _codes(self) -> list[np.ndarray]:
        places = [detail["index"] for detail in self._outputs]
        values = [self._interpreter.get_tensor(place) for place in places]
        return self._selections.cleared(places, values)

    def encoded(self, sample: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """A sample in the dtypes of the file's inputs."""
        doors = zip(self.inputs, self._details, strict=True)
        return [_quantize(sample[spec.name], detail) for spec, detail in doors]

    def view(self, index: int) -> Callable[[], np.ndarray]:
        """A function that gives a zero-copy view of a tensor; drop the view before `run`."""
        view: Callable[[], np.ndarray] = self._interpreter.tensor(index)
        return view

    def op_details(self) -> list[dict[str, Any]]:
        """The runtime's plan: every op and, after them, one DELEGATE a delegated part."""
        details: list[dict[str, Any]] = self._interpreter._get_ops_details()
        return details

    def _specs(self) -> tuple[InputSpec, ...]:
        names = {int(detail["index"]): detail["name"] for detail in self._details}
        for key in list(self._interpreter.get_signature_list())[:1]:
            signature = self._interpreter.get_signature_runner(key).get_input_details()
            names |= {int(detail["index"]): name for name, detail in signature.items()}
        return tuple(
            InputSpec(
                name=names[int(detail["index"])],
                shape=tuple(None if n < 0 else int(n) for n in detail["shape_signature"]),
                dtype=np.dtype(np.float32 if _is_quantized(detail) else detail["dtype"]),
            )
            for detail in self._details
        )

    def _allocate(self) -> bool:
        """Whether the file works as it is stored; where it leaves sizes open, a sample tells."""
        try:
            with quiet():
                self._interpreter.allocate_tensors()
        except RuntimeError:
            if not any(-1 in detail["shape_signature"] for detail in self._details):
                raise
            return False
        return True

    def _refused(self, error: Exception) -> UserError:
        reason = runtime_reason(error, op_names(self._content))
        return UserError(f"LiteRT cannot run the model: {reason}.")

    def _resize(self, sample: Mapping[str, np.ndarray]) -> None:
        changed = not self._allocated
        for spec, detail in zip(self.inputs, self._details, strict=True):
            shape = sample[spec.name].shape
            if tuple(detail["shape"]) != shape:
                self._interpreter.resize_tensor_input(detail["index"], shape)
                changed = True
        if changed:
            try:
                with quiet():
                    self._interpreter.allocate_tensors()
            except RuntimeError as error:
                raise self._refused(error) from error
            self._allocated = True
            self._details = self._interpreter.get_input_details()


def restarts(interpreter: Any) -> bool:
    """Whether states are to be forgotten before every sample.

    A sample is a whole sequence to an op that runs through one; left alone, its state would go on
    from the last sample's. Ops that take one step a call need what was before.
    """
    kinds = {detail["op_name"] for detail in interpreter._get_ops_details()}
    return not kinds.isdisjoint(_SEQUENCES) and kinds.isdisjoint(_STEPS)


def _is_quantized(detail: Mapping[str, Any]) -> bool:
    return bool(detail["quantization"][0])


def _quantize(array: np.ndarray, detail: Mapping[str, Any]) -> np.ndarray:
    if not _is_quantized(detail):
        return array.astype(detail["dtype"], copy=False)
    scale, zero_point = detail["quantization"]
    limits = np.iinfo(detail["dtype"])
    codes = np.round(array / np.float32(scale)) + zero_point
    saturated: np.ndarray = np.clip(codes, limits.min, limits.max)
    return saturated.astype(detail["dtype"])


def _dequantize(array: np.ndarray, detail: Mapping[str, Any]) -> np.ndarray:
    if not _is_quantized(detail):
        return array
    scale, zero_point = detail["quantization"]
    real: np.ndarray = (array.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)
    return real
