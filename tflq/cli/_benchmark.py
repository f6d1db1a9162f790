"""`tflq benchmark MODEL.tflite…`."""

from absl import flags

from tflq._benchmark import benchmark
from tflq._errors import UserError
from tflq._files import write_whole
from tflq.bench import BACKENDS
from tflq.cli._data_flags import add_data_flags, data_path
from tflq.cli._output import add_json_flag, show

USAGE = (
    "tflq benchmark MODEL.tflite… [flags]\n\n"
    "Measures latency and memory here, or also energy on phones, which need the app of "
    "android_demo/."
)

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    "device",
    "local",
    "local; a phone's serial number as adb tells it; phone for the only one, all for all of them",
    flag_values=FLAGS,
)
flags.DEFINE_list(
    "backend", ["xnnpack"], f"of {', '.join(BACKENDS)}; one or several", flag_values=FLAGS
)
flags.DEFINE_list("threads", ["1"], "of the CPU; one number or several", flag_values=FLAGS)
flags.DEFINE_string(
    "compare", None, "a .tflite, such as the float one, to compare each with", flag_values=FLAGS
)
flags.DEFINE_integer("rounds", 10, "how often every model has its turn", flag_values=FLAGS)
flags.DEFINE_float(
    "seconds",
    None,
    "of one turn; default: 0.5 here, 2 on phones, 20 with --energy",
    flag_values=FLAGS,
)
flags.DEFINE_bool("profile", False, "also time the ops one by one, here", flag_values=FLAGS)
flags.DEFINE_bool("energy", False, "also measure energy, on phones", flag_values=FLAGS)
flags.DEFINE_string("accelerator", None, "of NNAPI, by name", flag_values=FLAGS)
flags.DEFINE_string(
    "runner",
    None,
    "path of LiteRT's benchmark_model on the phone, to measure with in place of the app",
    flag_values=FLAGS,
)
flags.DEFINE_string("csv", None, "also write a line a measurement to this file", flag_values=FLAGS)
flags.DEFINE_string(
    "picture", None, "also draw the result into this PNG (needs matplotlib)", flag_values=FLAGS
)
add_data_flags(FLAGS)
add_json_flag(FLAGS)


def run(arguments: list[str]) -> None:
    """Measures, prints the tables."""
    if not arguments:
        raise UserError("expected MODEL.tflite…, nothing came.")
    result = benchmark(
        arguments,
        device=FLAGS.device,
        backend=FLAGS.backend,
        threads=_numbers(FLAGS.threads),
        compare=FLAGS.compare,
        data=data_path(FLAGS.data, FLAGS),
        rounds=FLAGS.rounds,
        seconds=FLAGS.seconds,
        profile=FLAGS.profile,
        energy=FLAGS.energy,
        accelerator=FLAGS.accelerator,
        runner=FLAGS.runner,
    )
    show(result, FLAGS)
    if FLAGS.csv:
        write_whole(FLAGS.csv, result.to_csv().encode())
    if FLAGS.picture:
        result.plot(FLAGS.picture)


def _numbers(texts: list[str]) -> list[int]:
    try:
        return [int(text) for text in texts]
    except ValueError as error:
        raise UserError(
            f"--threads={','.join(texts)} is malformed; write numbers, such as 1,2,4."
        ) from error
