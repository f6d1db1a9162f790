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
) -> dict[int, Histogram]:
    """Runs the float model over `batches` and takes statistics of its float activations.

    Args:
        content: a float .tflite.
        graph: the same, parsed.
        batches: one dict of arrays by input name a step; it is streamed.
        inputs: names and shapes in the file's order.

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
    views = {index: runner.view(index) for index in histograms}
    visible = seen(graph)
    count = 0
    for batch in batches:
        runner.run(batch)
        _update(histograms, views, visible, graph, count)
        count += 1
    if count == 0:
        raise UserError("data yields no sample; give at least one, 100 or more are better.")
    return histograms


def _update(
    histograms: Mapping[int, Histogram],
    views: Mapping[int, Callable[[], np.ndarray]],
    visible: Seen,
    graph: Graph,
    sample: int,
) -> None:
    for index, histogram in histograms.items():
        value = _value(views[index])
        if value is None:
            continue
        try:
            histogram.update(visible.values(index, value))
        except NotFiniteError as error:
            raise UserError(
                f"activation {graph.tensors[index].name!r} of sample {sample} is not finite "
                f"({error}); check the model's weights and the preprocessing of the data."
            ) from error


def _value(view: Callable[[], np.ndarray]) -> np.ndarray | None:
    """The tensor's value; None where the runtime keeps none, as for optimized-away ones."""
    try:
        value = view()
    except ValueError:
        return None
    return value if value.size else None
