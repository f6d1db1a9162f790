import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tflq import UserError
from tflq.data._decode import decode
from tflq.data._picture import Preparation, _central


def _prepare(size=(6, 8), **changes):
    defaults = {"crop": None, "mean": (0.0,), "scale": (1.0,), "resample": "nearest", "bgr": False}
    return Preparation(image_size=size, **{**defaults, **changes})


def _encode(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _noise(height=6, width=8, channels=3):
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)


def test_pixels_are_rgb_floats():
    pixels = _noise()
    result = _prepare()(_encode(Image.fromarray(pixels)), "it")
    assert result.dtype == np.float32 and result.flags.c_contiguous
    np.testing.assert_array_equal(result, pixels)


def test_files_and_bytes_are_the_same(tmp_path):
    content = _encode(Image.fromarray(_noise()), "JPEG")
    (tmp_path / "a.jpg").write_bytes(content)
    np.testing.assert_array_equal(_prepare()(tmp_path / "a.jpg", ""), _prepare()(content, ""))


def test_mean_and_scale_are_per_channel_of_the_output():
    pixels = _noise()
    prepare = _prepare(mean=(1.0, 2.0, 3.0), scale=(2.0, 4.0, 8.0), bgr=True)
    expected = (pixels[..., ::-1].astype(np.float32) - [1, 2, 3]) / [2, 4, 8]
    np.testing.assert_allclose(prepare(_encode(Image.fromarray(pixels)), ""), expected)


def test_one_value_serves_all_channels():
    result = _prepare(mean=(127.5,), scale=(127.5,))(_encode(Image.new("RGB", (8, 6))), "")
    assert (result == -1).all()


@pytest.mark.parametrize(
    "mode, colour, rgb",
    [
        ("L", 100, (100, 100, 100)),
        ("1", 1, (255, 255, 255)),
        ("LA", (100, 0), (100, 100, 100)),
        ("RGBA", (10, 20, 30, 0), (10, 20, 30)),
        ("P", 0, (9, 8, 7)),
        ("I;16", 25700, (100, 100, 100)),
    ],
)
def test_colour_modes_of_png(mode, colour, rgb):
    image = Image.new(mode, (8, 6), colour)
    if mode == "P":
        image.putpalette([9, 8, 7] * 256)
    options = {"transparency": bytes([0] * 256)} if mode == "P" else {}
    result = _prepare()(_encode(image, **options), "")
    np.testing.assert_array_equal(result, np.broadcast_to(np.float32(rgb), (6, 8, 3)))


def test_cmyk_is_converted():
    result = _prepare()(_encode(Image.new("CMYK", (8, 6), (0, 255, 255, 0)), "JPEG"), "")
    assert abs(result - [255, 0, 0]).max() < 6


def test_grey_of_32_bits_is_taken_as_16():
    result = _prepare()(_encode(Image.new("I", (8, 6), 70000), "TIFF"), "")
    assert (result == 255).all()


def test_floating_point_pictures_are_refused():
    with pytest.raises(UserError, match=r"cannot be read as a picture .*floats"):
        _prepare()(_encode(Image.new("F", (8, 6), 0.5), "TIFF"), "picture")


def test_exif_turns_the_picture():
    pixels = np.zeros((6, 8, 3), np.uint8)
    pixels[:, :4] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # Turned by 90 degrees: the left half is shown above.
    content = _encode(Image.fromarray(pixels), exif=exif)
    result = _prepare(size=(8, 6))(content, "")
    assert (result[:4] == 255).all() and (result[4:] == 0).all()


def test_the_first_picture_of_an_animation():
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "blue")]
    content = _encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (_prepare()(content, "") == [255, 0, 0]).all()


def test_without_a_crop_the_whole_picture_is_resized():
    pixels = np.repeat(np.repeat(_noise(3, 4), 2, axis=0), 2, axis=1)
    result = _prepare(size=(3, 4))(_encode(Image.fromarray(pixels)), "")
    np.testing.assert_array_equal(result, _noise(3, 4))


def test_a_crop_keeps_the_centre():
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[5:15, 15:25] = 200
    result = _prepare(size=(5, 5), crop=0.5, resample="bicubic")(
        _encode(Image.fromarray(pixels)), ""
    )
    assert (result == 200).all()


@given(
    st.tuples(st.integers(1, 500), st.integers(1, 500)),
    st.tuples(st.integers(1, 300), st.integers(1, 300)),
    st.floats(0.01, 1),
)
def test_crops_lie_inside_and_in_the_middle(picture, size, share):
    height, width = picture
    left, top, right, bottom = _central(height, width, size, share)
    assert 0 <= left < right <= width and 0 <= top < bottom <= height
    assert 0 <= left - (width - right) <= 1 and 0 <= top - (height - bottom) <= 1


