"""`tflq search MODEL --folder=… --data=… --max_drop=…`."""

from dataclasses import replace
from pathlib import Path

from absl import flags

from tflq._errors import UserError
from tflq._files import check_writable, write_whole
from tflq._search import search
from tflq.cli._choice_flags import add_io_flag, add_model_flags, add_signature_flag, io_of
from tflq.cli._data_flags import add_data_flags, data_flags, data_path
from tflq.cli._metric_flags import add_metric_flags
from tflq.cli._output import add_json_flag, positionals, show
from tflq.scheme import schemes
from tflq.trials import as_command

USAGE = (
    "tflq search MODEL --folder=FOLDER --data=PHOTOS --max_drop=0.5 [flags]\n\n"
    "MODEL is a .keras or .h5 file, a SavedModel folder, or a float .tflite. The best file within "
    "the budget becomes FOLDER/best.tflite; every trial stays in FOLDER, and a search that was "
    "stopped goes on from there."
)

FLAGS = flags.FlagValues()
flags.DEFINE_string("folder", None, "keeps every trial and its file", flag_values=FLAGS)
add_metric_flags(FLAGS, default="agreement")
flags.DEFINE_float(
    "max_drop",
    None,
    "how much lower than the float model's the metric may be, such as 0.5 points",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "max_latency",
    None,
    "time of an inference at most, as a multiple of the plain recipe's, such as 1.1x",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "max_size",
    None,
    "of the file at most: bytes, 4MB, 900kB, or 0.8x of the plain recipe's",
    flag_values=FLAGS,
)
flags.DEFINE_enum("scheme", "w8a8", schemes(), "what to quantize to", flag_values=FLAGS)
add_io_flag(FLAGS)
flags.DEFINE_string(
    "workers",
    "1",
    "how many processes make trials, or the address of a Dask scheduler, tls://HOST:PORT, that you "
    "trust: whoever reaches it can run Python",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "device", "local", "whose latency counts, as for tflq benchmark", flag_values=FLAGS
)
flags.DEFINE_string(
    "picture", None, "also draw accuracy against time into this PNG", flag_values=FLAGS
)
add_signature_flag(FLAGS)
add_model_flags(FLAGS)
add_data_flags(FLAGS)
add_json_flag(FLAGS)


def run(arguments: list[str]) -> None:
    """Searches, prints what was found."""
    (model,) = positionals(arguments, "MODEL")
    data = data_path(FLAGS.data, FLAGS)
    if data is None or FLAGS.folder is None:
        missing = "--data" if data is None else "--folder"
        raise UserError(f"{missing} is missing; expected {USAGE.splitlines()[0]}.")
    best = Path(FLAGS.folder, "best.tflite")
    if best.parent.is_dir():
        check_writable(best)
    found = search(
        model,
        data,
        folder=FLAGS.folder,
        metric=FLAGS.metric,
        max_drop=FLAGS.max_drop,
        max_latency=FLAGS.max_latency,
        max_size=FLAGS.max_size,
        verify_data=data_path(FLAGS.verify_data, FLAGS),
        labels=FLAGS.labels,
        workers=FLAGS.workers,
        device=FLAGS.device,
        batch_size=FLAGS.batch_size or None,
        safe_mode=FLAGS.safe_mode,
        scheme=FLAGS.scheme,
        io=io_of(FLAGS),
        signature=FLAGS.signature,
    )
    command = as_command(model, data_flags(FLAGS), found.choices)
    show(replace(found, command=command), FLAGS)
    if FLAGS.picture:
        found.plot(FLAGS.picture)
    if not found.met:
        raise UserError(
            f"no recipe is within the budget ({found.budget}); the nearest is trial "
            f"{found.best.number}, {found.path}, which misses {found.missed()}; allow more, or "
            "train with tflq.quantize."
        )
    write_whole(best, Path(found.path).read_bytes())
    print(f"\n{best} is trial {found.best.number}.")
