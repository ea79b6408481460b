import asyncio
import math
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from culturesim.backends import load
from culturesim.backends.base import Briefing, Figures
from culturesim.backends.sim_draws import discretised_normal, draw_in_order, draw_systematic, scaled_to
from culturesim.errors import BackendError, UnknownNameError
from culturesim.records import Option, Prompt, Settings, Speech, Trial

QUALITIES = dict.fromkeys(range(1, 12), 0.3) | {1: 0.9, 2: 0.05}
SWEDEN = Figures(
    targets={("iw10", "god"): (3.2, 2.9), ("iw10", "trust"): (1.0, 0.0)},
    propensities={("iw10", "aims"): {1: 0.4, 2: 0.3, 3: 0.2, 4: 0.1}, ("iw10", "qualities"): QUALITIES},
)
SWEDISH = Briefing({"SE": SWEDEN})


def prompt(seed=1, item="god", codes=range(1, 11), elicitation="choice", label="label", **picks):
    trial = Trial(f"{seed:032x}", "iw10", "1", item, "en", "none", "plain", 0, "printed", 0, elicitation, seed)
    options = tuple(Option(code, str(code), label, (str(code),)) for code in codes)
    return Prompt(trial, "", "How important?", options, **picks)


def ask(model, *prompts, briefing=SWEDISH):
    backend = load(model, briefing=briefing)
    completions = asyncio.run(backend.complete(prompts, Settings()))
    asyncio.run(backend.close())
    return completions


def picked(completion):
    return [int(key) for key in completion.text.split(", ")]


def test_it_is_labelled_as_simulated():
    backend = load("sim/country:se", briefing=SWEDISH)
    assert backend.capabilities.simulated
    assert backend.name == "sim/country:SE"
    assert ask("sim/uniform", prompt())[0].model == "sim/uniform"


@pytest.mark.parametrize("model", ["sim/uniform", "sim/first-option", "sim/country:SE"])
def test_a_trial_has_one_answer_for_ever(model):
    trials = [prompt(seed) for seed in range(50)]
    assert [c.text for c in ask(model, *trials)] == [c.text for c in ask(model, *reversed(trials))][::-1]


def test_uniform_probabilities():
    (completion,) = ask("sim/uniform", prompt(codes=(1, 2, 3, 4), elicitation="probabilities"))
    assert completion.option_logprobs == pytest.approx([math.log(0.25)] * 4)
    assert completion.text is None


def test_first_option_goes_by_place_not_by_meaning():
    (completion,) = ask("sim/first-option", prompt(codes=(3, 2, 1), elicitation="probabilities"))
    assert completion.option_logprobs == (0.0, -math.inf, -math.inf)
    assert ask("sim/first-option", prompt(codes=(3, 2, 1)))[0].text.startswith("3")


def test_uniform_choices_are_uniform():
    counts = Counter(c.text[0] for c in ask("sim/uniform", *(prompt(seed, codes=(1, 2, 3)) for seed in range(3000))))
    assert all(abs(counts[key] - 1000) < 4 * math.sqrt(3000 * 2 / 9) for key in "123")


def test_texts_vary_as_people_do():
    spoken = Briefing(speech={"en": Speech(("{key}.", "{key} – {label}"))})
    asked = [prompt(seed, codes=(3, 2)) for seed in range(200)]
    assert {c.text for c in ask("sim/first-option", *asked, briefing=spoken)} == {"3", "3.", "3 – label"}


def test_without_phrases_it_says_bare_keys():
    assert {c.text for c in ask("sim/first-option", *(prompt(seed, codes=(3, 2)) for seed in range(50)))} == {"3"}


def test_country_has_the_published_mean():
    (completion,) = ask("sim/country:SE", prompt(elicitation="probabilities", codes=range(10, 0, -1)))
    probabilities = [math.exp(logprob) for logprob in completion.option_logprobs]
    assert sum(probabilities) == pytest.approx(1)
    assert sum(p * code for p, code in zip(probabilities, range(10, 0, -1), strict=True)) == pytest.approx(3.2)


