"""How a model was exported, as far as it decides what else can be tried."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tflq._calibrate import names_of
from tflq._candidate import Candidate
from tflq._recipe import Recipe
from tflq.diagnosis._arguments import Argument, by_layer, of_model
from tflq.scheme import Scheme, Writer, get_scheme, with_weight_bits
from tflq.tflite_side import activation_bits

_WIDE = "w8a16"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What an export was, and what would be allowed instead.

    Attributes:
        recipe: how it was made.
        shorthand: the recipe's name, where one was given in place of single methods.
        keras: whether the model's Keras layers are there, to be rewritten.
        data: whether there were samples to learn from.
        trained: whether the model was trained for its file, which fixes everything else.
        widens: whether 16 bits would widen the activation, by op of the float graph; -1 for inputs.
        readers: by input, the layers that read it.
    """

    recipe: Recipe
    shorthand: str | None
    keras: bool
    data: bool
    trained: bool
    widens: Mapping[int, bool]
    readers: Mapping[str, tuple[str, ...]]

    @property
    def mixes(self) -> bool:
        """Whether single layers may have a scheme of their own."""
        return self.recipe.scheme.writer is Writer.INTEGER

    def scheme_for(self, layers: Sequence[str], scheme: str) -> Argument | None:
        """Another scheme for layers; for an input, for the layers that read it."""
        named = dict.fromkeys(name for x in layers for name in self.readers.get(x, (x,)))
        if not self.mixes or not named:
            return None
        argument = by_layer("scheme_for", list(named), scheme, self.recipe.scheme_for)
        if self.trained:
            return Argument(python=f"tflq.quantize(model, {argument.python})", flags=())
        return argument

    def calibrator_for(self, layers: Sequence[str], calibrator: str) -> Argument | None:
        """Another calibrator for layers."""
        if self.trained:
            return None
        return by_layer("calibrator_for", layers, calibrator, self.recipe.calibrator_for)

    def equalize(self) -> Argument | None:
        """Cross-layer equalization, unless it was done or cannot be."""
        return None if self.recipe.methods.equalize or not self.keras else self._method("equalize")

    def correct_biases(self) -> Argument | None:
        """Bias correction, likewise."""
        if self.recipe.methods.corrects_biases or not self.data:
            return None
        return self._method("bias_correction", "empirical")

    def learn_rounding(self, how: str) -> Argument | None:
        """Learned rounding, likewise."""
        methods = self.recipe.methods
        if methods.rounding == how or methods.bias_correction == "analytic" or not self.data:
            return None
        return self._method("rounding", how)

    def _method(self, name: str, value: str | None = None) -> Argument | None:
        if self.trained or self.shorthand in ("best", "data-free"):
            return None
        if self.shorthand == "fast":
            # Single methods do not go beside a shorthand.
            return of_model("recipe", "best") if self.keras else None
        return of_model(name, value)


def eight_bits(scheme: Scheme, *, per_channel: bool) -> str:
    """Name of the scheme with 8-bit weights and the same activations, or "w8a8"."""
    return with_weight_bits(scheme, 8, per_channel=per_channel) or "w8a8"


def widened_ops(candidate: Candidate) -> dict[int, bool]:
    """Whether 16 bits for an op would widen its activation: not every op has such a kernel."""
    graph, assignment = candidate.plain.graph, candidate.assignment
    now = activation_bits(graph, assignment)
    # Not one by one: an activation has the bits of the op that makes it.
    then = activation_bits(graph, dict.fromkeys(assignment, get_scheme(_WIDE)))
    makers = {-1: graph.inputs, **{op.index: op.outputs for op in graph.ops}}
    return {
        index: any(then.get(t) == 16 and now.get(t) == 8 for t in tensors)
        for index, tensors in makers.items()
    }


def input_readers(candidate: Candidate) -> dict[str, tuple[str, ...]]:
    """By input, the layers that read it, as `scheme_for` takes them."""
    graph, names = candidate.plain.graph, names_of(candidate.source, candidate.plain)
    return {
        names.label(tensor): tuple(
            names.own_labels(op.outputs[0] for op in graph.consumers.get(tensor, ())).values()
        )
        for tensor in graph.inputs
    }
