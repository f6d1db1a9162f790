"""Float ops inside an integer file, and what stands in for integer kernels that are not known."""

from tflq.integer._site import Function

FLOATS: dict[str, Function] = {}