def test_country_choices_recover_the_published_mean():
    texts = [c.text for c in ask("sim/country:SE", *(prompt(seed) for seed in range(4000)))]
    mean = sum(int(text.split()[0].rstrip(".")) for text in texts) / len(texts)
    assert mean == pytest.approx(3.2, abs=4 * 2.9 / math.sqrt(4000))


def test_a_mean_at_the_end_of_the_scale_is_its_code():
    assert ask("sim/country:SE", prompt(item="trust", codes=(1, 2)))[0].text.startswith("1")


def test_an_item_without_figures_is_missing():
    (completion,) = ask("sim/country:SE", prompt(item="m01"))
    assert completion.error.kind == "missing"
    assert completion.error.message == "no published figures of SE for iw10 m01; survey iw10"
    assert completion.text is None


@pytest.mark.parametrize("model", ["sim/uniform", "sim/first-option", "sim/country:SE"])
@pytest.mark.parametrize(("low", "high", "ordered", "item"), [(2, 2, True, "aims"), (0, 5, False, "qualities")])
def test_picks_are_valid(model, low, high, ordered, item):
    codes = range(1, 5 if ordered else 12)
    asked = [prompt(s, item, codes, min_picks=low, max_picks=high, ordered=ordered) for s in range(100)]
    for completion in ask(model, *asked):
        codes_picked = picked(completion)
        assert max(low, 1) <= len(set(codes_picked)) == len(codes_picked) <= high
        assert set(codes_picked) <= set(codes)


def test_country_picks_include_each_option_at_its_propensity():
    asked = [prompt(seed, "qualities", range(1, 12), min_picks=0, max_picks=5) for seed in range(4000)]
    counts = Counter(code for completion in ask("sim/country:SE", *asked) for code in picked(completion))
    for code, propensity in QUALITIES.items():
        tolerance = 4 * math.sqrt(propensity * (1 - propensity) / 4000)
        assert counts[code] / 4000 == pytest.approx(propensity, abs=tolerance)


def test_a_single_choice_by_propensities():
    (completion,) = ask("sim/country:SE", prompt(item="aims", codes=(4, 3, 2, 1), elicitation="probabilities"))
    assert [math.exp(logprob) for logprob in completion.option_logprobs] == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_unknown_respondents_and_countries():
    with pytest.raises(UnknownNameError, match="did you mean 'uniform'"):
        load("sim/unifrom")
    with pytest.raises(UnknownNameError, match="unknown country 'XX'"):
        load("sim/country:XX", briefing=SWEDISH)
    with pytest.raises(BackendError, match="--base-url"):
        load("sim/uniform", base_url="http://127.0.0.1:1/v1")


@given(st.integers(2, 11), st.floats(0, 1), st.floats(0, 20))
def test_any_mean_within_the_scale_is_met(n_codes, place, sd):
    codes = tuple(range(n_codes))
    distribution = discretised_normal(codes, place * (n_codes - 1), sd)
    assert sum(distribution) == pytest.approx(1)
    assert sum(code * p for code, p in zip(codes, distribution, strict=True)) == pytest.approx(
        place * (n_codes - 1), abs=1e-6
    )


def test_a_wide_scale_keeps_the_published_sd():
    distribution = discretised_normal(tuple(range(1, 101)), 40.0, 5.0)
    assert sum(p * (code - 40) ** 2 for code, p in enumerate(distribution, 1)) == pytest.approx(25)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12), st.integers(1, 3), st.integers(0, 3), st.integers(0, 99))
def test_systematic_draws_keep_the_limits(propensities, low, more, seed):
    if sum(p > 0 for p in propensities) < low:
        return
    scaled = scaled_to(propensities, low, low + more)
    places = draw_systematic(scaled, Random(seed))
    assert all(0 <= value <= 1 for value in scaled)
    assert low <= len(set(places)) == len(places) <= low + more
    assert all(scaled[place] > 0 for place in places)


def test_draws_in_order_are_plackett_luce():
    random = Random(1)
    counts = Counter(tuple(draw_in_order((0.5, 0.3, 0.2), 2, random)) for _ in range(5000))
    assert counts[1, 0] / 5000 == pytest.approx(0.3 * 0.5 / 0.7, abs=0.025)
