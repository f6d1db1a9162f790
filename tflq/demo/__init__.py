"""The demo, and what it needs: a real network, real photos, a picture."""

from tflq.demo._efficientnet_lite import efficientnet_lite, load_efficientnet_lite
from tflq.demo._photos import labelled_photos
from tflq.demo._picture import draw_calibrators
from tflq.demo._run import DemoResult, DemoRow, run_demo
from tflq.demo._torch_archive import read_state_dict

__all__ = [
    "DemoResult",
    "DemoRow",
    "draw_calibrators",
    "efficientnet_lite",
    "labelled_photos",
    "load_efficientnet_lite",
    "read_state_dict",
    "run_demo",
]
