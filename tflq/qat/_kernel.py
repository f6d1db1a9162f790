"""`QuantizedKernel`: a convolution or dense layer, with the batch normalization behind it.

Equations (22)-(24) and Fig. 12 of C. Jiang, "Efficient Quantization Techniques for Deep Neural
Networks" (after Jacob et al. 2018, section 3.2): what the file multiplies with is

    w_fold = w * c,   b_fold = beta + c * (b - mu),   c = gamma / sqrt(variance + epsilon)

of the moving statistics, so that is what is quantized. In training the batch's own statistics
normalize, in one convolution: with q(w_fold) / c as its kernel, its output is what batch
normalization expects, and is handed to it. Where the batch's statistics equal the moving ones
both are the same function. Once the statistics are frozen (Krishnamoorthi 2018) the training
function is the file's. A channel with gamma near 0 is not divided by it: its kernel then goes
unquantized, for what it computes is beta.
"""

import math
from typing import Any

import keras
import tensorflow as tf

from tflq.qat._base import QuantizationLayer
from tflq.qat._batch_norm import normalize_batch
from tflq.qat._codes import integers
from tflq.qat._fake_quant import bias_floor, fake_quant_bias
from tflq.qat._weight import WeightQuantizer, channel_axes

Tensor = Any

# Relative to the largest, what counts as a gamma of 0.
_TINY = 1e-5


