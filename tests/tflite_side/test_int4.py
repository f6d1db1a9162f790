import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tflq.tflite_side._int4 import pack_int4, unpack_int4


@given(npst.arrays(np.int8, npst.array_shapes(max_dims=4, max_side=5), elements=st.integers(-8, 7)))
def test_unpacking_undoes_packing(codes):
    packed = pack_int4(codes)
    assert packed.dtype == np.uint8 and packed.size == (codes.size + 1) // 2
    np.testing.assert_array_equal(unpack_int4(packed, codes.shape), codes)


def test_the_first_code_lies_in_the_low_half():
    np.testing.assert_array_equal(pack_int4(np.array([1, -1, 7], np.int8)), [0xF1, 0x07])
