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
from tflq.qat._fake_quant import bias_floor, fake_quant_bias
from tflq.qat._weight import WeightQuantizer, channel_axes

Tensor = Any

# Relative to the largest, what counts as a gamma of 0.
_TINY = 1e-5


@keras.saving.register_keras_serializable(package="tflq")
class QuantizedKernel(QuantizationLayer):
    """Computes what `layer`, and `normalization` after it, compute, with quantized weights.

    Args:
        layer: a convolution or dense layer with no activation but relu or relu6; with a
            normalization, with none.
        quantizer: of its kernel; None keeps it float.
        normalization: the `BatchNormalization` behind it, or None.
        learned: whether gradients move the ratios of the bounds (LSQ).
        frozen: whether batch normalization keeps its moving statistics in training, too.
        quantizing: whether weights are quantized yet.

    Call arguments: `x`, and the scale of its quantized values, a float32 scalar, or None where
    they stay float.
    """

    def __init__(
        self,
        layer: Any,
        *,
        quantizer: WeightQuantizer | dict[str, Any] | None,
        normalization: Any = None,
        learned: bool = False,
        frozen: bool = False,
        quantizing: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if isinstance(quantizer, dict):
            quantizer = WeightQuantizer.from_config(quantizer)
        self.layer, self.normalization, self.quantizer = layer, normalization, quantizer
        self.learned, self.frozen, self.quantizing = learned, frozen, quantizing
        self.ratio: Any = None

    def build(self, x_shape: Any) -> None:
        """Builds the layers and the ratios of the bounds."""
        if not self.layer.built:
            self.layer.build(x_shape)
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
        self, x: Tensor, input_scale: Tensor | None = None, training: bool | None = None
    ) -> Tensor:
        """Runs the layer with quantized weights."""
        if training and self._normalizes_batches:
            kernel = self._unfolded(input_scale)
            return normalize_batch(self.normalization, self._run(x, kernel, self._bias))
        kernel, bias, _ = self.folded(input_scale)
        return self._run(x, kernel, bias)

    def folded(self, input_scale: Tensor | None) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """The kernel and bias of the file, fake-quantized, and the kernel's bounds.

        Args:
            input_scale: scale of the layer's input, or None where biases stay float.
        """
        kernel = tf.convert_to_tensor(self._kernel)
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
            scales = input_scale * self.quantizer.scales(bound)
            scales = tf.reshape(tf.broadcast_to(scales, [tf.size(bias)]), tf.shape(bias))
            bias = fake_quant_bias(bias, scales)
        return kernel, bias, bound

    def compute_output_shape(self, x_shape: Any, input_scale_shape: Any = None) -> Any:
        """The layer's own."""
        return self.layer.compute_output_shape(x_shape)

    def get_config(self) -> dict[str, Any]:
        """What the layer is made from, its phase included."""
        serialize = keras.saving.serialize_keras_object
        return super().get_config() | {
            "layer": serialize(self.layer),
            "quantizer": self.quantizer and self.quantizer.get_config(),
            "normalization": self.normalization and serialize(self.normalization),
            "learned": self.learned,
            "frozen": self.frozen,
            "quantizing": self.quantizing,
        }

    @property
    def _kernel(self) -> Any:
        return next(v for v in self.layer.weights if v.name == "kernel")

    @property
    def _bias(self) -> Any:
        return next((v for v in self.layer.weights if v.name == "bias"), None)

    @property
    def _normalizes_batches(self) -> bool:
        norm = self.normalization
        return norm is not None and norm.trainable and not self.frozen

    def _affine(self) -> tuple[Tensor, Tensor]:
        """C and beta - c * mu, of the moving statistics; float32, shape (channels,)."""
        norm = self.normalization
        deviation = tf.sqrt(tf.convert_to_tensor(norm.moving_variance) + norm.epsilon)
        gamma = tf.convert_to_tensor(norm.gamma) if norm.scale else tf.ones_like(deviation)
        factor = gamma / deviation
        shift = -factor * tf.convert_to_tensor(norm.moving_mean)
        return factor, shift + tf.convert_to_tensor(norm.beta) if norm.center else shift

    def _unfolded(self, input_scale: Tensor | None) -> Tensor:
        """q(w * c) / c, with the gradient of the file's weights for w and none for c."""
        kernel = tf.convert_to_tensor(self._kernel)
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
        channels = math.prod(self._kernel.shape[axis] for axis in self._channel_axes)
        return math.prod(bias.shape) == channels

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
        with keras.StatelessScope(state_mapping=values):
            y = self.layer(x)
        return y if self._bias is not None or bias is None else y + tf.cast(bias, y.dtype)
