import networks

import tflq
from tflq.tflite_side import delegated_ops, xnnpack_delegation


def test_a_loop_is_left_though_its_last_output_and_a_missing_bias_have_one_index(tmp_path):
    model, data = networks.looped_sequence("GRU")
    path = tmp_path / "loop.tflite"
    tflq.export(model, path, data=data, calibrator="minmax")
    content = path.read_bytes()
    kinds = [op.kind for op in tflq.tflite_side.Graph.from_bytes(content).ops]
    assert kinds.index("WHILE") not in delegated_ops(content)
    assert "WHILE" in xnnpack_delegation(content).left
