"""The file that collects measurements."""

import pytest

from tflq._rows import append_row, read_rows


def test_rows_come_back_in_order(tmp_path):
    file = tmp_path / "rows.jsonl"
    rows = [{"network": "a", "top1": 0.5}, {"network": "b", "steps": [{"step": "x"}]}]
    for row in rows:
        append_row(file, row)
    assert read_rows(file) == rows
    assert read_rows(tmp_path / "none.jsonl") == []


@pytest.mark.parametrize("cut", range(1, 27))
def test_a_row_cut_off_anywhere_costs_only_itself(tmp_path, cut):
    file = tmp_path / "rows.jsonl"
    append_row(file, {"a": 1})
    append_row(file, {"b": {"c": 2}, "d": [{}, 3]})
    torn = file.read_bytes()[:-cut]
    file.write_bytes(torn)
    kept = read_rows(file)
    append_row(file, {"e": 4})
    assert read_rows(file) == [*kept, {"e": 4}]
    assert kept[:1] == [{"a": 1}]
