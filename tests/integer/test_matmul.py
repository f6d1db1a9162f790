import numpy as np
import ops
import pytest
from ops import T


@pytest.mark.parametrize("second_zero", [0, 7])
@pytest.mark.parametrize("adjoint", [(False, False), (False, True), (True, False)])
@pytest.mark.parametrize("depth", [5, 700])
def test_batch_matmul(second_zero, adjoint, depth):
    rng = np.random.default_rng(depth + second_zero)
    a, b = (1, 3, 4, depth), (1, 3, depth, 6)
    scales = ops.scale(rng), ops.scale(rng)
    target = scales[0] * scales[1] * 74 * 74 * np.sqrt(depth) / 30
    flip = [
        shape if not turned else (*shape[:2], *shape[:1:-1])
        for shape, turned in zip((a, b), adjoint, strict=True)
    ]
    content = ops.file(
        "BATCH_MATMUL",
        [
            T(flip[0], scale=scales[0], zero=ops.zero(rng)),
            T(flip[1], scale=scales[1], zero=second_zero),
        ],
        [T((1, 3, 4, 6), scale=target, zero=ops.zero(rng))],
        ops.options("BatchMatMulOptions", adjX=adjoint[0], adjY=adjoint[1]),
    )
    assert ops.delegated(content) == (second_zero == 0)
    ops.check(
        content,
        {"t0": ops.codes(rng, flip[0], samples=40), "t1": ops.codes(rng, flip[1], samples=40)},
    )
