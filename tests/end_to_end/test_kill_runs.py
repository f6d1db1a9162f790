"""Runs that are killed, a few of them; `tools/kill_runs.py` kills hundreds."""

import json
import subprocess
import sys
from pathlib import Path

import tflq

TOOL = Path(__file__).parents[2] / "tools" / "kill_runs.py"


def test_killed_runs_lose_and_leave_nothing(tmp_path):
    results = tmp_path / "moments.jsonl"
    command = [sys.executable, str(TOOL), f"--results={results}", "--moments=3"]
    done = subprocess.run(
        [*command, "--commands=export-least_squares"],
        capture_output=True,
        text=True,
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(Path(tflq.__file__).parents[1]),
            "TF_ENABLE_ONEDNN_OPTS": "0",
            "HOME": str(tmp_path),
        },
    )
    assert done.returncode == 0, done.stderr[-3000:]
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    assert len(rows) == 3
    assert [row["faults"] for row in rows] == [[]] * 3
