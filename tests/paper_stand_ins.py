"""Tiny networks in place of the paper's, and tools/paper_tables.py run with them.

As a program it takes the arguments of tools/paper_tables.py. Where HOLD is set in the environment,
it makes that file when it comes to the second network, and stays there.
"""

import dataclasses
import os
import time
from pathlib import Path

import keras
import numpy as np
import paper_networks
import paper_page
import paper_rows
import paper_subjects
from keras import layers

from tflq.data._picture import Preparation

SIZE, CLASSES = 16, 6


def conv(smoke, weights):
    keras.utils.set_random_seed(1)
    image = keras.Input((SIZE, SIZE, 3), name="image")
    x = layers.Conv2D(8, 3, 2, use_bias=False)(image)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    x = layers.ReLU()(layers.DepthwiseConv2D(3)(x))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(CLASSES)(x), name="tiny_conv")


def dense(smoke, weights):
    assert weights is None
    image = keras.Input((12,), name="image")
    x = layers.Dense(8, activation="relu")(image)
    return keras.Model(image, layers.Dense(CLASSES)(x), name="tiny_dense")


def noise(model, count, seed):
    rng = np.random.default_rng(seed)
    (spec,) = model.inputs
    shape = (1, *spec.shape[1:])
    return [{spec.name: rng.normal(size=shape).astype(np.float32)} for _ in range(count)]


def held(model, count, seed):
    if os.environ.get("HOLD"):
        Path(os.environ["HOLD"]).touch()
        time.sleep(600)
    return noise(model, count, seed)


def prepare(size):
    return Preparation(
        image_size=(size, size),
        crop=None,
        mean=(128.0,),
        scale=(128.0,),
        resample="bilinear",
        bgr=False,
    )


def untouched(model, samples, seed):
    """Tiny networks are lifelike enough."""


NETWORKS = {
    name: paper_networks.Network(
        name=name,
        title=name.replace("_", " "),
        origin="tests",
        task="classification",
        has_weights=preparation is not None,
        build=build,
        samples=samples,
        preparation=preparation,
    )
    for name, build, samples, preparation in (
        ("tiny_conv", conv, noise, prepare),
        ("tiny_dense", dense, held, None),
    )
}


def install(setattr):
    """Puts the tiny networks in the place of the paper's."""
    for module in (paper_subjects, paper_page):
        setattr(module, "NETWORKS", dict(NETWORKS))
    setattr(paper_subjects, "realistic", untouched)
    for number, table in paper_rows.TABLES.items():
        paper_rows.TABLES[number] = dataclasses.replace(table, networks=tuple(NETWORKS))


if __name__ == "__main__":
    import paper_tables
    from absl import app

    install(setattr)
    app.run(paper_tables.main)
