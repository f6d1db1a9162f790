"""Asks the runtime what one op of an integer file makes of codes."""

from collections.abc import Sequence

import numpy as np

from tflq._quiet import quiet


def asked(content: bytes, values: Sequence[np.ndarray]) -> np.ndarray:
    """What the runtime makes of values: the first output."""
    from ai_edge_litert.interpreter import Interpreter

    with quiet():
        interpreter = Interpreter(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
    for detail, value in zip(interpreter.get_input_details(), values, strict=True):
        interpreter.set_tensor(detail["index"], value.astype(detail["dtype"]))
    interpreter.invoke()
    made: np.ndarray = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return made
