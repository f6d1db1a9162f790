"""Sums that do not depend on order."""

import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tflq._exact_sum import ExactSum

numbers = st.lists(st.floats(-1e100, 1e100), max_size=40)


@given(numbers)
def test_is_the_exact_sum_rounded_once(terms):
    assert ExactSum(terms).value == float(sum(map(Fraction, terms)))


@given(numbers, st.integers(0, 40), st.randoms())
def test_neither_order_nor_splitting_matters(terms, at, random):
    whole = ExactSum(terms).value
    shuffled = random.sample(terms, len(terms))
    assert ExactSum(shuffled[:at]).merge(ExactSum(shuffled[at:])).value == whole


def test_nothing_sums_to_zero():
    assert ExactSum().value == 0.0 and not math.isnan(ExactSum().merge(ExactSum()).value)
