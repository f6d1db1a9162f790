"""`tflq report MODEL REPORT.html --data=…`."""

from absl import flags

from tflq._diagnose import report
from tflq.cli._choice_flags import add_choice_flags, add_model_flags, choices
from tflq.cli._data_flags import add_data_flags, data_path
from tflq.cli._output import positionals

USAGE = (
    "tflq report MODEL REPORT.html --data=PHOTOS [flags]\n\n"
    "MODEL is a .keras or .h5 file, a SavedModel folder, or a float .tflite. It is quantized as "
    "`tflq export` does with the same flags; the same as data goes into REPORT.json."
)

FLAGS = flags.FlagValues()
add_choice_flags(FLAGS)
flags.DEFINE_string(
    "tflite", None, "also write the quantized .tflite to this file", flag_values=FLAGS
)
flags.DEFINE_bool("latency", True, "time every op on this machine", flag_values=FLAGS)
add_model_flags(FLAGS)
add_data_flags(FLAGS)


def run(arguments: list[str]) -> None:
    """Writes the page, prints the worst layers and what to try."""
    model, page = positionals(arguments, "MODEL REPORT.html")
    found = report(
        model,
        page,
        data=data_path(FLAGS.data, FLAGS),
        verify_data=data_path(FLAGS.verify_data, FLAGS),
        tflite=FLAGS.tflite,
        latency=FLAGS.latency,
        batch_size=FLAGS.batch_size or None,
        safe_mode=FLAGS.safe_mode,
        **choices(FLAGS),
    )
    print(found)
