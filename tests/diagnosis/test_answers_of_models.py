import base64
import io

import numpy as np
from PIL import Image

from tflq.diagnosis._confusion import ConfusedPair, ConfusionCounter
from tflq.diagnosis._thumbnail import thumbnail
from tflq.diagnosis._worst import WorstSamples


def test_confusion_counts_pairs_and_leaves_out_what_agrees():
    counter = ConfusionCounter("logits")
    eye = np.eye(4)
    for first, second in [(0, 0), (1, 2), (1, 2), (3, 0)]:
        counter.update(eye[[first]], eye[[second]])
    found = counter.result()
    assert (found.agreed, found.judged) == (1, 4)
    assert found.pairs == (
        ConfusedPair(floating=1, quantized=2, count=2),
        ConfusedPair(floating=3, quantized=0, count=1),
    )


def test_outputs_without_classes_have_no_confusion():
    counter = ConfusionCounter("age")
    counter.update(np.ones((1, 1)), np.zeros((1, 1)))
    assert counter.result() is None


def test_flipped_samples_come_first_then_those_of_lowest_sqnr():
    worst = WorstSamples(["y"])
    for sample in range(20):
        error = 0.01 * (sample + 1)
        worst.update(
            sample, {"x": np.ones(3)}, [np.array([1.0, 0.0])], [np.array([1.0 - error, 0.0])]
        )
    worst.update(20, {"x": np.ones(3)}, [np.array([1.0, 0.999])], [np.array([0.999, 1.0])])
    found = worst.result()
    assert [sample.sample for sample in found] == [20, 19, 18, 17, 16, 15, 14, 13]
    assert [sample.flipped for sample in found] == [True] + [False] * 7
    assert found[0].picture is None and found[0].numbers[0].startswith("x: 3, 1 to 1, mean 1")
    assert found[0].answers[0].floating == "class 0 (1)"


def test_answers_of_numbers_and_maps():
    worst = WorstSamples(["age", "map"])
    outputs = [np.array([3.5]), np.zeros((2, 2))]
    worst.update(0, {"x": np.ones(())}, outputs, outputs)
    age, whole = worst.result()[0].answers
    assert age.floating == "3.5" and whole.floating == "mean 0, 0 to 0"


def test_pictures_are_small_and_reach_from_black_to_white():
    encoded = thumbnail(np.linspace(-3, 5, 300 * 200 * 3).reshape(300, 200, 3))
    picture = Image.open(io.BytesIO(base64.b64decode(encoded.partition(",")[2])))
    pixels = np.asarray(picture)
    assert picture.format == "PNG" and max(picture.size) == 160
    assert pixels.min() < 5 and pixels.max() > 250


def test_one_grey_picture_and_what_is_none():
    assert thumbnail(np.full((8, 8, 1), 7)) is not None
    for shape in [(8, 8, 2), (8, 8), (3,), (1, 1, 3)]:
        assert thumbnail(np.zeros(shape)) is None
