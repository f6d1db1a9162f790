"""Random small networks over sequences, drawn by Hypothesis: what people put before a head.

Masks of padding, recurrent layers, attention, concatenations of unlike ranges, shared layers,
activations of the user's own.
"""

import keras
import numpy as np
from hypothesis import strategies as st
from keras import layers, ops

LENGTH, WORDS, WIDTH, ROWS = 6, 12, 8, 16


def leaky_relu(x):
    """Called as Keras's is, and another one."""
    return ops.maximum(0.01 * x, x)


def bent(x):
    """Called as none of Keras's is."""
    return ops.minimum(ops.maximum(x, -0.5 * x), 3.0)


class Drawn:
    """Draws a functional model step by step.

    Args:
        draw: Hypothesis's `draw`.
    """

    def __init__(self, draw):
        self._draw = draw
        keras.utils.set_random_seed(draw(st.integers(0, 2**16)))
        self._shared = layers.Dense(WIDTH, activation="relu", name="shared")
        self._rng = np.random.default_rng(draw(st.integers(0, 2**16)))

    def model(self):
        """A model of one input and one or two outputs, and samples for it."""
        given, x = self._start()
        known = [x]
        for _ in range(self._draw(st.integers(2, 6))):
            known.append(self._step(known))
        outputs = [self._head(known[-1])]
        if self._draw(st.booleans()):
            outputs.append(layers.Dense(2, name="second")(self._pick(known)))
        model = keras.Model(given, outputs)
        samples = self._samples(given)
        # Some weights are made when a layer runs.
        model(samples)
        self._fill(model)
        return model, samples

    def _start(self):
        kind = self._draw(st.sampled_from(["words", "masked", "plain"]))
        if kind == "words":
            given = keras.Input((LENGTH,), dtype="int32", name="given")
            pads = self._draw(st.booleans())
            return given, layers.Embedding(WORDS, WIDTH, mask_zero=pads)(given)
        given = keras.Input((LENGTH, 5), name="given")
        x = layers.Masking()(given) if kind == "masked" else given
        return given, layers.Dense(WIDTH)(x)

    def _samples(self, given):
        lengths = self._rng.integers(1, LENGTH + 1, ROWS)
        if "int" in given.dtype:
            samples = self._rng.integers(1, WORDS, (ROWS, LENGTH)).astype("int32")
        else:
            samples = self._rng.normal(size=(ROWS, LENGTH, 5)).astype("float32")
        for row, length in zip(samples, lengths, strict=True):
            row[length:] = 0
        return samples

    def _pick(self, known):
        return known[-1 - self._draw(st.integers(0, min(2, len(known) - 1)))]

    def _step(self, known):
        x = self._pick(known)
        kinds = (self._kernel, self._activation, self._recurrent, self._attention, self._join)
        return self._draw(st.sampled_from(kinds))(x, known)

    def _kernel(self, x, known):
        own = {"use_bias": self._draw(st.booleans()), "activation": self._function()}
        return self._draw(
            st.sampled_from(
                [
                    lambda: layers.Dense(WIDTH, **own)(x),
                    lambda: self._shared(x),
                    lambda: layers.Conv1D(WIDTH, 3, padding="same", **own)(x),
                    lambda: layers.SeparableConv1D(WIDTH, 3, padding="same", **own)(x),
                    lambda: layers.BatchNormalization()(layers.Dense(WIDTH)(x)),
                    lambda: layers.TimeDistributed(layers.Dense(WIDTH, **own))(x),
                ]
            )
        )()

    def _function(self):
        makers = [
            lambda: None,
            lambda: "relu",
            lambda: "tanh",
            lambda: "silu",
            lambda: leaky_relu,
            lambda: bent,
            lambda: layers.LeakyReLU(0.3),
            lambda: layers.PReLU(shared_axes=[1]),
        ]
        return self._draw(st.sampled_from(makers))()

    def _activation(self, x, known):
        makers = [
            lambda: layers.ReLU(),
            lambda: layers.Activation(bent),
            lambda: layers.LayerNormalization(),
            lambda: layers.BatchNormalization(),
            lambda: layers.Rescaling(0.5, offset=0.1),
            lambda: layers.Dropout(0.3),
        ]
        return self._draw(st.sampled_from(makers))()(x)

    def _recurrent(self, x, known):
        cell = self._draw(st.sampled_from([layers.LSTM, layers.GRU, layers.SimpleRNN]))
        unroll = self._draw(st.booleans())
        if self._draw(st.booleans()):
            return layers.Bidirectional(
                cell(WIDTH // 2, return_sequences=True, unroll=unroll),
            )(x)
        return cell(WIDTH, return_sequences=True, unroll=unroll)(x)

    def _attention(self, x, known):
        y = self._pick(known)
        causal = self._draw(st.booleans())
        makers = [
            lambda: layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=causal),
            lambda: layers.MultiHeadAttention(2, 4)(x, y),
            lambda: layers.Add()([x, layers.MultiHeadAttention(2, 4, dropout=0.1)(x, y)]),
            lambda: layers.Attention()([x, y]),
            lambda: layers.AdditiveAttention()([x, y]),
            lambda: layers.GroupQueryAttention(4, 2, 1)(x, y),
        ]
        return self._draw(st.sampled_from(makers))()

    def _join(self, x, known):
        y = self._pick(known)
        if y is x:
            y = layers.Rescaling(0.5, offset=0.2)(x)
        makers = [
            lambda: layers.Add()([x, y]),
            lambda: layers.Multiply()([x, y]),
            lambda: layers.Average()([x, y]),
            lambda: layers.Maximum()([x, y]),
            lambda: layers.Dense(WIDTH)(layers.Concatenate()([x, layers.Rescaling(32.0)(y)])),
            lambda: x + y,
        ]
        return self._draw(st.sampled_from(makers))()

    def _head(self, x):
        makers = [
            lambda: layers.GlobalAveragePooling1D()(x),
            lambda: layers.GlobalMaxPooling1D()(x),
            lambda: layers.Flatten()(x),
            lambda: layers.LSTM(WIDTH, unroll=True)(x),
        ]
        return layers.Dense(3, name="first")(self._draw(st.sampled_from(makers))())

    def _fill(self, model):
        """Biases, statistics and slopes that are not what they start as."""
        for variable in model.variables:
            name, value = variable.path.split("/")[-1], np.asarray(variable)
            if name in ("bias", "beta", "moving_mean"):
                variable.assign(value + self._rng.normal(0, 0.2, value.shape))
            elif name in ("gamma", "moving_variance"):
                variable.assign(value * self._rng.uniform(0.6, 1.4, value.shape))
            elif name == "alpha":
                variable.assign(self._rng.uniform(0, 0.5, value.shape))
            elif name == "embeddings":
                variable.assign(self._rng.normal(size=value.shape))
