"""`tflq export MODEL OUTPUT.tflite --data=…`."""

from absl import flags

from tflq._export import export
from tflq.cli._choice_flags import add_choice_flags, add_model_flags, choices
from tflq.cli._data_flags import add_data_flags, data_path
from tflq.cli._output import add_json_flag, positionals, show

USAGE = (
    "tflq export MODEL OUTPUT.tflite --data=PHOTOS [flags]\n\n"
    "MODEL is a .keras or .h5 file, a SavedModel folder, or a float .tflite."
)

FLAGS = flags.FlagValues()
add_choice_flags(FLAGS)
flags.DEFINE_string(
    "pictures",
    None,
    "also draw what the steps did into this folder (needs matplotlib)",
    flag_values=FLAGS,
)
add_model_flags(FLAGS)
add_data_flags(FLAGS)
add_json_flag(FLAGS)


def run(arguments: list[str]) -> None:
    """Exports, prints the report."""
    model, output = positionals(arguments, "MODEL OUTPUT.tflite")
    report = export(
        model,
        output,
        data=data_path(FLAGS.data, FLAGS),
        verify_data=data_path(FLAGS.verify_data, FLAGS),
        batch_size=FLAGS.batch_size or None,
        safe_mode=FLAGS.safe_mode,
        **choices(FLAGS),
    )
    show(report, FLAGS)
    if FLAGS.pictures:
        report.plot(FLAGS.pictures)
