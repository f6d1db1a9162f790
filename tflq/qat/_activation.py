"""`FakeQuant`: the layer that gives an activation its range and quantizes it."""

from typing import Any

import keras
import tensorflow as tf

from tflq._softmax import MASKED, softmax_reach
from tflq.qat._base import QuantizationLayer
from tflq.qat._codes import Origin, codes_of, quantized, with_constant
from tflq.qat._fake_quant import fake_quant, fake_quant_learned

Tensor = Any

RANGES = ("moving_average", "lsq", "pact")
# Takes any score to the end of its range.
_MASK_DEPTH = 100.0
# Weight of PACT's penalty on large ranges.
_PACT_DECAY = 1e-4


@keras.saving.register_keras_serializable(package="tflq")
class FakeQuant(QuantizationLayer):
    """Quantizes the activations that share one scale.

    In training it observes the smallest and largest value of every batch, over all replicas, and
    keeps a moving average of them, or learns the range; a frozen range, and any range in
    evaluation, stays as it is. Activations that must share a scale are the *sites* of one layer;
    each has its own average, and the range is wide enough for all.

    Args:
        bits: bits of a code, 8 or 16.
        sites: how many activations share the scale.
        ranges: "moving_average"; "lsq" learns the range (LSQ+); "pact" learns where to clip what
            is never negative and averages other ranges.
        momentum: of the moving average.
        fixed: the (low, high) that a kernel prescribes, or None.
        nonnegative: whether all values come from rectifiers, which saves looking for the smallest.
        told: "scores" where only softmax reads them, so that the range ends where that tells
            nothing; "masked" where that masks them itself, so that the range must reach further
            than all of them; "mask" where they are only added to scores; None for all others.
        in_training: whether values are quantized in training too.
        floating: whether the layer it follows stays float, in the file as well.
        observing: whether the range still moves.
        quantizing: whether values are quantized at all yet.

    Call arguments: `x`, any float tensor, and `site`, which of the activations it is, None for one
    that only has to fit the range; `origin`, `operands`, `clamp`, `count` and `constant` say what
    made it, see `tflq.qat._codes`. It returns the quantized tensor, in the dtype of `x`, and its
    `codes`: float32 of shape (2,), scale and zero point.
    """

    def __init__(
        self,
        *,
        bits: int = 8,
        sites: int = 1,
        ranges: str = "moving_average",
        momentum: float = 0.99,
        fixed: tuple[float, float] | None = None,
        nonnegative: bool = False,
        told: str | None = None,
        in_training: bool = True,
        floating: bool = False,
        observing: bool = True,
        quantizing: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.bits, self.sites, self.ranges, self.momentum = bits, sites, ranges, momentum
        self.fixed = None if fixed is None else (float(fixed[0]), float(fixed[1]))
        self.nonnegative, self.told = nonnegative, told
        self.in_training, self.floating = in_training, floating
        self.observing, self.quantizing = observing, quantizing
        self.supports_masking = True

    @property
    def learned(self) -> bool:
        """Whether gradients move the range."""
        if self.fixed is not None:
            return False
        return self.ranges == "lsq" or (self.ranges == "pact" and self.nonnegative)

    def build(self, x_shape: Any) -> None:
        """Makes the range: `low` and `high`, one a site unless they are learned."""
        if self.fixed is None:
            shape = () if self.learned else (self.sites,)
            self.low, self.high = (
                self._state(name, shape, trainable=self.learned) for name in ("low", "high")
            )
            self.seen = self._state("seen", (self.sites,), trainable=False)
        self.built = True

    def call(
        self,
        x: Tensor,
        *operands: Tensor,
        site: int | None = 0,
        origin: str | None = None,
        clamp: tuple[float, float | None] | None = None,
        count: int = 1,
        constant: float | None = None,
        training: bool | None = None,
    ) -> Any:
        """Observes (in training) and quantizes."""
        value = tf.cast(x, tf.float32)
        if self.fixed is not None:
            low, high = (tf.constant(bound, tf.float32) for bound in self.fixed)
        elif training and self.observing and site is not None:
            low, high = self._learn(value, site) if self.learned else self._observe(value, site)
        else:
            low, high = self.range()
        codes = codes_of(low, high, bits=self.bits)
        if self.quantizing and training and self.in_training:
            value = self._quantize(value, low, high)
        elif self.quantizing and not training:
            made = None if origin is None or self.bits != 8 else Origin(origin)
            if made is not None and constant is not None:
                operands = (*with_constant(made, operands, constant),)
            value = quantized(
                value,
                codes,
                bits=self.bits,
                origin=made,
                operands=operands,
                clamp=clamp,
                count=count,
            )
        return tf.cast(value, x.dtype), codes

    def range(self) -> tuple[Tensor, Tensor]:
        """The range as it stands, float32 scalars."""
        if self.fixed is not None:
            return tf.constant(self.fixed[0]), tf.constant(self.fixed[1])
        low, high = tf.convert_to_tensor(self.low), tf.convert_to_tensor(self.high)
        if self.learned:
            return tf.minimum(low, 0.0), tf.maximum(high, 0.0)
        return tf.reduce_min(low), tf.reduce_max(high)

    def visible(self, value: Tensor) -> Tensor:
        """The values without what nothing tells, such as how small a masked score is."""
        if self.told == "mask":
            return tf.maximum(value, -_MASK_DEPTH)
        if self.told is None:
            return value
        reach = softmax_reach(value.shape[-1])
        if self.told == "masked":
            return tf.concat([tf.reshape(value, [-1]), [tf.reduce_min(value) - reach]], axis=0)
        largest = tf.reduce_max(value, axis=-1, keepdims=True)
        floor = largest - reach
        return tf.maximum(value, tf.where(largest <= MASKED, 0.0, floor))

    def set_range(self, low: float, high: float) -> None:
        """Sets the range of all sites, as if it had been observed."""
        for variable, bound in ((self.low, min(low, 0.0)), (self.high, max(high, 0.0))):
            variable.assign(tf.fill(variable.shape, tf.constant(bound, tf.float32)))
        self.seen.assign(tf.ones((self.sites,)))

    def compute_output_spec(self, x: Any, *operands: Any, **options: Any) -> Any:
        """The quantized tensor and its codes."""
        return keras.KerasTensor(x.shape, dtype=x.dtype), keras.KerasTensor((2,), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        """What the layer is made from, its phase included."""
        own = (
            "observing",
            "quantizing",
            "bits",
            "sites",
            "ranges",
            "momentum",
            "fixed",
            "nonnegative",
            "told",
            "in_training",
            "floating",
        )
        return super().get_config() | {name: getattr(self, name) for name in own}

    def _state(self, name: str, shape: tuple[int, ...], *, trainable: bool) -> Any:
        return self.add_weight(
            name=name,
            shape=shape,
            initializer="zeros",
            trainable=trainable,
            autocast=False,
            # All replicas hold the same: what they saw is gathered before it is assigned.
            aggregation="mean" if trainable else "only_first_replica",
        )

    def _quantize(self, value: Tensor, low: Tensor, high: Tensor) -> Tensor:
        if not self.learned:
            low, high = tf.stop_gradient(low), tf.stop_gradient(high)
        elif self.ranges == "lsq" and self.bits == 8:
            return fake_quant_learned(value, low, high)
        return fake_quant(value, low, high, bits=self.bits)

    def _observe(self, value: Tensor, site: int) -> tuple[Tensor, Tensor]:
        """Moves the site's average and returns the range of all sites."""
        lowest, highest = self._extremes(value)
        at = tf.one_hot(site, self.sites, dtype=tf.float32)
        # The first batch counts in full.
        rate = at * tf.where(self.seen > 0, 1 - self.momentum, 1.0)
        low = self.low + rate * (lowest - self.low)
        high = self.high + rate * (highest - self.high)
        self.low.assign(low)
        self.high.assign(high)
        self.seen.assign(tf.maximum(self.seen, at))
        return tf.reduce_min(low), tf.reduce_max(high)

    def _learn(self, value: Tensor, site: int) -> tuple[Tensor, Tensor]:
        """The learned range; a site that was never seen widens it to what the batch holds."""
        fresh = self.seen[site] == 0
        lowest, highest = tf.cond(
            fresh, lambda: self._extremes(value), lambda: (tf.zeros(()), tf.zeros(()))
        )
        low, high = self.range()
        low = tf.where(fresh, tf.minimum(tf.stop_gradient(low), lowest), low)
        high = tf.where(fresh, tf.maximum(tf.stop_gradient(high), highest), high)
        if self.ranges == "pact":
            self.add_loss(_PACT_DECAY * tf.square(high))
        self.low.assign(tf.stop_gradient(low))
        self.high.assign(tf.stop_gradient(high))
        self.seen.assign(tf.maximum(self.seen, tf.one_hot(site, self.sites, dtype=tf.float32)))
        return low, high

    def _extremes(self, value: Tensor) -> tuple[Tensor, Tensor]:
        """The smallest and largest value of a batch over all replicas, widened to hold 0."""
        lowest = tf.zeros(()) if self.nonnegative else tf.reduce_min(self.visible(value))
        ends = tf.stop_gradient(tf.stack([lowest, -tf.reduce_max(value)]))
        context = tf.distribute.get_replica_context()
        if context is not None and context.num_replicas_in_sync > 1:
            ends = tf.reduce_min(context.all_gather(ends[None], axis=0), axis=0)
        ends = tf.minimum(ends, 0.0)
        return ends[0], -ends[1]
