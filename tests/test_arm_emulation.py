"""What tools/arm.py does without an emulated machine: nothing here downloads anything."""

import itertools
import json
import platform
import subprocess
from pathlib import Path

import numpy as np
import pytest
from arm_emulation import cache, emulator, packages
from arm_emulation.agreement import agreement
from arm_emulation.cores import CORES, cpuinfo_text, write_system_files
from arm_emulation.counts import mean_counts, parse_counts, per_inference, spread
from arm_emulation.op_by_op import differing_ops, input_codes, input_values, take_apart
from arm_emulation.table import agreement_text, markdown

from tflq import UserError
from tflq.tflite_side import Graph

REPORT = "instructions 1000\nsmlal 1\nsmlal 2\nsdot 30\nsdot 0\nsmmla 0\nfmla 4\nfmla 0\n"


def test_cpuinfo_tells_the_core_from_its_id_register():
    text = cpuinfo_text(CORES["cortex-a76"])
    lines = dict(line.split(": ") for line in text.splitlines())
    assert lines["CPU implementer\t"] == "0x41"
    assert lines["CPU variant\t"] == "0x4"
    assert lines["CPU part\t"] == "0xd0b"
    assert lines["CPU revision\t"] == "1"
    assert "asimddp" in lines["Features\t"].split()


@pytest.mark.parametrize(
    ("name", "dot_products", "matrix_products"),
    [("cortex-a53", False, False), ("cortex-a76", True, False), ("i8mm", True, True)],
)
def test_each_core_has_its_way_to_multiply(name, dot_products, matrix_products):
    features = CORES[name].features.split()
    assert ("asimddp" in features, "i8mm" in features) == (dot_products, matrix_products)


def test_the_core_with_matrix_products_has_no_sme():
    assert "sme=off" in CORES["i8mm"].model


def test_system_files_describe_one_processor(tmp_path):
    write_system_files(tmp_path, CORES["cortex-a53"])
    assert (tmp_path / "proc/cpuinfo").read_text().count("processor") == 1
    assert (tmp_path / "sys/devices/system/cpu/possible").read_text() == "0\n"


def test_encodings_of_one_kind_are_added_up():
    assert parse_counts(REPORT) == {
        "instructions": 1000,
        "smlal": 3,
        "sdot": 30,
        "smmla": 0,
        "fmla": 4,
    }


@pytest.mark.parametrize("report", ["", "sdot 3\n", "instructions 10", "instructions ten\n"])
def test_a_report_that_was_cut_off_is_refused(report):
    with pytest.raises(ValueError):
        parse_counts(report)


def test_the_start_cancels():
    short = {"instructions": 5_000_000 + 300, "sdot": 6}
    long = {"instructions": 5_000_000 + 1300, "sdot": 26}
    assert per_inference(short, long, 5) == {"instructions": 200, "sdot": 4}


def test_three_runs_count_an_inference_twice(monkeypatch):
    seen = []

    def count(self, model, samples, kernels, repeats):
        seen.append((len(samples[0]), repeats))
        # The start varies a little from run to run.
        return {"instructions": 5_000_000 + 70 * (1 + repeats) + 4 * len(seen)}

    monkeypatch.setattr(emulator.Emulator, "_count", count)
    core = emulator.Emulator.__new__(emulator.Emulator)
    found = core.counts(Path("x.tflite"), [np.zeros((3, 2))], "xnnpack", 4)
    assert seen == [(1, 0), (1, 4), (1, 8)]
    assert found == [{"instructions": 71}, {"instructions": 71}]


def test_repeated_counts():
    counts = [{"instructions": 90, "sdot": 1}, {"instructions": 110, "sdot": 3}]
    assert mean_counts(counts) == {"instructions": 100, "sdot": 2}
    assert spread(counts) == pytest.approx(0.2)


def test_agreement_of_codes_does_not_wrap_around():
    found = agreement(np.array([[-128, 5]], np.int8), np.array([[127, 5]], np.int8))
    assert (found.same, found.largest) == (0.5, 255)


def test_agreement_of_floats_is_relative_to_the_largest():
    found = agreement(np.array([4.0, 0.5], np.float32), np.array([4.0, 0.75], np.float32))
    assert (found.same, found.largest) == (0.5, 0.0625)


@pytest.mark.parametrize("came", [np.zeros(3, np.int8), np.zeros(2, np.uint8)])
def test_agreement_refuses_what_cannot_be_compared(came):
    with pytest.raises(ValueError, match="expected"):
        agreement(np.zeros(2, np.int8), came)


def row(file, kernels, instructions, **other):
    exact = {"same": 1.0, "largest": 0.0}
    return {
        "network": "Net",
        "file": file,
        "kernels": kernels,
        "core": "cortex-a76",
        "samples": 2,
        "values": 20,
        "like": exact,
        "xnnpack": exact,
        "per_inference": {"instructions": instructions, "sdot": 2e5, "smlal": 1.0},
        "spread": 0.0,
        "ops": {},
    } | other


def test_the_table_sets_int8_against_float():
    rows = [row("float", "xnnpack", 8e6), row("int8", "xnnpack", 2e6)]
    lines = markdown(rows).splitlines()
    assert lines[1] == "Net, 2 samples, 20 output values:"
    assert lines[-1] == (
        "| int8 | xnnpack | cortex-a76 | 100 % | 100 % | - | 2.00 | 0.25 | SDOT 10 % |"
    )
    assert len({line.count("|") for line in lines[3:]}) == 1


