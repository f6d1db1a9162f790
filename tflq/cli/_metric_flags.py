"""Flags that say by what a quantized model is judged."""

from absl import flags

from tflq._metric import METRICS


def add_metric_flags(values: flags.FlagValues, *, default: str) -> None:
    """Defines `--metric` and `--labels`."""
    flags.DEFINE_string(
        "metric",
        default,
        f"by what files are judged: {', '.join(METRICS)}, or module:function, your own Python, "
        "which is imported and called",
        flag_values=values,
    )
    flags.DEFINE_string(
        "labels",
        None,
        "the right answers to the samples that are judged with: a .npy, or a text file with a "
        "number a line",
        flag_values=values,
    )
