"""A network of the paper's tables, ready to be measured: its weights, its float file, its samples.

With trained weights and a folder of labelled photos, a network is measured by its top-1 on them.
Otherwise it has random weights with lifelike statistics, and made-up samples.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from imagenet import Photo, labelled
from paper_networks import NETWORKS, Network, realistic

from tflq._float_model import FloatModel
from tflq._source import open_model
from tflq.data._picture import Preparation
from tflq.tflite_side import Runner

Sample = dict[str, np.ndarray]

_SEED = 0
# Samples that calibrate and that judge: made-up ones, and photos, of which all others judge.
_CALIBRATING, _JUDGING = 100, 50
_SMOKE_CALIBRATING, _SMOKE_JUDGING = 8, 4
_SMOKE_PHOTOS = 80
_EVERY = 10


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How much a measurement says: `real` is trained weights and photos, `full` is no smoke."""

    real: bool
    full: bool

    def covers(self, other: "Setting") -> bool:
        """Whether nothing that the other tells is missing here."""
        return self.real >= other.real and self.full >= other.full


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """A network to be measured.

    Attributes:
        setting: how much its measurements say.
        weights: "trained", or random for want of trained ones: "none here" were to be had, none
            were "asked for", or there are "none".
        model: the Keras model.
        source: the same, converted.
        calibration: samples that calibrate.
        judging: samples that judge.
        labels: of those, or None.
    """

    setting: Setting
    weights: str
    model: Any
    source: FloatModel
    calibration: list[Sample]
    judging: Sequence[Sample]
    labels: np.ndarray | None

    @cached_property
    def wanted(self) -> list[list[np.ndarray]]:
        """What the float file makes of the samples that judge."""
        return list(self.outputs(self.source.tflite))

    def outputs(self, content: bytes) -> Iterator[list[np.ndarray]]:
        """What a file makes of the samples that judge, one after another."""
        runner = Runner(content, inputs=self.source.inputs)
        for index in range(len(self.judging)):
            yield runner.run(self.judging[index])


class Photos(Sequence[Sample]):
    """Photos as a network takes them, each read when it is asked for."""

    def __init__(self, photos: list[Photo], prepare: Preparation, name: str):
        self._photos, self._prepare, self._name = photos, prepare, name

    def __len__(self) -> int:
        return len(self._photos)

    def __getitem__(self, index: Any) -> Any:
        file = self._photos[index].file
        return {self._name: self._prepare(file, f"photo {file.name!r}")[None]}


class Subjects:
    """Makes networks ready, with trained weights where they can be had.

    Args:
        imagenet: the folder of labelled photos, or None.
        smoke: small networks and few samples.

    Raises:
        UserError: the folder holds no labelled photos.
    """

    def __init__(self, imagenet: Path | None, *, smoke: bool):
        self._photos = labelled(imagenet) if imagenet is not None else []
        self._smoke = smoke
        self._without_weights: set[str] = set()

    def wanted(self, name: str) -> Setting:
        """The most that can be told of a network here."""
        network = NETWORKS.get(name)
        real = (
            network is not None
            and bool(self._photos)
            and _can_be_real(network)
            and name not in self._without_weights
        )
        return Setting(real=real, full=not self._smoke)

    def load(self, name: str, *, random: bool = True) -> Subject | None:
        """Makes a network ready.

        Args:
            name: in `paper_networks`.
            random: whether random weights will do where trained ones cannot be had.

        Returns:
            None where they will not do.
        """
        network = NETWORKS[name]
        if self.wanted(name).real:
            try:
                model = network.build(False, "imagenet")
            # Whatever the download of weights raises: the network is measured without them.
            except Exception as error:
                print(f"{name}: no weights here ({type(error).__name__})", flush=True)
                self._without_weights.add(name)
            else:
                return self._on_photos(network, model)
        return self._on_made_up_samples(network) if random else None

    def _on_photos(self, network: Network, model: Any) -> Subject:
        source = open_model(model)
        photos = self._photos
        if self._smoke:
            photos = photos[:: -(-len(photos) // _SMOKE_PHOTOS)]
        step = max(_EVERY, -(-len(photos) // _CALIBRATING))
        judging = [photo for index, photo in enumerate(photos) if index % step]
        name = source.inputs[0].name
        assert network.preparation is not None, "networks with weights prepare photos"
        prepare = network.preparation(model.input_shape[1])
        return Subject(
            setting=self.wanted(network.name),
            weights="trained",
            model=model,
            source=source,
            calibration=list(Photos(photos[::step], prepare, name)),
            judging=Photos(judging, prepare, name),
            labels=np.array([photo.label for photo in judging]),
        )

    def _on_made_up_samples(self, network: Network) -> Subject:
        import keras

        counts = (_SMOKE_CALIBRATING, _SMOKE_JUDGING) if self._smoke else (_CALIBRATING, _JUDGING)
        keras.utils.set_random_seed(_SEED)
        model = network.build(self._smoke, None)
        samples = network.samples(model, sum(counts), _SEED)
        realistic(model, samples[: counts[0]], _SEED)
        return Subject(
            setting=Setting(real=False, full=not self._smoke),
            weights=self._why_random(network),
            model=model,
            source=open_model(model),
            calibration=samples[: counts[0]],
            judging=samples[counts[0] :],
            labels=None,
        )

    def _why_random(self, network: Network) -> str:
        if network.name in self._without_weights:
            return "none here"
        return "asked for" if _can_be_real(network) else "none"


def _can_be_real(network: Network) -> bool:
    return network.has_weights and network.task == "classification"
