"""How far below the largest value of its row softmax still tells one value from another."""

import math

# No score is as small: what is stands for minus infinity.
MASKED = -1e3
# All that lies so far below is e^-7 of a row's sum together, less than half an 8-bit code.
_REACH = 7.0


def softmax_reach(width: int, *, least: float = _REACH) -> float:
    """The distance from the largest of `width` values beyond which the others vanish.

    Args:
        width: how many values a row has.
        least: all values beyond it together are e^-least of the sum.

    Example:
        >>> round(softmax_reach(1), 3), round(softmax_reach(64), 3)
        (7.0, 11.159)
    """
    return least + math.log(width)
