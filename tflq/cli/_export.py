"""`tflq export MODEL OUTPUT.tflite --data=…`."""

from absl import flags

from tflq._errors import UserError
from tflq._export import export
from tflq.cli._data_flags import add_data_flags, data_path
from tflq.cli._output import add_json_flag, positionals, show
from tflq.ranges import WEIGHT_METHODS, calibrators
from tflq.scheme import schemes
from tflq.tflite_side import IO_TYPES

USAGE = (
    "tflq export MODEL OUTPUT.tflite --data=PHOTOS [flags]\n\n"
    "MODEL is a .keras or .h5 file, a SavedModel folder, or a float .tflite."
)

FLAGS = flags.FlagValues()
flags.DEFINE_enum("scheme", "w8a8", schemes(), "what to quantize to", flag_values=FLAGS)
flags.DEFINE_enum(
    "calibrator", "mse", calibrators(), "how activation ranges are chosen", flag_values=FLAGS
)
flags.DEFINE_multi_string(
    "calibrator_for",
    [],
    "a calibrator for single layers, as NAME_OR_PATTERN=CALIBRATOR; may be given again",
    flag_values=FLAGS,
)
flags.DEFINE_enum(
    "weight_calibrator",
    "output_mse",
    list(WEIGHT_METHODS),
    "how weight ranges are chosen",
    flag_values=FLAGS,
)
flags.DEFINE_enum(
    "io", None, IO_TYPES, "dtype of inputs and outputs; default: the scheme's", flag_values=FLAGS
)
flags.DEFINE_string(
    "verify_data",
    None,
    "samples to judge with, as for --data; default: every tenth of --data is held out",
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "batch_size",
    1,
    "the file's batch where the model leaves it open; 0 leaves it open",
    lower_bound=0,
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "safe_mode",
    True,
    "refuse model files that carry code (Lambda layers)",
    flag_values=FLAGS,
)
add_data_flags(FLAGS)
add_json_flag(FLAGS)


def run(arguments: list[str]) -> None:
    """Exports, prints the report."""
    model, output = positionals(arguments, "MODEL OUTPUT.tflite")
    report = export(
        model,
        output,
        data=data_path(FLAGS.data, FLAGS),
        scheme=FLAGS.scheme,
        calibrator=FLAGS.calibrator,
        calibrator_for=dict(_pair(text) for text in FLAGS.calibrator_for),
        weight_calibrator=FLAGS.weight_calibrator,
        io=FLAGS.io,
        verify_data=data_path(FLAGS.verify_data, FLAGS),
        batch_size=FLAGS.batch_size or None,
        safe_mode=FLAGS.safe_mode,
    )
    show(report, FLAGS)


def _pair(text: str) -> tuple[str, str]:
    name, equals, calibrator = text.rpartition("=")
    if not (name and equals and calibrator):
        raise UserError(f"--calibrator_for={text!r} is malformed; write NAME=CALIBRATOR.")
    return name, calibrator
