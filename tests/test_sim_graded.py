"""The truth of ``sim/graded``: its likelihood, its parameters, and what it says through the whole way."""

from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import pairwise, product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.backends.sim_draws import normal, uniform
from culturesim.backends.sim_graded import Asked, Graded, sample
from culturesim.backends.sim_truth import NUMBERS, Truth
from culturesim.records import ItemRow
from tests.conftest import ROOT

ROW = ItemRow("q", "1", "i1", "i1", "scale", "agree", "ordinal", (1, 2, 3, 4, 5), ("care",), False, "family")
REVERSED = replace(ROW, item="i2", reverse=True)
TWO = replace(ROW, item="i3", dimensions=("care", "loyalty"), topic="work")
NOMINAL = replace(ROW, item="n1", scale_kind="nominal", codes=(1, 2, 3), dimensions=())
PICK = replace(ROW, item="p1", kind="pick", scale_kind="nominal", codes=(1, 2, 3, 4), dimensions=())
ROWS = (ROW, REVERSED, TWO, NOMINAL, PICK)
ANN = {"sex": "female", "age": 30}
PEOPLE = [(f"p{n}", {"sex": ("female", "male")[n % 2], "age": 20 + n}) for n in range(40)]
EVERYTHING = Truth(
    persona=0.5, idiosyncrasy=0.4, language=0.3, dif=0.3, dif_items=0.5, wording=0.2, frame=0.2, position=0.1,
    acquiescence=0.3, acquiescence_sd=0.2, extremity=0.4, extremity_sd=0.3, midpoint=-0.5, loading_sd=0.2,
)  # fmt: skip


def graded(**truth):
    return Graded(Truth(**truth), ROWS)


def asked(item="i1", **others):
    return Asked("q", item, **others)


# The likelihood


def test_the_likelihood_is_samejimas():
    one = graded(means={"care": 0.7}, difficulties={"i1": 0.2}, loading=1.5, temperature=0.8)
    eta = 1.5 * 0.7 - 0.2
    above = [1, *(1 / (1 + math.exp(-(eta - tau) / 0.8)) for tau in (-1.8, -0.6, 0.6, 1.8)), 0]
    expected = [high - low for high, low in pairwise(above)]
    assert one.distribution(asked()) == pytest.approx(expected)
    assert one.location(asked()) == pytest.approx(eta)


def test_theta_is_the_sum_that_the_docs_say():
    one = graded(means={"care": 0.5}, effects={"sex": {"female": {"care": 0.3}}, "age": {"30": {"care": -0.1}}},
                 language_shifts={"de": {"care": 0.2}}, idiosyncrasy=2.0)  # fmt: skip
    own = 2.0 * normal(0, "idiosyncrasy", "ann", "care")
    assert one.theta("care", "de", "ann", ANN) == pytest.approx(0.5 + 0.3 - 0.1 + 0.2 + own)
    assert one.theta("care", "de") == pytest.approx(0.7)
    assert one.theta("care") == pytest.approx(0.5)


def test_reverse_keying_turns_the_distribution_round_and_acquiescence_does_not():
    same = {"difficulty": 0.0, "means": {"care": 0.9}}
    plain = graded(**same)
    assert plain.distribution(asked("i2")) == pytest.approx(plain.distribution(asked("i1"))[::-1])
    agreeing = graded(**same, acquiescence=0.5)
    for item in ("i1", "i2"):
        assert agreeing.location(asked(item)) == pytest.approx(plain.location(asked(item)) + 0.5)


def test_an_item_of_two_dimensions_asks_for_their_mean():
    one = graded(means={"care": 1.0, "loyalty": 0.0}, difficulty=0.0)
    assert one.location(asked("i3")) == pytest.approx(0.5)


def test_styles_are_odds():
    plain = graded().distribution(asked())
    styled = graded(extremity=0.7, midpoint=-0.4).distribution(asked())
    ratios = [after / before for after, before in zip(styled, plain, strict=True)]
    assert ratios[0] / ratios[1] == pytest.approx(math.exp(0.7))
    assert ratios[4] / ratios[3] == pytest.approx(math.exp(0.7))
    assert ratios[2] / ratios[1] == pytest.approx(math.exp(-0.4))


