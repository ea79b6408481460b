from __future__ import annotations

import math
from collections.abc import Callable
from importlib.metadata import version

import pytest

from culturesim.backends import load
from culturesim.plan import make_plan
from culturesim.prepare import Prepared
from culturesim.pricing import Prices
from culturesim.store import Store
from culturesim.study import Draw
from culturesim.survey import Asking
from culturesim.usage import Measured, measured
from tests.chat_server import chat_server

Make = Callable[..., Prepared]


def test_a_plan_counts_and_shows_two_prompts_per_language(prepared: Make) -> None:
    plan = make_plan(prepared(languages=("en", "es", "zh", "ar"), personas=Draw(pool="world", n=3)))
    assert plan.count == 6 * 4 * 4 * 2 == sum(plan.planned.values())
    assert {tag: len(prompts) for tag, prompts in plan.samples.items()} == {"en": 2, "es": 2, "zh": 2, "ar": 2}


def test_tokens_are_a_range_that_holds_what_tokenizers_make(prepared: Make) -> None:
    """About four bytes of English to a token is what byte-pair vocabularies of 50 to 200 thousand make."""
    plan = make_plan(prepared())
    low, high = plan.tokens_in
    text = "".join(p.system + p.user for p in plan.samples["en"])
    assert low < plan.count * len(text) / 2 / 4.2 < high


@pytest.mark.parametrize(("elicitation", "most"), [("choice", 32), ("probabilities", 1)])
def test_answers_take_one_token_to_as_many_as_allowed(prepared: Make, elicitation: str, most: int) -> None:
    plan = make_plan(prepared(elicitation=elicitation))
    assert plan.tokens_out == (plan.count, plan.count * most)


def test_frames_asked_by_choice_may_take_more_than_one_token(prepared: Make) -> None:
    plan = make_plan(prepared(elicitation="probabilities", frames=("json",)))
    assert plan.tokens_out == (plan.count, plan.count * 32)
    both = make_plan(prepared(elicitation="probabilities", frames=("form", "json")))
    assert both.count * 10 < both.tokens_out[1] < both.count * 24


def test_an_unknown_price_stays_unknown(prepared: Make) -> None:
    assert make_plan(prepared(model="my-own/model")).cost is None


def test_a_known_price_is_a_range(prepared: Make) -> None:
    low, high = make_plan(prepared(model="openai/gpt-4.1-mini")).cost or (0, 0)
    assert 0 < low < high


def test_languages_add_up(prepared: Make) -> None:
    plan = make_plan(prepared(model="openai/gpt-4.1-mini", languages=("en", "zh", "ar")))
    shares = plan.by_language.values()
    assert sum(share.trials for share in shares) == plan.count
    for place in (0, 1):
        assert sum(share.tokens_in[place] for share in shares) == plan.tokens_in[place]
        assert sum(share.cost[place] for share in shares if share.cost) == pytest.approx((plan.cost or (0, 0))[place])


@pytest.mark.parametrize("model", ["gemini/gemini-2.5-pro", "openai/gpt-5.4", "openai/gpt-4.1-mini"])
def test_many_short_calls_are_not_priced_as_one_long_call(prepared: Make, model: str) -> None:
    """Where prompts of over 200,000 tokens cost more per token: ours together are longer than that, none by itself."""
    plan = make_plan(prepared(model=model, battery="full", personas=Draw(pool="world", n=60), wordings="all"))
    assert plan.tokens_in[0] > 300_000
    for place in (0, 1):
        tokens = plan.tokens_in[place] / plan.count, plan.tokens_out[place] / plan.count
        low, high = (Prices().price(model, *map(round_, tokens)) or 0 for round_ in (math.floor, math.ceil))
        assert low <= (plan.cost or (0, 0))[place] / plan.count <= high


def test_a_batch_costs_half(prepared: Make) -> None:
    study = prepared(model="anthropic/claude-sonnet-4-5")
    usual, batch = make_plan(study).cost, make_plan(study, batch=True).cost
    assert usual
    assert batch == pytest.approx((usual[0] / 2, usual[1] / 2))


def test_thoughts_are_planned_for(prepared: Make) -> None:
    plan = make_plan(prepared(model="openai/o3", settings={"thinking": 1000}))
    assert plan.tokens_out[1] == plan.count * 1032


PILOT = [Measured("en", 40, 40_000, 8_000, 80, 1.0), Measured("zh", 5, 6_000, 3_000, 10, 1.0)]


def test_a_pilot_tells_tokens_more_closely_than_assumptions(prepared: Make) -> None:
    study = prepared()
    few = make_plan(study, measured=PILOT)
    assert (few.measured_calls, few.tokens_in) == (0, make_plan(study).tokens_in)
    enough = make_plan(study, measured=[*PILOT, Measured("es", 5, 5_000, 1_000, 10, 1.0)])
    assert enough.measured_calls == 50
    (low, high), (widest, narrowest) = enough.tokens_in, make_plan(study).tokens_in
    assert high - low < (narrowest - widest) / 5
    # English has calls enough of its own: a token to five bytes.
    assert low < 12 * sum(len((p.system + p.user).encode()) for p in enough.samples["en"]) / 2 / 5 < high * 1.02


def test_what_was_measured_comes_from_the_models_own_answers(prepared: Make, store: Store) -> None:
    study = prepared(model="openai/local", languages=("en", "zh"))
    with chat_server() as server:
        Asking(study, load("openai/local", base_url=server.url), store).run()
    found = {each.language: each for each in measured(store, study.study)}
    assert {tag: (each.calls, each.tokens_in, each.tokens_out) for tag, each in found.items()} == {
        "en": (12, 1200, 12), "zh": (12, 1200, 12),
    }  # fmt: skip
    sizes = [len((p.system + p.user).encode()) for p in map(study.renderer.render, study.design.trials())]
    assert sum(each.prompt_bytes for each in found.values()) == sum(sizes)
    for other in ({"model": "openai/other"}, {"elicitation": "probabilities"}):
        assert measured(store, study.study.model_copy(update=other)) == []


@pytest.mark.parametrize(("setting", "value", "alike"), [
    ("max_tokens", 500, False), ("effort", "high", False), ("thinking", 2000, False),
    ("seed", 5, True), ("temperature", 0.5, True),
])  # fmt: skip
def test_a_pilot_under_other_settings_tells_nothing_where_they_change_what_calls_take(
    prepared: Make, store: Store, setting: str, value: object, alike: bool
) -> None:
    with chat_server() as server:
        Asking(prepared(model="openai/local"), load("openai/local", base_url=server.url), store).run()
    other = prepared(model="openai/local", settings={setting: value}).study
    assert [each.calls for each in measured(store, other)] == ([12] if alike else [])


def test_where_prices_come_from_is_told(prepared: Make) -> None:
    assert make_plan(prepared()).price_source == "it runs on a machine of yours"
    listed = make_plan(prepared(model="openai/gpt-4.1-mini")).price_source
    assert f"genai-prices {version('genai-prices')}, which bears no date" in listed
    assert "--prices" in make_plan(prepared(model="my-own/model"), prices=Prices()).price_source
