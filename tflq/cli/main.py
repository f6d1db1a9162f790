"""`tflq COMMAND [flags]`: finds the command, runs it, turns errors into exit codes.

Exit codes: 0 done, 1 a defect of ours, 2 the user's input, 130 stopped by Ctrl-C, 143 and 129 by
SIGTERM and SIGHUP.
"""

import contextlib
import importlib
import io
import os
import sys
from collections.abc import Sequence

from absl import flags

from tflq._errors import ConversionError, UserError
from tflq._printable import told
from tflq._run_folder import all_temporaries
from tflq.cli._output import check_outputs, guard_terminal
from tflq.cli._stop import Stopped, stoppable

COMMANDS = {
    "export": "writes a quantized .tflite from a trained model, and says what it cost",
    "compare": "compares the outputs of any two models on the same samples",
    "inspect": "prints every tensor of a .tflite, and what phones and accelerators take of it",
    "report": "writes a page on where quantization harms a model, and what to try",
    "search": "finds the recipe that is fast enough, small enough and accurate enough",
    "sensitivity": "ranks the layers of a model by what quantizing each of them costs",
    "benchmark": "measures latency, memory and energy of .tflite files, here and on phones",
    "demo": "exports a real EfficientNet-Lite0 with every calibrator, and draws them",
}


_STOPPED = "tflq: stopped; every file is as it was, or whole."


def run() -> None:
    """The console script."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names may hold what the terminal's encoding does not.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Runs one command line.

    Args:
        arguments: without the program's name.

    Returns:
        The exit code.
    """
    # TensorFlow reads these when it is imported, which the commands do late.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    guard_terminal()
    try:
        with stoppable():
            return _dispatch(arguments)
    except (UserError, flags.Error) as error:
        print(f"tflq: {told(str(error))}", file=sys.stderr)
        return 2
    except ConversionError as error:
        print(f"tflq: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(_STOPPED, file=sys.stderr)
        return 130
    except Stopped as stopped:
        # A terminal that was closed takes no more lines.
        with contextlib.suppress(OSError):
            print(_STOPPED, file=sys.stderr)
        return stopped.exit_code
    except BrokenPipeError:
        # The reader of our output, such as `head`, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _dispatch(arguments: Sequence[str]) -> int:
    if not arguments or arguments[0] in ("--help", "-h", "help"):
        print(_usage())
        return 0 if arguments else 2
    if arguments[0] == "--version":
        import tflq

        print(f"tflq {tflq.__version__}")
        return 0
    name = arguments[0]
    if name not in COMMANDS:
        raise UserError(f"command {name!r} is unknown; choose one of: {', '.join(COMMANDS)}.")
    command = importlib.import_module(f"tflq.cli._{name}")
    if any(argument in ("--help", "-h", "--helpfull") for argument in arguments[1:]):
        print(f"{command.USAGE}\n{command.FLAGS.get_help(include_special_flags=False)}")
        return 0
    for flag in command.FLAGS:
        # A second call in one process must not see the first one's values.
        command.FLAGS[flag].unparse()
    positional = command.FLAGS([name, *arguments[1:]])[1:]
    check_outputs(command.FLAGS)
    with all_temporaries():
        command.run(positional)
    return 0


def _usage() -> str:
    lines = [f"  {name:<11} {text}" for name, text in COMMANDS.items()]
    title = "tflq: from a trained Keras model to a verified int8 .tflite"
    return "\n".join([title, "", *lines, "", "`tflq COMMAND --help` lists a command's flags."])


if __name__ == "__main__":
    run()