def test_the_table_names_the_ops_that_differ():
    ops = {"SOFTMAX": {"same": 0.75, "largest": 1.0}}
    differing = row("int8", "built-in", 2e6, xnnpack={"same": 0.9, "largest": 6.0}, ops=ops)
    assert "| 90.00 %, off by 6 | SOFTMAX 75.00 %, off by 1 |" in markdown([differing])


def test_rows_survive_a_results_file():
    kept = json.loads(json.dumps(row("int8", "xnnpack", 2e6)))
    assert markdown([kept]) == markdown([row("int8", "xnnpack", 2e6)])


def test_nothing_short_of_all_is_called_100_percent():
    assert agreement_text({"same": 1 - 1e-9, "largest": 1.0}) == "99.99 %, off by 1"
    assert agreement_text({"same": 0.5, "largest": 29.0}) == "50.00 %, off by 29"
    assert agreement_text({"same": 0.5, "largest": 6.4e-7}) == "50.00 %, off by 6e-07"
    assert agreement_text({"same": 1.0, "largest": 0.0}) == "100 %"


def test_input_codes_are_the_files(integer_file, float_file):
    values = np.array([[-1000.0, 0.0, 1000.0]], np.float32)
    content = integer_file.read_bytes()
    codes = input_codes(content, values)
    assert codes.dtype == np.int8
    assert codes[0, 0] == -128
    assert codes[0, 2] == 127
    assert input_values(content, codes)[0, 1] == 0
    assert input_codes(float_file.read_bytes(), values) is values


def test_taken_apart_each_op_has_inputs_of_its_own(integer_file):
    content = integer_file.read_bytes()
    apart = take_apart(content)
    graph = Graph.from_bytes(apart.content)
    assert list(apart.kinds) == [op.kind for op in Graph.from_bytes(content).ops]
    assert "ADD" in apart.kinds
    made = set(itertools.chain.from_iterable(op.outputs for op in graph.ops))
    assert not made & set(itertools.chain.from_iterable(op.inputs for op in graph.ops))
    assert len(graph.inputs) == len(apart.fed)


def test_no_op_differs_from_itself_and_one_that_does_is_named(integer_file, small_cnn, tmp_path):
    content = integer_file.read_bytes()
    codes = input_codes(content, small_cnn[1][:3])

    def here(path, inputs):
        return emulator.run_here(path, inputs, "xnnpack")

    def add_off_by_one(path, inputs):
        outputs = here(path, inputs)
        place = take_apart(content).kinds.index("ADD")
        outputs[place] = np.where(outputs[place] > 0, outputs[place] - 1, outputs[place])
        return outputs

    assert differing_ops(content, codes, tmp_path, here) == {}
    found = differing_ops(content, codes, tmp_path, add_off_by_one)
    assert list(found) == ["ADD"]
    assert found["ADD"].largest == 1


def test_a_program_that_fails_is_reported_with_what_it_said(tmp_path):
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"not a model")
    with pytest.raises(RuntimeError, match=r"broken\.tflite with xnnpack kernels failed"):
        emulator.run_here(broken, [np.zeros((1, 2), np.int8)], "xnnpack")


def test_other_machines_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(UserError, match="riscv64 and works on x86-64 Linux"):
        cache.Cache(tmp_path)


def test_a_missing_program_is_named_with_its_package():
    with pytest.raises(UserError, match=r"'no-such-program' is missing; install .* 'nothing'"):
        packages.need_programs({"no-such-program": "nothing"})


def test_a_missing_key_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(packages, "need_programs", lambda _: None)
    monkeypatch.setattr(packages, "_KEYRING", Path("/no/such/key.gpg"))
    with pytest.raises(UserError, match="install the package debian-archive-keyring"):
        packages.DebianPackages(tmp_path, "arm64")


def test_a_tool_that_fails_is_quoted():
    with pytest.raises(UserError, match=r"sh failed to try; try again\. It said: last words"):
        packages.run_tool(["sh", "-c", "echo first; echo last words; exit 3"], "to try; try again.")


def test_a_part_is_built_once_and_only_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    built = []

    def build(part):
        built.append(part)
        (part / "file").touch()
        if len(built) == 1:
            raise KeyboardInterrupt

    parts = cache.Cache(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        parts._part("thing", "recipe", build)
    folder = parts._part("thing", "recipe", build)
    assert parts._part("thing", "recipe", build) == folder
    assert len(built) == 2
    assert parts._part("thing", "another recipe", build) != folder


def test_packages_come_from_where_this_machine_gets_its_own(monkeypatch):
    told = (
        "'https://mirror.example/debian/dists/stable-updates/InRelease' a 0\n"
        "'https://mirror.example/debian/dists/stable/InRelease' b 0\n"
    )
    done = subprocess.CompletedProcess([], 0, stdout=told, stderr="")
    monkeypatch.setattr(packages.subprocess, "run", lambda *_, **__: done)
    assert packages.mirror("stable") == "https://mirror.example/debian"
    with pytest.raises(UserError, match="no source of Debian 'older'"):
        packages.mirror("older")
