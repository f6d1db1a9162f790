"""`tflq inspect FILE.tflite`."""

from absl import flags

from tflq._inspect import inspect
from tflq.cli._output import add_json_flag, positionals, show

USAGE = "tflq inspect FILE.tflite [flags]"

FLAGS = flags.FlagValues()
flags.DEFINE_multi_string(
    "target",
    None,
    "name each op that a target would not take, why, and what to change: xnnpack, nnapi, gpu, "
    "edgetpu, or nnapi:10 for Android 10; repeat it, or put commas between several",
    flag_values=FLAGS,
)
add_json_flag(FLAGS)


def run(arguments: list[str]) -> None:
    """Prints every tensor, the file's facts, and what targets take."""
    (path,) = positionals(arguments, "FILE.tflite")
    show(inspect(path, target=FLAGS.target), FLAGS)
