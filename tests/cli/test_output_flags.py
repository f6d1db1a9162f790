"""Outputs are refused before the work."""

import os

import pytest

from tflq.cli.main import main

COMMANDS = [
    ["export", "m.tflite", "o.tflite", "--json={}"],
    ["compare", "m.tflite", "m.tflite", "--data=d.npy", "--json={}"],
    ["inspect", "m.tflite", "--json={}"],
    ["report", "m.tflite", "o.html", "--data=d.npy", "--tflite={}"],
    ["search", "m.tflite", "--folder=f", "--data=d.npy", "--max_drop=1", "--json={}"],
    ["search", "m.tflite", "--folder=f", "--data=d.npy", "--max_drop=1", "--picture={}"],
    ["sensitivity", "m.tflite", "--data=d.npy", "--json={}"],
    ["sensitivity", "m.tflite", "--data=d.npy", "--picture={}"],
    ["benchmark", "m.tflite", "--csv={}"],
    ["demo", "--json={}"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("name", "words"), [("gone/x", "folder 'gone' of the output does not"), ("pipe", "named pipe")]
)
def test_an_output_is_refused_before_the_work(command, name, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    # The model does not exist, which is found later.
    assert main([part.format(name) for part in command]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
