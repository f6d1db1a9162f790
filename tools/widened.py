"""The same integers where XNNPACK runs them: weights of 4 bits, stored as 8."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq.tflite_side._file import pack, parse
from tflq.tflite_side._int4 import unpack_int4


def widened(content: bytes) -> bytes:
    """A .tflite whose int4 weights became int8; any other comes back as it is.

    LiteRT runs int4 convolutions by its reference kernels, some 20 times slower. Their rounding
    differs by a code now and then, so accuracies agree but single codes need not.
    """
    model = parse(content, name="the int4 file")
    found = False
    for tensor in model.subgraphs[0].tensors:
        if tensor.type != schema.TensorType.INT4:
            continue
        codes = unpack_int4(
            np.asarray(model.buffers[tensor.buffer].data, np.uint8), list(tensor.shape)
        )
        model.buffers.append(schema.BufferT(data=codes.reshape(-1).view(np.uint8)))
        tensor.buffer, tensor.type = len(model.buffers) - 1, schema.TensorType.INT8
        found = True
    return pack(model) if found else content
