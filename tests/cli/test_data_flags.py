import pytest
from absl import flags

from tflq._limits import PICTURE_PIXELS
from tflq.cli._data_flags import add_data_flags, data_flags, data_path


@pytest.mark.parametrize(
    ("given", "most"), [([], PICTURE_PIXELS), (["--max_pixels=10"], 10), (["--preset=tf"], 10**8)]
)
def test_the_limit_of_pictures(given, most):
    values = flags.FlagValues()
    add_data_flags(values)
    values(["it", *given])
    assert data_path("photos", values).images.max_pixels == most
    assert data_flags(values) == given


def test_a_limit_that_lets_nothing_in():
    values = flags.FlagValues()
    add_data_flags(values)
    with pytest.raises(flags.Error, match="max_pixels"):
        values(["it", "--max_pixels=0"])
