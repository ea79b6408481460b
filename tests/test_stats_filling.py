import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.stats.filling import filled
from culturesim.stats.inference import Bootstrap
from culturesim.stats.variance import components

LEVELS = {"persona": 12, "item": 6, "language": 4}
SHAPE = tuple(LEVELS.values())


def crossing(noise=0.0, seed=0, repeats=1, shape=SHAPE):
    """Answers by main effects and one interaction, of every cell."""
    rng = np.random.default_rng(seed)
    cells = np.indices(shape).reshape(3, -1).repeat(repeats, axis=1)
    persona, item, language = (rng.normal(size=count) for count in shape)
    both = rng.normal(size=shape[:2])
    y = persona[cells[0]] + item[cells[1]] + language[cells[2]] + both[cells[0], cells[1]]
    return y + noise * rng.normal(size=len(y)), dict(zip(LEVELS, cells, strict=True))


def with_holes(y, places, share, seed=1):
    kept = np.random.default_rng(seed).random(len(y)) >= share
    return y[kept], {facet: place[kept] for facet, place in places.items()}


def test_what_is_complete_stays_as_it_is():
    y, places = crossing(1.0)
    values, complete, missing = filled(y, places, LEVELS)
    assert missing == 0
    assert (values == y).all()
    assert all((complete[facet] == places[facet]).all() for facet in LEVELS)


def test_answers_that_effects_explain_are_filled_in_exactly():
    y, places = crossing()
    values, complete, missing = filled(*with_holes(y, places, 0.08), LEVELS)
    cells, own = (np.ravel_multi_index(tuple(at.values()), tuple(LEVELS.values())) for at in (complete, places))
    assert missing == len(y) - len(with_holes(y, places, 0.08)[0]) > 0
    assert values[np.argsort(cells)] == pytest.approx(y[np.argsort(own)], abs=1e-4)


def test_where_more_than_a_tenth_is_missing_nothing_is_filled():
    assert filled(*with_holes(*crossing(1.0), 0.2), LEVELS) is None


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99), st.integers(1, 3))
def test_all_cells_come_out_equally_full_and_answers_are_kept(seed, repeats):
    y, places = with_holes(*crossing(1.0, repeats=repeats), 0.05, seed)
    values, complete, missing = filled(y, places, LEVELS, seed)
    counts = np.bincount(np.ravel_multi_index(tuple(complete.values()), tuple(LEVELS.values())))
    assert set(counts) == {repeats}
    assert (values[: len(y)] == y).all()
    assert len(values) == len(y) + missing
    assert (values == filled(y, places, LEVELS, seed)[0]).all()


@pytest.mark.parametrize(
    ("shape", "repeats", "lost"), [((12, 6, 4), 1, 0.05), ((60, 12, 2), 1, 0.08), ((20, 6, 2), 2, 0.04)]
)
def test_filling_moves_no_component(shape, repeats, lost):
    """Means over 25 surveys are those of the surveys before some was lost; fits with residuals are up to 35 % off."""
    apart, names = [], ("persona", "persona:item", "residual")
    levels = dict(zip(LEVELS, shape, strict=True))
    for seed in range(25):
        y, places = crossing(1.0, seed, repeats, shape)
        values, complete, _ = filled(*with_holes(y, places, lost, seed), levels, seed)
        before, after = (
            components(*of, bootstrap=Bootstrap(replicates=100)) for of in ((y, places), (values, complete))
        )
        apart.append([after[term].estimated - before[term].estimated for term in names])
    assert np.abs(np.mean(apart, axis=0)).max() < 0.03
