"""`tflq sensitivity MODEL --data=…`."""

from absl import flags

from tflq._errors import UserError
from tflq._sensitivity import sensitivity
from tflq.cli._choice_flags import add_choice_flags, add_model_flags, choices
from tflq.cli._data_flags import add_data_flags, data_path
from tflq.cli._metric_flags import add_metric_flags
from tflq.cli._output import add_json_flag, positionals, show

USAGE = (
    "tflq sensitivity MODEL --data=PHOTOS [flags]\n\n"
    "MODEL is a .keras or .h5 file, a SavedModel folder, or a float .tflite. The layers that are "
    "best returned to float come first."
)

FLAGS = flags.FlagValues()
add_choice_flags(FLAGS)
add_metric_flags(FLAGS, default="sqnr")
flags.DEFINE_string(
    "folder",
    None,
    "keep what was measured in this folder, and go on from there",
    flag_values=FLAGS,
)
flags.DEFINE_string("picture", None, "also draw the layers into this PNG", flag_values=FLAGS)
add_model_flags(FLAGS)
add_data_flags(FLAGS)
add_json_flag(FLAGS)


def run(arguments: list[str]) -> None:
    """Ranks the layers, prints the table."""
    (model,) = positionals(arguments, "MODEL")
    data = data_path(FLAGS.data, FLAGS)
    if data is None:
        raise UserError("--data is missing; give samples to calibrate with.")
    found = sensitivity(
        model,
        data,
        verify_data=data_path(FLAGS.verify_data, FLAGS),
        labels=FLAGS.labels,
        metric=FLAGS.metric,
        folder=FLAGS.folder,
        batch_size=FLAGS.batch_size or None,
        safe_mode=FLAGS.safe_mode,
        **choices(FLAGS),
    )
    show(found, FLAGS)
    if FLAGS.picture:
        found.plot(FLAGS.picture)
