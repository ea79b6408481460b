import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.errors import AnalysisError
from culturesim.stats.consistency import ONE_BLOCK, consistency, one_hot
from culturesim.stats.divergence import inconsistency, js_centroid, jsd
from culturesim.stats.exchange import exchanged
from culturesim.stats.inference import Bootstrap
from culturesim.stats.permutation import Permutations

QUICK, FEW = Bootstrap(replicates=400), Permutations(99)
LOGITS = np.array([0.3, 1.0, 0.0, -0.5, 0.6])


def chosen(rng, logits, blocks):
    """Codes that members with these logits, (L, k), choose in each block, (B, L)."""
    return (logits + rng.gumbel(size=(blocks, *logits.shape))).argmax(axis=2)


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)


@pytest.mark.parametrize(
    ("members", "d"),
    [
        ([[0, 1], [1, 0]], 0.464501),
        ([[0, 1], [1, 0], [1, 0]], 0.407445),
        ([[0, 1], [1, 0], [1, 0], [1, 0]], 0.331369),
        ([[0, 1], [0.5, 0.5]], 0.249874),
        ([[0, 1], [0.5, 0.5], [0.5, 0.5]], 0.210947),
    ],
)
def test_groups_have_the_exact_values(members, d):
    found = consistency([np.array(members, dtype=float)], QUICK)
    assert found.d.value == found.groups[0].d == pytest.approx(d, abs=5e-7)
    assert found.note == found.groups[0].note == ONE_BLOCK
    assert (found.p, found.beyond.value) == (None, None)


def test_the_aggregate_is_the_mean_over_members():
    """Of groups of two and of four, by hand: (2 × .464501 + 4 × .331369)/6."""
    found = consistency([np.eye(2), np.array([[0, 1], [1, 0], [1, 0], [1, 0]])], QUICK)
    assert found.d_members.value == pytest.approx(found.d.value)
    assert found.d.value == pytest.approx((2 * 0.464501 + 4 * 0.331369) / 6, abs=5e-7)
    assert (found.d.clusters, found.d_members.clusters, found.members) == (2, 6, 6)
    assert found.fraction.value == pytest.approx(found.d.value / 0.464501, abs=1e-6)


def test_groups_of_one_are_left_out_or_count_as_nothing():
    groups = [np.eye(2), np.array([[0.5, 0.5]])]
    found, paper = consistency(groups, QUICK), consistency(groups, QUICK, singletons="zero")
    assert (found.singletons, found.groups[1].note) == (1, "one member: nothing to compare")
    assert found.d.value == pytest.approx(0.464501, abs=5e-7)
    assert paper.d.value == pytest.approx(0.464501 * 2 / 3, abs=5e-7)


def test_groups_of_one_item_are_resampled_together():
    rng = np.random.default_rng(8)
    groups = [one_hot(chosen(rng, pair, 60), 5) for pair in np.repeat(LOGITS + rng.normal(size=(6, 2, 5)), 10, axis=0)]
    apart = consistency(groups, QUICK, permutations=FEW)
    together = consistency(groups, QUICK, clusters=list(np.repeat(np.arange(6), 10)), permutations=FEW)
    assert (together.d.clusters, apart.d.clusters) == (6, 60)
    assert together.d.value == pytest.approx(apart.d.value)
    for a, b in ((apart.d, together.d), (apart.beyond, together.beyond)):
        assert b.high - b.low > 1.5 * (a.high - a.low)
    with pytest.raises(AnalysisError, match="60 groups have 1 clusters"):
        consistency(groups, QUICK, clusters=[0])


def test_groups_of_one_lower_chance_as_they_lower_d():
    rng = np.random.default_rng(9)
    groups = [one_hot(chosen(rng, np.tile(LOGITS, (2, 1)), 30), 5) for _ in range(6)]
    found = consistency(groups, QUICK, permutations=FEW)
    paper = consistency([*groups, groups[0][:, :1]], QUICK, permutations=FEW, singletons="zero")
    assert paper.chance == pytest.approx(found.chance * 12 / 13, rel=1e-9)
    assert paper.d.value == pytest.approx(found.d.value * 12 / 13)


def test_blocks_that_lack_a_member_are_left_out_and_counted():
    codes = np.array([[0, 1, -1], [1, -1, -1], [0, 0, -1], [-1, -1, -1]])
    found = consistency([one_hot(codes, 2)], QUICK).groups[0]
    assert (found.members, found.blocks, found.incomplete) == (2, 2, 1)
    assert found.d == pytest.approx(inconsistency([[1, 0], [0.5, 0.5]]), abs=1e-6)


