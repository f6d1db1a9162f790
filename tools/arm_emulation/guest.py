"""Runs a .tflite on samples with LiteRT, on one thread: the same script on both machines.

    python guest.py MODEL SAMPLES.npz OUTPUTS.npz KERNELS REPEATS

SAMPLES holds an array (samples, ...) for each input, in the file's own dtypes; OUTPUTS gets one for
each output likewise. KERNELS is "xnnpack", "built-in" (LiteRT's own optimized ones) or "reference".
After the samples come REPEATS runs of the last one, whose outputs nobody reads.
"""

import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

KERNELS = {
    "xnnpack": OpResolverType.AUTO,
    "built-in": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "reference": OpResolverType.BUILTIN_REF,
}


def main(model: str, samples: str, outputs: str, kernels: str, repeats: str) -> None:
    """Does what the module's docstring says."""
    interpreter = Interpreter(
        model_path=model, num_threads=1, experimental_op_resolver_type=KERNELS[kernels]
    )
    interpreter.allocate_tensors()
    came = []
    with np.load(samples) as archive:
        arrays = [archive[name] for name in archive.files]
    for sample in zip(*arrays, strict=True):
        for detail, array in zip(interpreter.get_input_details(), sample, strict=True):
            interpreter.set_tensor(detail["index"], array[None])
        interpreter.invoke()
        details = interpreter.get_output_details()
        came.append([interpreter.get_tensor(detail["index"])[0] for detail in details])
    for _ in range(int(repeats)):
        interpreter.invoke()
    np.savez(outputs, *(np.stack(output) for output in zip(*came, strict=True)))


if __name__ == "__main__":
    main(*sys.argv[1:])