@given(st.integers(33, 600), st.integers(33, 600))
def test_a_square_crop_is_that_of_efficientnet(height, width):
    left, top, right, bottom = _central(height, width, (224, 224), 224 / 256)
    side = int(224 / 256 * min(height, width))
    assert abs((right - left) - side) <= 1 and right - left == bottom - top
    assert (left, top) == ((width - (right - left) + 1) // 2, (height - (bottom - top) + 1) // 2)


@given(st.binary(max_size=300))
@settings(max_examples=50)
def test_random_bytes_are_no_picture(content):
    with pytest.raises(UserError, match=r"^here cannot be read as a picture"):
        _prepare()(content, "here")


@given(st.sampled_from(["PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM", "JPEG2000"]), st.data())
@settings(max_examples=100, deadline=None)
def test_damaged_pictures_give_an_array_or_a_user_error(kind, data):
    content = bytearray(_encode(Image.fromarray(_noise(20, 30)), kind))
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(0, len(content))) :]
    try:
        result = _prepare()(bytes(content), "here")
    except UserError:
        return
    assert result.shape == (6, 8, 3)


def test_postscript_starts_no_other_program():
    content = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
    with pytest.raises(UserError, match="its format is unknown"):
        _prepare()(content, "here")


def test_a_picture_too_large_for_memory_is_refused():
    content = bytearray(_encode(Image.new("L", (1, 1)), "BMP"))
    content[18:26] = (200000).to_bytes(4, "little") * 2
    with pytest.raises(UserError, match="decompression bomb"):
        _prepare()(bytes(content), "here")


@pytest.mark.parametrize("most", [200, 60, 20])
def test_large_pictures_are_decoded_smaller(most):
    pixels = np.repeat(np.repeat(_noise(1, 2), 24, axis=0), 24, axis=1)
    content = _encode(Image.fromarray(pixels), "JPEG", quality=95)
    whole = _prepare(size=(2, 4), resample="bilinear")(content, "")
    reduced = _prepare(size=(2, 4), resample="bilinear", max_pixels=most)(content, "")
    np.testing.assert_allclose(reduced[:, ::3], whole[:, ::3], atol=12)
    assert decode(content, max_pixels=most, where="").size[0] in (24, 12, 6)


def test_pictures_within_the_limit_are_decoded_as_they_are():
    content = _encode(Image.fromarray(_noise(32, 48)), "JPEG")
    plain = Image.open(io.BytesIO(content))
    came = decode(content, max_pixels=32 * 48, where="")
    np.testing.assert_array_equal(np.asarray(came), np.asarray(plain))


@pytest.mark.parametrize(
    "kind, options, most",
    [("PNG", {}, 1535), ("JPEG", {"progressive": True}, 1535), ("JPEG", {}, 20), ("GIF", {}, 1535)],
)
def test_too_large_pictures_are_refused(kind, options, most):
    content = _encode(Image.fromarray(_noise(32, 48)), kind, **options)
    message = f"^here has 48 x 32 pixels, more than max_pixels={most}"
    with pytest.raises(UserError, match=message):
        _prepare(max_pixels=most)(content, "here")


def test_a_larger_limit_is_pillows_too(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    content = _encode(Image.fromarray(_noise(32, 48)))
    with pytest.raises(UserError, match="decompression bomb"):
        _prepare(max_pixels=100)(content, "here")
    assert _prepare(max_pixels=2000)(content, "here").shape == (6, 8, 3)
    assert Image.MAX_IMAGE_PIXELS == 100


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"max_pixels": 0}, "max_pixels=0 lets no picture in"),
        ({"size": (0, 8)}, r"image_size=\(0, 8\) is no size"),
        ({"size": (8,)}, "is no size"),
        ({"crop": 0.0}, "crop=0.0 is no share"),
        ({"crop": 1.5}, "crop=1.5 is no share"),
        ({"mean": (1.0, 2.0)}, "mean=.*one finite number or three"),
        ({"scale": (float("nan"),)}, "scale=.*one finite number or three"),
        ({"scale": (1.0, 0.0, 1.0)}, "divides by zero"),
        ({"resample": "box"}, "resample='box' is unknown; choose one of: nearest"),
    ],
)
def test_bad_values_are_named(changes, message):
    with pytest.raises(UserError, match=message):
        _prepare(**changes)
