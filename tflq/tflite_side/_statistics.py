"""One pass over the representative dataset: a histogram for every activation."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from tflq._errors import UserError
from tflq.data import InputSpec
from tflq.ranges import Histogram, NotFiniteError
from tflq.tflite_side._graph import Graph
from tflq.tflite_side._kernel_rules import activations, is_uncoded, same_scale_groups
from tflq.tflite_side._runner import Runner
from tflq.tflite_side._seen import Seen, seen


def collect(
    content: bytes,
    graph: Graph,
    batches: Iterable[Mapping[str, np.ndarray]],
    *,
    inputs: Sequence[InputSpec],
    label: Callable[[int], str] | None = None,
) -> dict[int, Histogram]:
    """Runs the float model over `batches` and takes statistics of its float activations.

    Args:
        content: a float .tflite.
        graph: the same, parsed.
        batches: one dict of arrays by input name a step; it is streamed.
        inputs: names and shapes in the file's order.
        label: how messages call a tensor; default its name.

    Returns:
        `{tensor index: Histogram}` of all that something depends on, and of the inputs.

    Raises:
        UserError: an activation is NaN or infinite (layer and sample are named), or there are
            no batches.
    """
    runner = Runner(content, inputs=inputs, keep_all=True)
    # What is not to be quantized may hold whatever memory held before.
    left = {t for group in same_scale_groups(graph) if is_uncoded(graph, group) for t in group}
    looked_at = graph.live.union(graph.inputs) - left
    histograms = {index: Histogram() for index in activations(graph) if index in looked_at}
    # In the order in which they are made, so that the first that is not finite is told.
    made = sorted(histograms, key=lambda t: graph.producer[t].index if t in graph.producer else -1)
    views = {index: runner.view(index) for index in made}
    visible = seen(graph)
    count = 0
    for batch in batches:
        runner.run(batch)
        _update(histograms, views, visible, label or _name_in(graph), count)
        count += 1
    if count == 0:
        raise UserError("data yields no sample; give at least one, 100 or more are better.")
    return histograms


def _update(
    histograms: Mapping[int, Histogram],
    views: Mapping[int, Callable[[], np.ndarray]],
    visible: Seen,
    label: Callable[[int], str],
    sample: int,
) -> None:
    for index, view in views.items():
        value = _value(view)
        if value is None:
            continue
        try:
            histograms[index].update(visible.values(index, value))
        except NotFiniteError as error:
            raise UserError(
                f"activation {label(index)!r} of sample {sample} is not finite "
                f"({error}); check the model's weights and the preprocessing of the data."
            ) from error


def _name_in(graph: Graph) -> Callable[[int], str]:
    return lambda index: graph.tensors[index].name


def _value(view: Callable[[], np.ndarray]) -> np.ndarray | None:
    """The tensor's value; None where the runtime keeps none, as for optimized-away ones."""
    try:
        value = view()
    except ValueError:
        return None
    return value if value.size else None
