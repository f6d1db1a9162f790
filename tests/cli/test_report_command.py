import json

import numpy as np

from tflq.cli.main import main


def test_report_takes_the_flags_of_an_export(small_cnn, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    model, data = small_cnn
    model.save("model.keras")
    np.save("data.npy", data)
    flags = ["--data=data.npy", "--scheme=w8a8-per-tensor", "--scheme_for=project=float32"]
    assert (
        main(["report", "model.keras", "r.html", *flags, "--nolatency", "--tflite=m.tflite"]) == 0
    )
    assert "most harmful" in capsys.readouterr().out
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["export"]["recipe"]["scheme_for"] == {"project": "float32"}
    assert report["export"]["path"] == "m.tflite" and (tmp_path / "m.tflite").exists()
    assert (tmp_path / "r.html").read_text().startswith("<!DOCTYPE html>")


def test_report_without_data(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["report", "model.keras", "r.html"]) == 2
    assert "a report needs samples; give data= (--data)" in capsys.readouterr().err
