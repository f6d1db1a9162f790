"""Trains a quantized model on one device, two devices or two workers; prints what it found."""

import json
import sys

import keras
import numpy as np
import tensorflow as tf
from keras import layers

import tflq

BATCH, STEPS = 16, 3


def main(way):
    strategy = _strategy(way)
    with strategy.scope():
        keras.utils.set_random_seed(0)
        given = keras.Input((6, 6, 2), name="given")
        x = layers.Conv2D(3, 3, activation="relu", name="conv")(given)
        y = layers.Conv2D(3, 1, name="inner")(x)
        # A batch of its own for every replica, behind all that is compared.
        y = layers.BatchNormalization(momentum=0.5)(y)
        qat = tflq.quantize(keras.Model(given, layers.GlobalAveragePooling2D(name="last")(y)))
        qat.compile(keras.optimizers.SGD(1e-3), "mse")
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(BATCH, *s)).astype(np.float32) for s in ((6, 6, 2), (3,)))
    # The extremes of the input lie in the second half of the batch, those of a device of its own.
    x[BATCH // 2 :] *= 3
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(BATCH).repeat(STEPS)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    train = _loop if way == "workers" else _fit
    train(qat, data.with_options(options), strategy)
    _print(qat, strategy)


def _strategy(way):
    if way == "workers":
        return tf.distribute.MultiWorkerMirroredStrategy()
    if way == "one":
        return tf.distribute.get_strategy()
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def _fit(qat, data, strategy):
    qat.fit(data, epochs=1, verbose=0)


def _loop(qat, data, strategy):
    """By hand: the `fit` of Keras 3 takes no batches of several workers."""
    with strategy.scope():
        optimizer = keras.optimizers.SGD(1e-3)
        optimizer.build(qat.trainable_variables)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(qat(x, training=True) - y)) / BATCH / 3
        held = qat.trainable_variables
        optimizer.apply(tape.gradient(loss, held), held)

    for batch in strategy.experimental_distribute_dataset(data):
        strategy.run(step, args=batch)


def _print(qat, strategy):
    found = [layer for layer in qat.layers if isinstance(layer, tflq.qat.FakeQuant)]
    (norm,) = [k.normalization for k in qat.layers if getattr(k, "normalization", None)]
    spans = {layer.name: [float(bound) for bound in layer.range()] for layer in found}
    print(
        json.dumps(
            {
                "replicas": strategy.num_replicas_in_sync,
                "spans": spans,
                "mean": np.asarray(norm.moving_mean).tolist(),
                "variance": np.asarray(norm.moving_variance).tolist(),
                "weights": [float(np.sum(v)) for v in qat.trainable_variables],
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
