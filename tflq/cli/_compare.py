"""`tflq compare REFERENCE CANDIDATE --data=…`."""

from absl import flags

from tflq._compare import compare
from tflq._errors import UserError
from tflq.cli._choice_flags import add_signature_flag
from tflq.cli._data_flags import add_data_flags, data_path
from tflq.cli._output import add_json_flag, positionals, show

USAGE = (
    "tflq compare REFERENCE CANDIDATE --data=PHOTOS [flags]\n\n"
    "Each is a .keras or .h5 file, a SavedModel folder, or a .tflite, quantized or not."
)

FLAGS = flags.FlagValues()
flags.DEFINE_bool(
    "safe_mode",
    True,
    "refuse model files that carry code (Lambda layers, ops that touch files or Python)",
    flag_values=FLAGS,
)
add_signature_flag(FLAGS)
add_data_flags(FLAGS)
add_json_flag(FLAGS)


def run(arguments: list[str]) -> None:
    """Compares, prints the table."""
    reference, candidate = positionals(arguments, "REFERENCE CANDIDATE")
    data = data_path(FLAGS.data, FLAGS)
    if data is None:
        raise UserError("--data is missing; give samples to compare the models on.")
    compared = compare(
        reference, candidate, data, signature=FLAGS.signature, safe_mode=FLAGS.safe_mode
    )
    show(compared, FLAGS)