@pytest.mark.parametrize(("position", "place"), [(0.3, 0), (-0.3, -1)])
def test_position_is_a_share_that_goes_to_a_place_whatever_its_code(position, place):
    for order in ((1, 2, 3, 4, 5), (5, 4, 3, 2, 1), (3, 1, 5, 2, 4)):
        plain = graded().distribution(asked(), order=order)
        placed = graded(position=position).distribution(asked(), order=order)
        expected = [0.7 * p for p in plain]
        expected[place] += 0.3
        assert placed == pytest.approx(expected)


def test_only_the_place_of_codes_follows_the_order():
    one = Graded(replace(EVERYTHING, position=0.0), ROWS)
    for item in ("i1", "n1"):
        codes = one._rows["q", item].codes
        turned = one.distribution(asked(item), order=codes[::-1])
        assert turned == pytest.approx(one.distribution(asked(item))[::-1])


def test_at_temperature_0_one_code_is_certain():
    cold = graded(temperature=0.0, means={"care": 1.0}, difficulty=0.0)
    assert cold.distribution(asked()) == (0.0, 0.0, 0.0, 1.0, 0.0)
    assert sorted(graded(temperature=0.0).distribution(asked("n1"))) == [0.0, 0.0, 1.0]


def test_nominal_options_are_drawn_by_their_utilities():
    one = graded(means={"q.n1.2": 1.0}, spread=0.0, difficulty=0.0)
    assert one.distribution(asked("n1")) == pytest.approx([1 / (2 + math.e), math.e / (2 + math.e), 1 / (2 + math.e)])


def test_picks_are_plackett_luce():
    one, random = graded(), Random(3)
    first = Counter(one.pick(asked("p1"), {}, (1, 2, 3, 4), (2, 2), random)[0] for _ in range(4000))
    expected = one.distribution(asked("p1"))
    assert [first[place] / 4000 for place in range(4)] == pytest.approx(expected, abs=0.03)
    counts = Counter(len(set(one.pick(asked("p1"), {}, (1, 2, 3, 4), (0, 3), random))) for _ in range(400))
    assert set(counts) == {0, 1, 2, 3}
    assert graded(position=1.0).pick(asked("p1"), {}, (4, 3, 2, 1), (2, 2), random) == [0, 1]


numbers = st.floats(-3, 3)
sds = st.floats(0, 3)


@settings(max_examples=60, deadline=None)
@given(st.builds(
    Truth, mean=numbers, spread=sds, temperature=sds, persona=sds, dif=sds, position=st.floats(-1, 1),
    acquiescence=numbers, extremity=numbers, extremity_sd=st.floats(0, 3), midpoint=numbers, seed=st.integers(0, 99),
), st.sampled_from(ROWS), st.sampled_from(["none", "ann"]))  # fmt: skip
def test_probabilities_are_probabilities(truth, row, persona):
    found = Graded(truth, ROWS).distribution(Asked("q", row.item, persona=persona), ANN)
    assert sum(found) == pytest.approx(1)
    assert all(0 <= p <= 1 for p in found)


@pytest.mark.parametrize("item", ["i1", "i2", "i3", "n1"])
@pytest.mark.parametrize("temperature", [1.0, 0.0])
def test_many_personas_at_once_are_the_same_as_each(item, temperature):
    one = Graded(replace(EVERYTHING, temperature=temperature), ROWS)
    order = one._rows["q", item].codes[::-1]
    question = asked(item, language="de", frame="chat", wording=2)
    together = one.distributions(question, PEOPLE, order)
    each = [one.distribution(question._replace(persona=name), told, order) for name, told in PEOPLE]
    assert together == pytest.approx(np.array(each))


# What is drawn


def test_an_inert_respondent_is_the_same_for_all_and_a_malleable_one_is_not():
    inert, malleable = (graded(persona=sd).distributions(asked(), PEOPLE) for sd in (0.0, 1.0))
    assert np.ptp(inert, axis=0).max() == 0
    assert np.ptp(malleable, axis=0).max() > 0.2


def test_without_a_persona_attributes_do_nothing():
    one = Graded(EVERYTHING, ROWS)
    assert one.distribution(asked(), ANN) == Graded(EVERYTHING, ROWS).distribution(asked())


