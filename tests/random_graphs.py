"""Random Keras graphs, drawn by Hypothesis, for either Keras."""

import numpy as np
from hypothesis import strategies as st

SIZE = 8


class Drawn:
    """Draws a functional model step by step.

    Args:
        draw: Hypothesis's `draw`.
        keras: the module `keras` or `tf_keras`.
    """

    def __init__(self, draw, keras):
        self._draw, self._keras, self._layers = draw, keras, keras.layers

    def model(self):
        """A model of an image input and one or two outputs, with lifelike weights."""
        image = self._keras.Input((SIZE, SIZE, 3), name="image")
        known = [self._kernel(image)]
        for _ in range(self._draw(st.integers(2, 8))):
            known.append(self._step(known))
        outputs = [self._layers.Dense(3)(self._layers.GlobalAveragePooling2D()(known[-1]))]
        if self._draw(st.booleans()):
            outputs.append(self._pick(known))
        model = self._keras.Model(image, outputs)
        self._fill(model)
        return model

    def _pick(self, known):
        return known[-1 - self._draw(st.integers(0, min(2, len(known) - 1)))]

    def _step(self, known):
        x = self._pick(known)
        kind = self._draw(st.sampled_from(["kernel"] * 4 + ["activation"] * 3 + ["join", "other"]))
        if kind == "join":
            return self._join(x, known)
        if kind == "activation":
            return self._activation(x)
        return self._kernel(x) if kind == "kernel" else self._other(x)

    def _kernel(self, x):
        layers, channels = self._layers, self._draw(st.sampled_from([2, 4, 6]))
        options = {
            "padding": self._draw(st.sampled_from(["same", "valid"])) if x.shape[1] > 3 else "same",
            "use_bias": self._draw(st.booleans()),
        }
        width = self._draw(st.sampled_from([1, 3]))
        made = self._draw(
            st.sampled_from(
                [
                    lambda: layers.Conv2D(channels, width, **options),
                    lambda: layers.Conv2D(channels, 1, activation="relu", **options),
                    lambda: layers.Conv2D(2 * x.shape[-1], width, groups=x.shape[-1], **options),
                    lambda: layers.DepthwiseConv2D(width, **options),
                    lambda: layers.DepthwiseConv2D(width, depth_multiplier=2, **options),
                    lambda: layers.SeparableConv2D(channels, width, **options),
                    lambda: layers.Conv2DTranspose(channels, width, **options),
                    lambda: layers.Dense(channels, use_bias=options["use_bias"]),
                ]
            )
        )()
        x = made(x)
        normalized = self._draw(st.booleans())
        return self._normalization()(x) if normalized else x

    def _normalization(self):
        flags = {"scale": self._draw(st.booleans()), "center": self._draw(st.booleans())}
        return self._layers.BatchNormalization(**flags)

    def _activation(self, x):
        layers = self._layers
        slope = "alpha" if self._keras.__name__ == "tf_keras" else "negative_slope"
        return self._draw(
            st.sampled_from(
                [
                    lambda: layers.ReLU(),
                    lambda: layers.ReLU(6.0),
                    lambda: layers.ReLU(1.0),
                    lambda: layers.LeakyReLU(**{slope: 0.1}),
                    lambda: layers.PReLU(shared_axes=[1, 2]),
                    lambda: layers.Activation("relu6" if slope == "negative_slope" else "relu"),
                    lambda: layers.Activation("swish"),
                    lambda: layers.Activation("tanh"),
                ]
            )
        )()(x)

    def _join(self, x, known):
        layers = self._layers
        alike = [y for y in known if y.shape == x.shape]
        beside = [y for y in known if y.shape[1:3] == x.shape[1:3]]
        kind = self._draw(
            st.sampled_from(["Add", "Subtract", "Maximum", "Multiply", "Concatenate"])
        )
        partner = self._draw(st.sampled_from(beside if kind == "Concatenate" else alike))
        return getattr(layers, kind)()([x, partner])

    def _other(self, x):
        layers = self._layers
        return self._draw(
            st.sampled_from(
                [
                    lambda: layers.ZeroPadding2D(1),
                    lambda: layers.MaxPooling2D(2, padding="same"),
                    lambda: layers.AveragePooling2D(2, padding="same"),
                    lambda: layers.Dropout(0.5),
                    lambda: self._normalization(),
                ]
            )
        )()(x)

    def _fill(self, model):
        """Gammas of any sign and 0, channels of unlike ranges, no tiny variances."""
        rng = np.random.default_rng(self._draw(st.integers(0, 2**16)))
        for layer in model.layers:
            weights = []
            for variable, value in zip(layer.weights, layer.get_weights(), strict=True):
                name = variable.name.split("/")[-1]
                drawn = rng.normal(size=value.shape)
                if "variance" in name:
                    drawn = rng.uniform(0.5, 2.0, value.shape)
                elif "gamma" in name:
                    drawn *= rng.uniform(size=value.shape) > 0.1
                elif "alpha" in name:
                    drawn = np.abs(drawn) * 0.2
                elif value.ndim > 1:
                    fan_in = max(value[..., 0].size, 1)
                    drawn *= np.exp(rng.normal(0, 1.5, value.shape[-1])) / np.sqrt(fan_in)
                weights.append(drawn.astype(np.float32))
            layer.set_weights(weights)