@keras.saving.register_keras_serializable(package="tflq")
class QuantizedKernel(QuantizationLayer):
    """Computes what `layer`, and `normalization` after it, compute, with quantized weights.

    Args:
        layer: a convolution or dense layer with no activation but relu; with a normalization,
            with none.
        quantizer: of its kernel; None keeps it float.
        normalization: the `BatchNormalization` behind it, or None.
        learned: whether gradients move the ratios of the bounds (LSQ).
        frozen: whether batch normalization keeps its moving statistics in training, too.
        passes_mask: whether masks pass though `layer` alone would not let them.
        quantizing: whether weights are quantized yet.

    Call arguments: `x`, and its `codes` as `FakeQuant` gives them, or None where it stays float. It
    returns the output, and the scale of the integers that it stands for: float32, shape
    (channels,). In evaluation the layer computes with those integers.
    """

    def __init__(
        self,
        layer: Any,
        *,
        quantizer: WeightQuantizer | dict[str, Any] | None,
        normalization: Any = None,
        learned: bool = False,
        frozen: bool = False,
        passes_mask: bool = False,
        quantizing: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if isinstance(quantizer, dict):
            quantizer = WeightQuantizer.from_config(quantizer)
        self.layer, self.normalization, self.quantizer = layer, normalization, quantizer
        self.learned, self.frozen, self.quantizing = learned, frozen, quantizing
        self.passes_mask = passes_mask
        # The layer itself would warn that it destroys what passes here.
        layer.supports_masking = passes_mask or layer.supports_masking
        self.supports_masking = layer.supports_masking
        self.ratio: Any = None
        self._activity: Any = None
        if normalization is None and layer.activity_regularizer is not None:
            self._activity = keras.layers.Identity(activity_regularizer=layer.activity_regularizer)

    def build(self, x_shape: Any) -> None:
        """Builds the layers and the ratios of the bounds."""
        alpha = getattr(self.layer, "lora_alpha", None)
        if not self.layer.built:
            self.layer.build(x_shape)
        if alpha is not None:
            # Dense forgets it when it is built.
            self.layer.lora_alpha = alpha
        if self.normalization is not None and not self.normalization.built:
            self.normalization.build(self.layer.compute_output_shape(x_shape))
        if self.quantizer is not None and self.quantizer.ratio:
            self.ratio = self.add_weight(
                name="ratio",
                shape=(self.quantizer.channels(self._kernel.shape),),
                initializer="ones",
                trainable=self.learned,
                autocast=False,
            )
        self.built = True

    def call(
        self, x: Tensor, input_codes: Tensor | None = None, training: bool | None = None
    ) -> tuple[Tensor, Tensor]:
        """Runs the layer with quantized weights."""
        y, unit = self._computed(x, None if input_codes is None else input_codes[0], training)
        self._regularize_activity(x, y)
        return y, unit

    def _computed(
        self, x: Tensor, input_scale: Tensor | None, training: bool | None
    ) -> tuple[Tensor, Tensor]:
        if training and self._normalizes_batches:
            kernel = self._unfolded(input_scale)
            y = normalize_batch(self.normalization, self._run(x, kernel, self._bias))
            return y, self._unit(None, None)
        kernel, bias, bound = self.folded(input_scale)
        unit = self._unit(input_scale, bound)
        if training or bound is None or input_scale is None or not self._holds_integers(bias):
            return self._run(x, kernel, bias), unit
        sums = self._run_integers(x, kernel, bias, input_scale, bound, unit)
        return sums * unit, unit

    def _regularize_activity(self, x: Tensor, y: Tensor) -> None:
        """Adds the loss that the layer itself would add for its output."""
        if self._activity is not None:
            self._activity(y)
        elif self.layer.activity_regularizer is not None:
            # It is meant for what is not normalized yet.
            self.layer(x)

    def folded(self, input_scale: Tensor | None) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """The kernel and bias of the file, fake-quantized, and the kernel's bounds.

        Args:
            input_scale: scale of the layer's input, or None where biases stay float.
        """
        kernel = self._kernel_value
        bias = None if self._bias is None else tf.convert_to_tensor(self._bias)
        if self.normalization is not None:
            factor, shift = self._affine()
            kernel = kernel * self._shaped(factor)
            bias = shift if bias is None else shift + bias * factor
        if self.quantizer is None or not self.quantizing:
            return kernel, bias, None
        bound = self._bound(self.quantizer, kernel, bias, input_scale)
        kernel = self.quantizer.quantize(kernel, bound)
        if self._has_channel_bias(bias) and input_scale is not None:
            unit = self._unit(input_scale, bound)
            bias = fake_quant_bias(bias, tf.reshape(unit, tf.shape(bias)))
        return kernel, bias, bound

    def compute_output_spec(self, x: Any, input_codes: Any = None, training: Any = None) -> Any:
        """The layer's output, and one value a channel."""
        shape = self.layer.compute_output_shape(x.shape)
        y = keras.KerasTensor(shape, dtype=self.layer.compute_dtype)
        return y, keras.KerasTensor((self._channels,), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        """What the layer is made from, its phase included."""
        serialize = keras.saving.serialize_keras_object
        return super().get_config() | {
            "layer": serialize(self.layer),
            "quantizer": self.quantizer and self.quantizer.get_config(),
            "normalization": self.normalization and serialize(self.normalization),
            "learned": self.learned,
            "frozen": self.frozen,
            "passes_mask": self.passes_mask,
            "quantizing": self.quantizing,
        }

    @property
    def _kernel(self) -> Any:
        return next(v for v in self.layer.weights if v.name == "kernel")

    @property
    def _kernel_value(self) -> Tensor:
        """The kernel as the layer uses it, a low-rank update included."""
        kernel = self.layer.kernel if self._has_lora else self._kernel
        return tf.convert_to_tensor(kernel)

    @property
    def _has_lora(self) -> bool:
        return bool(getattr(self.layer, "lora_enabled", False))

    @property
    def _bias(self) -> Any:
        return next((v for v in self.layer.weights if v.name == "bias"), None)

    @property
    def _normalizes_batches(self) -> bool:
        norm = self.normalization
        return norm is not None and norm.trainable and not self.frozen

    def _affine(self) -> tuple[Tensor, Tensor]:
        """Factors c and beta - c * mu, of the moving statistics; float32, shape (channels,)."""
        norm = self.normalization
        # In float64: compilers approximate the reciprocal of a root, and the file's weights must
        # not depend on who computes them.
        values = (norm.moving_variance, norm.moving_mean)
        variance, mean = (tf.cast(tf.convert_to_tensor(value), tf.float64) for value in values)
        factor = 1.0 / tf.sqrt(variance + norm.epsilon)
        if norm.scale:
            factor *= tf.cast(tf.convert_to_tensor(norm.gamma), tf.float64)
        shift = -factor * mean
        if norm.center:
            shift += tf.cast(tf.convert_to_tensor(norm.beta), tf.float64)
        return tf.cast(factor, tf.float32), tf.cast(shift, tf.float32)

    def _unfolded(self, input_scale: Tensor | None) -> Tensor:
        """q(w * c) / c, with the gradient of the file's weights for w and none for c."""
        kernel = self._kernel_value
        if self.quantizer is None or not self.quantizing:
            return kernel
        factor, shift = (tf.stop_gradient(value) for value in self._affine())
        folded = kernel * self._shaped(factor)
        quantized = self.quantizer.quantize(
            folded, self._bound(self.quantizer, folded, shift, input_scale)
        )
        safe = tf.abs(factor) > _TINY * tf.reduce_max(tf.abs(factor))
        if not self.quantizer.axes or self.ratio is not None:
            # With one scale in all, a small channel may have nothing but zeros left.
            safe = tf.logical_and(safe, self._alive(quantized))
        inverse = 1.0 / tf.where(safe, factor, tf.ones_like(factor))
        return tf.where(self._shaped(safe), quantized * self._shaped(inverse), kernel)

    def _alive(self, quantized: Tensor) -> Tensor:
        """Whether a channel has weights other than 0 left, and so an output to normalize."""
        kept = self._channel_axes
        others = [axis for axis in range(len(quantized.shape)) if axis not in kept]
        return tf.reshape(tf.reduce_any(quantized != 0, others), (-1,))

    def _bound(
        self,
        quantizer: WeightQuantizer,
        kernel: Tensor,
        bias: Tensor | None,
        input_scale: Tensor | None,
    ) -> Tensor:
        floor = None
        if self._has_channel_bias(bias) and input_scale is not None:
            floor = bias_floor(tf.reshape(bias, (-1,)), input_scale, bits=quantizer.bits)
        return quantizer.bound(kernel, self.ratio, floor)

    def _has_channel_bias(self, bias: Tensor | None) -> bool:
        """Whether there is a bias of one value a channel, which kernels add as integers."""
        if bias is None:
            return False
        return math.prod(bias.shape) == self._channels

    @property
    def _channels(self) -> int:
        return math.prod(self._kernel.shape[axis] for axis in self._channel_axes)

    @property
    def _channel_axes(self) -> list[int]:
        layer = self.layer
        equation = getattr(layer, "equation", None)
        return channel_axes(type(layer).__name__, len(self._kernel.shape), equation)

    def _shaped(self, channels: Tensor) -> Tensor:
        """One value a channel, to be broadcast against the kernel."""
        kept, shape = self._channel_axes, self._kernel.shape
        return tf.reshape(channels, [n if axis in kept else 1 for axis, n in enumerate(shape)])

    def _run(self, x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
        """The layer's own code, with other weights."""
        values = [(self._kernel, kernel)]
        if self._bias is not None:
            values.append((self._bias, bias))
        if self._has_lora:
            # It is in the kernel already.
            update = self.layer.lora_kernel_b
            values.append((update, tf.zeros(update.shape)))
        with keras.StatelessScope(state_mapping=values):
            y = self.layer(x)
        return y if self._bias is not None or bias is None else y + tf.cast(bias, y.dtype)

    def _holds_integers(self, bias: Tensor | None) -> bool:
        """Whether the layer's own code adds the file's integers.

        Not in half precision, which ends at 65504, and not where channels or the bias spread over
        several axes, or over fewer than all.
        """
        if self.layer.compute_dtype != "float32":
            return False
        whole = len(self._channel_axes) == 1 or type(self.layer).__name__.startswith("Depthwise")
        return whole and (bias is None or self._has_channel_bias(bias))

    def _unit(self, input_scale: Tensor | None, bound: Tensor | None) -> Tensor:
        """The scale of the sums, one a channel; ones where they are no integers."""
        ones = tf.ones((self._channels,))
        if input_scale is None or bound is None or self.quantizer is None:
            return ones
        return ones * (input_scale * self.quantizer.scales(bound))

    def _run_integers(
        self,
        x: Tensor,
        kernel: Tensor,
        bias: Tensor | None,
        input_scale: Tensor,
        bound: Tensor,
        unit: Tensor,
    ) -> Tensor:
        """The sums that the file's kernel makes: whole numbers in float32."""
        assert self.quantizer is not None, "what has bounds is quantized"
        scales = tf.ones((self._channels,)) * self.quantizer.scales(bound)
        weights = integers(kernel, self._shaped(scales))
        added = None if bias is None else integers(bias, tf.reshape(unit, tf.shape(bias)))
        return self._run(integers(tf.cast(x, tf.float32), input_scale), weights, added)