@pytest.mark.parametrize("name", ["language", "dif", "wording", "frame"])
def test_each_factor_moves_answers_by_itself_alone(name):
    still, moved = graded(), graded(**{name: 1.0})
    others = {"language": "de", "wording": 1, "frame": "chat"}
    factor = "language" if name == "dif" else name
    assert still.location(asked(**others)) == still.location(asked())
    assert moved.location(asked(**{factor: others[factor]})) != moved.location(asked())
    left = {key: value for key, value in others.items() if key != factor}
    assert moved.location(asked(**left)) == moved.location(asked())


def test_draws_have_the_spread_they_are_said_to_have():
    drawn = [normal(5, "effect", f"level {n}") for n in range(4000)]
    assert np.mean(drawn) == pytest.approx(0, abs=0.06)
    assert np.std(drawn) == pytest.approx(1, abs=0.05)
    assert {normal(5, "a"), normal(6, "a"), normal(5, "b")}.isdisjoint({0.0})
    assert np.mean([uniform(1, str(n)) for n in range(4000)]) == pytest.approx(0.5, abs=0.02)


def test_dif_holds_for_a_share_of_the_items():
    one = Graded(Truth(dif=1.0, dif_items=0.25))
    touched = [one._dif("q", f"i{n}", "de") != 0 for n in range(1000)]
    assert sum(touched) == pytest.approx(250, abs=60)
    assert [one._dif("q", f"i{n}", "en") != 0 for n in range(1000)] == touched


def test_the_truth_is_the_same_in_another_process_and_order():
    code = (
        "from tests.test_sim_graded import *\n"
        "one = Graded(EVERYTHING, ROWS[::-1])\n"
        "print([one.distribution(asked(i, persona='ann', language='ja'), ANN) for i in ('n1', 'i3', 'i1')])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    here = Graded(EVERYTHING, ROWS)
    assert eval(told)[::-1] == [
        here.distribution(asked(i, persona="ann", language="ja"), ANN) for i in ("i1", "i3", "n1")
    ]
    assert Graded(replace(EVERYTHING, seed=1), ROWS).distribution(asked()) != here.distribution(asked())


def test_draws_follow_the_distribution_and_the_planted_shares():
    one, random = graded(refusals={"family": 0.2}, unparsed=0.1), Random(2)
    drawn = [one.draw(asked(), {}, (), random) for _ in range(6000)]
    shares = {status: sum(d.status == status for d in drawn) / 6000 for status in ("refused", "unparsed", "valid")}
    assert shares == pytest.approx({"refused": 0.2, "unparsed": 0.1, "valid": 0.7}, abs=0.025)
    codes = Counter(d.code for d in drawn if d.status == "valid")
    expected = one.distribution(asked())
    assert [codes[c] / codes.total() for c in (1, 2, 3, 4, 5)] == pytest.approx(expected, abs=0.03)
    assert one.refusal(asked("i3")) == 0.0


def test_rows_are_sampled_by_their_distributions():
    table = np.array([[0.2, 0.8, 0.0], [0.0, 0.0, 1.0]]).repeat(3000, axis=0)
    places = sample(table, np.random.default_rng(1))
    assert (places[3000:] == 2).all()
    assert np.bincount(places[:3000], minlength=3) / 3000 == pytest.approx([0.2, 0.8, 0.0], abs=0.03)


def test_an_unknown_item_is_a_scale_of_the_codes_printed():
    found = Graded(Truth()).distribution(Asked("", ""), order=(3, 1, 2))
    assert sum(found) == pytest.approx(1)
    assert Graded(Truth()).distribution(Asked("", ""), order=(1, 2, 3)) == (found[1], found[2], found[0])


def test_every_number_that_is_not_named_does_nothing():
    """The respondent ``sim/graded`` alone has no effects and no biases."""
    plain = Truth()
    ordinary = {"spread", "loading", "difficulty", "temperature", "dif_items"}
    assert {name for name in NUMBERS if getattr(plain, name)} == ordinary
    for language, frame, wording in product(("en", "de"), ("form", "chat"), (0, 1)):
        question = asked(language=language, frame=frame, wording=wording, persona="ann")
        assert Graded(plain, ROWS).distribution(question, ANN) == Graded(plain, ROWS).distribution(asked())
