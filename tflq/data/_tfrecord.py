"""Samples from TFRecord files of tf.train.Example."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tflq._errors import UserError
from tflq._quiet import quiet
from tflq.data._framing import check_frames
from tflq.data._picture import Preparation
from tflq.data._presets import ImageOptions
from tflq.data._spec import InputSpec

#: Names that encoded pictures have in public data sets.
IMAGE_FEATURES = ("image/encoded", "image", "image_raw")

_SHOWN = 20


class Records:
    """The samples of TFRecord files, in the order of the files.

    Every iteration reads the files anew and yields a dict of arrays by input name, without a
    batch dimension.

    Args:
        files: TFRecord files of tf.train.Example.
        inputs: the model's inputs. A feature named as the input holds its values (floats,
            integers, or the bytes of an encoded picture); the only input of a model may also
            come from a picture named as one of `IMAGE_FEATURES`.
        images: how pictures are prepared.
    """

    def __init__(self, files: Sequence[Path], inputs: Sequence[InputSpec], images: ImageOptions):
        self._files = tuple(files)
        self._inputs = tuple(inputs)
        self._images = images
        self._preparations: dict[str, Preparation] = {}

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        for file in self._files:
            for index, record in enumerate(_read(file)):
                where = f"record {index} of {str(file)!r}"
                features = _features(record, where)
                yield {s.name: self._value(features, s, where) for s in self._inputs}

    def _value(self, features: Any, spec: InputSpec, where: str) -> np.ndarray:
        names = (spec.name, *IMAGE_FEATURES) if len(self._inputs) == 1 else (spec.name,)
        name = next((name for name in names if name in features), None)
        if name is None:
            present = ", ".join(repr(key) for key in sorted(features)[:_SHOWN]) or "none"
            present += ", …" if len(features) > _SHOWN else ""
            wanted = " or ".join(repr(name) for name in names)
            raise UserError(
                f"{where} has no feature {wanted} (it has: {present}); name the input's feature "
                "as the input."
            )
        where = f"feature {name!r} of {where}"
        kind = features[name].WhichOneof("kind")
        if kind == "bytes_list":
            return self._picture(features[name].bytes_list.value, spec, where)
        if kind is None or name != spec.name:
            raise UserError(f"{where} is {kind or 'empty'}; give the bytes of an encoded picture.")
        dtype = np.float32 if kind == "float_list" else np.int64
        return _reshape(np.array(getattr(features[name], kind).value, dtype), spec, where)

    def _picture(self, values: Sequence[bytes], spec: InputSpec, where: str) -> np.ndarray:
        if len(values) != 1:
            raise UserError(f"{where} holds {len(values)} pictures; give one a record.")
        if spec.name not in self._preparations:
            self._preparations[spec.name] = self._images.preparation(spec)
        return self._preparations[spec.name](values[0], where)


def _read(file: Path) -> Iterator[bytes]:
    check_frames(file)
    with quiet():
        import tensorflow as tf
    try:
        for record in tf.data.TFRecordDataset(str(file)):
            yield record.numpy()
    except tf.errors.OpError as error:
        raise UserError(
            f"{str(file)!r} is not a readable TFRecord file ({error.message.splitlines()[0]}); "
            "write it again, without compression."
        ) from error


def _features(record: bytes, where: str) -> Any:
    import tensorflow as tf
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        return tf.train.Example.FromString(record).features.feature
    except DecodeError as error:
        raise UserError(f"{where} is no tf.train.Example; write it as one.") from error


def _reshape(values: np.ndarray, spec: InputSpec, where: str) -> np.ndarray:
    shape = spec.sample_shape
    known = math.prod(n for n in shape if n is not None)
    fits = values.size == known
    if None in shape:
        fits = shape.count(None) == 1 and known > 0 and values.size % known == 0
    if not fits:
        raise UserError(
            f"{where} holds {values.size} values, which do not fill the shape "
            f"{tuple('any' if n is None else n for n in shape)} of input {spec.name!r}; write "
            "whole samples, with at most one size left open."
        )
    return values.reshape([-1 if n is None else n for n in shape])
