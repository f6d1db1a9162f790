"""Fake quantization to 16 bits, as runtimes read it."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq.tflite_side._file import pack, parse


def sign_16_bits(content: bytes) -> bytes:
    """Makes uint16 tensors int16 ones of the same values.

    The converter writes fake quantization to 16 bits unsigned, which no runtime takes. A file
    without such tensors comes back as it is.
    """
    model = parse(content, name="the converted model")
    tensors = [
        tensor
        for tensor in model.subgraphs[0].tensors
        if tensor.type == schema.TensorType.UINT16 and tensor.quantization is not None
    ]
    for tensor in tensors:
        tensor.type = schema.TensorType.INT16
        zero_point = np.asarray(tensor.quantization.zeroPoint, np.int64)
        tensor.quantization.zeroPoint = zero_point - 2**15
    return pack(model) if tensors else content
