import json
import subprocess
import sys
import time

import networks
import numpy as np
import pytest

from tflq.cli.main import COMMANDS, main


@pytest.fixture(scope="module")
def files(small_cnn, float_file, integer_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    model, data = small_cnn
    model.save(folder / "model.keras")
    np.save(folder / "data.npy", data)
    (folder / "float.tflite").write_bytes(float_file.read_bytes())
    (folder / "int8.tflite").write_bytes(integer_file.read_bytes())
    return folder


@pytest.fixture
def here(files, monkeypatch):
    monkeypatch.chdir(files)
    return files


def test_export_writes_a_file_a_report_and_json(here, capsys):
    code = main(
        [
            "export",
            "model.keras",
            "out.tflite",
            "--data=data.npy",
            "--json=report.json",
            "--calibrator=percentile",
            "--calibrator_for=logits=minmax",
            "--io=uint8",
        ]
    )
    printed = capsys.readouterr().out
    assert code == 0 and (here / "out.tflite").stat().st_size > 0
    assert "SQNR" in printed and "XNNPACK takes" in printed
    report = json.loads((here / "report.json").read_text())
    assert report["recipe"]["calibrator"] == "percentile"
    assert report["recipe"]["calibrator_for"] == {"logits": "minmax"}
    assert report["outputs"][0]["samples"] == 1


def test_export_takes_every_method_and_draws_pictures(here, capsys):
    code = main(
        [
            "export",
            "model.keras",
            "methods.tflite",
            "--data=data.npy",
            "--verify_data=data.npy",
            "--scheme=w4a8",
            "--scheme_for=project=w8a16",
            "--equalize",
            "--absorb_bias",
            "--bias_correction=empirical",
            "--rounding=adaround",
            "--pictures=drawn",
            "--json=methods.json",
        ]
    )
    printed = capsys.readouterr().out
    assert code == 0 and "Step by step" in printed
    assert {path.name for path in (here / "drawn").iterdir()} == {
        "weight_ranges.png",
        "output_biases.png",
    }
    report = json.loads((here / "methods.json").read_text())
    names = [step["step"] for step in report["steps"]]
    assert names == ["ranges", "bias_correction", "equalize", "absorb_bias", "rounding"]
    assert report["recipe"]["methods"]["rounding"] == "adaround"


def test_export_without_data(here, capsys):
    arguments = ["export", "model.keras", "free.tflite", "--recipe=data-free", "--input_range=-4,4"]
    assert main([*arguments, "--json=free.json"]) == 0
    report = json.loads((here / "free.json").read_text())
    assert report["ranges"]["image"] == [-4.0, 4.0] and report["outputs"] == []


def test_export_takes_a_dtype_for_each_door(here, capsys):
    wanted = {"image": "uint8", "output": "float32"}
    for number, flags in enumerate(
        (["--io=image=uint8,output=float32"], ["--io=output=float32", "--io=image=uint8"])
    ):
        name = f"doors_{number}"
        arguments = ["export", "model.keras", f"{name}.tflite", "--data=data.npy", *flags]
        assert main([*arguments, f"--json={name}.json"]) == 0
        assert json.loads((here / f"{name}.json").read_text())["recipe"]["io"] == wanted
    for flags in (["--io=uint8,image"], ["--io=uint7"], ["--io=picture=uint8"]):
        arguments = ["export", "model.keras", "no.tflite", "--data=data.npy", *flags]
        assert main(arguments) == 2
        assert "io=" in capsys.readouterr().err


def test_flags_start_anew_at_every_call(here, capsys):
    main(["export", "model.keras", "out.tflite", "--data=data.npy", "--io=uint8"])
    main(["export", "model.keras", "out2.tflite", "--data=data.npy", "--json=again.json"])
    assert json.loads((here / "again.json").read_text())["recipe"]["io"] == "int8"


def test_compare_and_inspect(here, capsys):
    assert main(["compare", "model.keras", "int8.tflite", "--data=data.npy"]) == 0
    assert "top-1 agreement" in capsys.readouterr().out
    assert main(["inspect", "int8.tflite", "--json=facts.json"]) == 0
    assert "zero point" in capsys.readouterr().out
    facts = json.loads((here / "facts.json").read_text())
    assert {t["dtype"] for t in facts["tensors"]} == {"int8", "int32"}


def test_inspect_tells_what_targets_take(here, capsys):
    flags = ["--target=xnnpack,gpu", "--target=nnapi:9", "--json=targets.json"]
    assert main(["inspect", "int8.tflite", *flags]) == 0
    printed = capsys.readouterr().out
    assert "Target gpu" in printed and "Left to the CPU by nnapi:9" in printed
    reports = json.loads((here / "targets.json").read_text())["targets"]
    assert [report["target"] for report in reports] == ["xnnpack", "gpu", "nnapi:9"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], ""),
        (["exprot"], "command 'exprot' is unknown; choose one of: export"),
        (["export"], "expected MODEL OUTPUT.tflite, 0 came"),
        (["export", "model.keras", "o.tflite"], "give data= (--data)"),
        (["export", "gone.keras", "o.tflite", "--data=data.npy"], "'gone.keras' does not exist"),
        (["export", "model.keras", "o.tflite", "--data=gone"], "'gone' does not exist"),
        (["export", "model.keras", "o.tflite", "--data=data.npy", "--scheme=w9"], "w9"),
        (["export", "model.keras", "o.tflite", "--data=data.npy", "--bits=4"], "bits"),
        (["export", "model.keras", "o.tflite", "--calibrator_for=logits"], "NAME=CALIBRATOR"),
        (["export", "model.keras", "o.tflite", "--scheme_for=logits"], "write NAME=SCHEME"),
        (["export", "model.keras", "o.tflite", "--input_range=1"], "write LOW,HIGH, such as -1,1"),
        (["export", "model.keras", "o.tflite", "--rounding=up"], "--rounding=up"),
        (["export", "model.keras", "o.tflite", "--recipe=best", "--equalize"], "recipe='best'"),
        (
            ["export", "float.tflite", "o.tflite", "--data=data.npy", "--equalize"],
            "needed for equalize, and",
        ),
        (["export", "model.keras", "o.tflite", "--data=x", "--mean=a"], "--mean='a'"),
        (["export", "model.keras", "o.tflite", "--data=x", "--scale=1,2"], "one value or three"),
        (["export", "model.keras", "o.tflite", "--data=x", "--image_size=big"], "N or HxW"),
        (["export", "int8.tflite", "o.tflite", "--data=data.npy"], "quantized already"),
        (["compare", "model.keras", "int8.tflite"], "--data is missing"),
        (["inspect", "model.keras"], "is not a .tflite"),
        (["inspect", "gone.tflite"], "does not exist"),
        (["inspect", "int8.tflite", "--target=tpu"], "choose from: xnnpack, nnapi, gpu, edgetpu"),
        (["inspect", "int8.tflite", "--target=nnapi:29"], "choose from: nnapi:8.1, nnapi:9"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_code_2(arguments, message, here, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err + captured.out
    assert not (here / "o.tflite").exists()


def test_a_wrong_conversion_is_exit_code_1(here, capsys, monkeypatch):
    monkeypatch.setattr("tflq._verify._relative_error", lambda expected, came: np.nan)
    assert main(["export", "model.keras", "o.tflite", "--data=data.npy"]) == 1
    assert "does not compute what the model does" in capsys.readouterr().err


def test_ctrl_c_is_exit_code_130(here, capsys, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("tflq._candidate.quantize", stop)
    assert main(["export", "model.keras", "o.tflite", "--data=data.npy"]) == 130
    assert not (here / "o.tflite").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys):
    assert main([command, "--help"]) == 0
    assert f"tflq {command}" in capsys.readouterr().out


def test_help_is_quick_and_loads_no_tensorflow():
    script = (
        "import sys; from tflq.cli.main import main; code = main(['--help']);"
        "heavy = {'tensorflow', 'keras', 'tf_keras', 'numpy', 'rich'} & set(sys.modules);"
        "print('loaded', heavy or 'nothing'); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "loaded nothing" in done.stdout


def test_import_tflq_is_light():
    script = (
        "import sys, tflq; print({'tensorflow', 'keras', 'rich'} & set(sys.modules) or 'light')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "light"


def test_a_kill_in_the_middle_leaves_no_file(here):
    model, _ = networks.small_cnn()
    model.save(here / "again.keras")
    (here / "slow_data.py").write_text(
        "import time, numpy as np\n"
        "def samples():\n"
        "    while True:\n"
        "        print('running', flush=True)\n"
        "        time.sleep(0.05)\n"
        "        yield np.zeros((16, 16, 3), 'float32')\n"
    )
    command = [sys.executable, "-m", "tflq.cli.main", "export", "again.keras", "killed.tflite"]
    with subprocess.Popen(
        [*command, "--data=slow_data:samples"], cwd=here, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "running\n"
        time.sleep(0.2)
        process.terminate()
    assert not list(here.glob("*killed*"))


@pytest.fixture
def photos(here):
    from PIL import Image

    (here / "photos").mkdir(exist_ok=True)
    for index in range(11):
        picture = np.random.default_rng(index).integers(0, 256, (20, 24, 3), np.uint8)
        Image.fromarray(picture).save(here / "photos" / f"{index:02}.png")
    return here / "photos"


@pytest.mark.parametrize(
    ("flags", "expected"), [([], "raw pixels, 0..255"), (["--preset=tf"], ""), (["--mean=0"], "")]
)
def test_raw_pixels_are_pointed_out(flags, expected, photos, capsys):
    assert main(["export", "model.keras", "photo.tflite", f"--data={photos}", *flags]) == 0
    err = capsys.readouterr().err
    assert expected in err and ("raw pixels" in err) == bool(expected)


def test_verify_data_judges(photos, capsys):
    arguments = ["export", "model.keras", "v.tflite", "--data=data.npy", "--json=v.json"]
    assert main([*arguments, f"--verify_data={photos}", "--preset=tf"]) == 0
    report = json.loads((photos.parent / "v.json").read_text())
    assert report["verification"] == "given" and report["outputs"][0]["samples"] == 11