def test_no_complete_block_is_no_comparison():
    found = consistency([one_hot([[0, -1], [-1, 1]], 2)], QUICK)
    assert (found.d.value, found.groups[0].note) == (None, "no block was answered by all 2 members")
    assert found.note == "no group has two members to compare"
    assert consistency([], QUICK).d.value is None


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 99), st.permutations(range(3)), st.permutations(range(5)))
def test_names_and_order_of_members_options_and_blocks_do_not_matter(seed, members, options):
    codes = np.random.default_rng(seed).integers(5, size=(20, 3))
    cells = one_hot(codes, 5)
    found = consistency([cells], QUICK, permutations=FEW).groups[0]
    turned = consistency([cells[::-1][:, members][:, :, options]], QUICK, permutations=FEW).groups[0]
    assert turned.d == pytest.approx(found.d, abs=1e-6)
    assert 0 <= found.d <= found.largest


def test_same_answers_have_no_distance_and_no_significance():
    found = consistency([one_hot(np.zeros((30, 3)), 5)] * 4, QUICK)
    assert (found.d.value, found.beyond.value) == pytest.approx((0, 0), abs=1e-6)
    assert found.p == 1


@pytest.mark.parametrize("members", [2, 4])
@pytest.mark.parametrize("blocks", [40, 1000])
def test_exchanged_answers_have_the_moments_of_all_exchanges(members, blocks):
    """The members' covariance is Σ_b C_b (δ − (1 − δ)/(L − 1)) / B², however they are drawn."""
    rng = np.random.default_rng(2)
    cells = one_hot(chosen(rng, np.tile(LOGITS, (members, 1)), blocks), 5)
    drawn = exchanged(cells, 20_000, rng)
    apart = (cells - cells.mean(axis=1, keepdims=True)).reshape(-1, 5)
    expected = apart.T @ apart / members / blocks**2
    assert drawn.sum(axis=2) == pytest.approx(1)
    assert drawn.mean(axis=0) == pytest.approx(np.tile(cells.mean(axis=(0, 1)), (members, 1)), abs=0.003)
    assert np.cov(drawn[:, 0].T) == pytest.approx(expected, abs=0.1 * expected.max())
    across = np.cov(drawn[:, 0].T, drawn[:, 1].T)[:5, 5:]
    assert across == pytest.approx(-expected / (members - 1), abs=0.1 * expected.max())


def test_exchanged_probabilities_are_shuffled_too():
    cells = np.random.default_rng(3).dirichlet(np.ones(3), (2, 2))
    drawn = np.unique(exchanged(cells, 200, np.random.default_rng(4))[:, 0].round(12), axis=0)
    possible = [(cells[0, a] + cells[1, b]) / 2 for a in (0, 1) for b in (0, 1)]
    assert drawn == pytest.approx(np.unique(np.round(possible, 12), axis=0))


@pytest.mark.parametrize(("blocks", "members"), [(20, 2), (100, 3), (1000, 2)])
def test_chance_is_taken_for_inconsistency_as_often_as_it_should(blocks, members):
    rng, p = np.random.default_rng(5), []
    for seed in range(25):
        groups = [one_hot(chosen(rng, np.tile(LOGITS, (members, 1)), blocks), 5) for _ in range(16)]
        p += [group.p for group in consistency(groups, QUICK, permutations=Permutations(99, seed)).groups]
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=0.025)
    assert np.mean(np.array(p) <= 0.5) == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize(("blocks", "error"), [(20, 0.12), (100, 0.05), (1000, 0.02)])
def test_the_distance_beyond_chance_is_recovered(blocks, error):
    rng = np.random.default_rng(6)
    logits = LOGITS + rng.normal(0, 0.5, (400, 2, 5))
    truth = math.sqrt(np.mean([jsd(p, js_centroid(p), base=math.e).mean() for p in softmax(logits)]))
    found = consistency([one_hot(chosen(rng, pair, blocks), 5) for pair in logits], QUICK, permutations=FEW)
    assert found.beyond.value == pytest.approx(truth, rel=error)
    assert found.beyond.low < found.beyond.value < found.beyond.high
    assert found.chance < found.chance_high < found.d.value


def test_without_difference_nothing_is_beyond_chance():
    rng = np.random.default_rng(7)
    found = consistency([one_hot(chosen(rng, np.tile(LOGITS, (2, 1)), 50), 5) for _ in range(60)], QUICK)
    assert found.beyond.low == 0
    assert found.d.value == pytest.approx(found.chance, abs=0.015)
    assert found.p > 0.05


@pytest.mark.parametrize("wrong", [np.ones((2, 2, 2)), np.zeros((3, 2, 1)), np.ones(4)])
def test_what_is_no_distribution_is_refused(wrong):
    with pytest.raises(AnalysisError):
        consistency([wrong], QUICK)
    with pytest.raises(AnalysisError, match="numbered"):
        one_hot([2], 2)
