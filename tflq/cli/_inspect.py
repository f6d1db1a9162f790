"""`tflq inspect FILE.tflite`."""

from absl import flags

from tflq._inspect import inspect
from tflq.cli._output import add_json_flag, positionals, show

USAGE = "tflq inspect FILE.tflite [flags]"

FLAGS = flags.FlagValues()
add_json_flag(FLAGS)


def run(arguments: list[str]) -> None:
    """Prints every tensor and the file's facts."""
    (path,) = positionals(arguments, "FILE.tflite")
    show(inspect(path), FLAGS)
