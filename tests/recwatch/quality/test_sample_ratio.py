import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import dirichlet_multinomial, multinomial

from recwatch.quality.sample_ratio import sample_ratio_p_value


@given(st.integers(0, 300), st.integers(0, 300), st.floats(0.1, 0.9))
def test_it_is_the_inverse_of_the_bayes_factor(first: int, second: int, share: float) -> None:
    counts, shares = [first, second], [share, 1 - share]
    log_odds = (
        dirichlet_multinomial.logpmf(counts, [1, 1], np.int64(sum(counts)))  # type: ignore[arg-type]
        - multinomial.logpmf(counts, sum(counts), shares)
    )
    assert sample_ratio_p_value(counts, shares) == pytest.approx(min(1.0, math.exp(-log_odds)), rel=1e-6)


def test_the_right_shares_are_left_in_peace_and_wrong_ones_found() -> None:
    assert sample_ratio_p_value([5_050, 4_950], [0.5, 0.5]) == 1.0
    assert sample_ratio_p_value([5_300, 4_700], [0.5, 0.5]) < 0.001
    assert sample_ratio_p_value([900, 100, 0], [0.8, 0.1, 0.1]) < 1e-9
    assert sample_ratio_p_value([0, 0], [0.5, 0.5]) == 1.0


def test_millions_do_not_overflow() -> None:
    assert sample_ratio_p_value([10**8, 10**8], [0.5, 0.5]) == 1.0
    assert sample_ratio_p_value([10**8, 0], [0.5, 0.5]) == 0.0
