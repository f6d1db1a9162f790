"""The representative dataset: whatever a user has, as checked samples, one at a time."""

from tflq.data._batches import batches
from tflq.data._dtypes import data_dtypes
from tflq.data._function import find_function, is_function_name
from tflq.data._images import image_folder
from tflq.data._presets import PRESETS, ImageOptions, ImagePreset
from tflq.data._samples import Samples, samples
from tflq.data._sources import DataPath, from_path
from tflq.data._spec import InputSpec

__all__ = [
    "PRESETS",
    "DataPath",
    "ImageOptions",
    "ImagePreset",
    "InputSpec",
    "Samples",
    "batches",
    "data_dtypes",
    "find_function",
    "from_path",
    "image_folder",
    "is_function_name",
    "samples",
]
