"""`tflq export MODEL OUTPUT.tflite --data=…`."""

from absl import flags

from tflq._errors import UserError
from tflq._export import export
from tflq._methods import BIAS_CORRECTIONS, RECIPES, ROUNDING_NAMES
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
flags.DEFINE_multi_string(
    "scheme_for",
    [],
    "a scheme for single layers, as NAME_OR_PATTERN=SCHEME; float32 leaves a layer out; may be "
    "given again",
    flag_values=FLAGS,
)
flags.DEFINE_enum(
    "recipe",
    None,
    list(RECIPES),
    "a shorthand in place of the next four; best drops steps that make the result worse",
    flag_values=FLAGS,
)
flags.DEFINE_bool("equalize", None, "cross-layer equalization", flag_values=FLAGS)
flags.DEFINE_bool("absorb_bias", None, "high-bias absorption", flag_values=FLAGS)
flags.DEFINE_enum(
    "bias_correction",
    None,
    BIAS_CORRECTIONS,
    "takes out of biases what rounded weights add: on the data, or by batch normalization",
    flag_values=FLAGS,
)
flags.DEFINE_enum(
    "rounding", None, ROUNDING_NAMES, "how weights are rounded; default nearest", flag_values=FLAGS
)
flags.DEFINE_list(
    "input_range",
    ["-1", "1"],
    "smallest and largest value of the inputs, where there is no data",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "pictures",
    None,
    "also draw what the steps did into this folder (needs matplotlib)",
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
        scheme_for=_pairs("scheme_for", "SCHEME"),
        calibrator_for=_pairs("calibrator_for", "CALIBRATOR"),
        weight_calibrator=FLAGS.weight_calibrator,
        recipe=FLAGS.recipe,
        equalize=FLAGS.equalize,
        absorb_bias=FLAGS.absorb_bias,
        bias_correction=FLAGS.bias_correction,
        rounding=FLAGS.rounding,
        input_range=_range(FLAGS.input_range),
        io=FLAGS.io,
        verify_data=data_path(FLAGS.verify_data, FLAGS),
        batch_size=FLAGS.batch_size or None,
        safe_mode=FLAGS.safe_mode,
    )
    show(report, FLAGS)
    if FLAGS.pictures:
        report.plot(FLAGS.pictures)


def _pairs(flag: str, value: str) -> dict[str, str]:
    pairs = {}
    for text in FLAGS[flag].value:
        name, equals, chosen = text.rpartition("=")
        if not (name and equals and chosen):
            raise UserError(f"--{flag}={text!r} is malformed; write NAME={value}.")
        pairs[name] = chosen
    return pairs


def _range(texts: list[str]) -> tuple[float, float]:
    try:
        low, high = map(float, texts)
    except ValueError as error:
        raise UserError(
            f"--input_range={','.join(texts)} is malformed; write LOW,HIGH, such as -1,1."
        ) from error
    return low, high
