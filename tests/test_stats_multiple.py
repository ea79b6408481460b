import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control
from statsmodels.stats.multitest import multipletests

from culturesim.errors import AnalysisError
from culturesim.stats.multiple import benjamini_hochberg

P = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@settings(max_examples=50, deadline=None)
@given(P)
def test_q_is_that_of_scipy_and_statsmodels(p):
    q = benjamini_hochberg(p)
    assert q == pytest.approx(false_discovery_control(p))
    assert q == pytest.approx(multipletests(p, method="fdr_bh")[1])


@settings(max_examples=50, deadline=None)
@given(P, st.randoms())
def test_q_follows_its_test_whatever_the_order(p, random):
    order = random.sample(range(len(p)), len(p))
    assert benjamini_hochberg(np.array(p)[order]) == pytest.approx(benjamini_hochberg(p)[order])


@settings(max_examples=50, deadline=None)
@given(P, st.data())
def test_q_rises_with_p_and_never_falls_when_one_p_rises(p, data):
    q, order = benjamini_hochberg(p), np.argsort(p)
    assert (np.diff(q[order]) >= 0).all()
    assert ((np.array(p) <= q + 1e-12) & (q <= 1)).all()
    one = data.draw(st.integers(0, len(p) - 1))
    more = [*p[:one], data.draw(st.floats(p[one], 1)), *p[one + 1 :]]
    assert (benjamini_hochberg(more) >= q - 1e-12).all()


def test_tests_that_could_not_be_made_do_not_count():
    q = benjamini_hochberg([0.01, np.nan, 0.04])
    assert q[[0, 2]] == pytest.approx([0.02, 0.04])
    assert np.isnan(q[1])
    assert benjamini_hochberg([]).size == 0


def test_what_is_no_probability_is_refused():
    with pytest.raises(AnalysisError, match="between 0 and 1"):
        benjamini_hochberg([1.2])
