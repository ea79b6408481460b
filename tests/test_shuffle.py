import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.shuffle import Permutation, derive, digest, shuffled, unit

texts = st.lists(st.text(), max_size=4)


@given(texts, texts)
def test_digest_is_the_same_for_the_same_parts_only(one, other):
    assert (digest(*one) == digest(*other)) == (one == other)


@given(st.text(min_size=1), st.text(min_size=1))
def test_digest_delimits_its_parts(one, other):
    assert len({digest(one, other), digest(one + other), digest(one + other, ""), digest("", one + other)}) == 4


def test_digest_and_derived_numbers_never_change():
    assert digest("persona", 1).hex() == "829bc7c891b46bdafb8d6b3478bc396c"
    assert derive("persona", 1) == int.from_bytes(digest("persona", 1)[:8], "big") >> 1


@given(st.lists(st.integers(), min_size=1, max_size=4))
def test_derived_numbers_are_in_range(parts):
    assert 0 <= derive(*parts) < 2**63
    assert 0 <= unit(*parts) < 1


def test_unit_stays_below_one_at_the_very_top(monkeypatch):
    monkeypatch.setattr("culturesim.shuffle.digest", lambda *parts: b"\xff" * 16)
    assert unit("anything") < 1


def test_unit_is_spread_evenly():
    values = [unit("even", place) for place in range(4000)]
    assert sum(values) / len(values) == pytest.approx(0.5, abs=0.02)
    assert sum(value < 0.1 for value in values) / len(values) == pytest.approx(0.1, abs=0.02)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 5000), st.integers())
def test_a_permutation_is_a_bijection(size, key):
    assert sorted(Permutation(size, key)) == list(range(size))


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 15, 16, 17, 255, 256, 257])
def test_a_permutation_is_a_bijection_at_the_edges_of_its_blocks(size):
    permutation = Permutation(size, "edge")
    assert len(permutation) == size
    assert sorted(permutation) == list(range(size))


def test_a_permutation_of_a_huge_range_needs_no_list():
    permutation = Permutation(10**15, "huge")
    drawn = [permutation[place] for place in range(2000)]
    assert len(set(drawn)) == 2000
    assert all(0 <= value < 10**15 for value in drawn)


@pytest.mark.parametrize("place", [-1, 7, 8])
def test_a_permutation_has_no_place_outside_its_size(place):
    with pytest.raises(IndexError):
        Permutation(7)[place]


def test_keys_make_different_permutations():
    assert len({tuple(Permutation(20, seed)) for seed in range(50)}) == 50


def test_a_permutation_puts_every_value_in_every_place():
    seen = {(place, Permutation(6, seed)[place]) for seed in range(300) for place in range(6)}
    assert len(seen) == 36


@given(st.integers(0, 60), st.integers())
def test_shuffled_is_a_permutation_that_depends_on_its_key_alone(count, key):
    assert sorted(shuffled(count, key)) == list(range(count))
    assert shuffled(count, key) == shuffled(count, key)


def test_shuffled_has_every_order_about_as_often():
    orders = [shuffled(3, seed) for seed in range(1200)]
    assert {round(orders.count(order) / 200) for order in set(orders)} == {1}
    assert len(set(orders)) == 6
