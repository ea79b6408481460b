from __future__ import annotations

from collections.abc import Callable

import pytest

from culturesim.plan import make_plan
from culturesim.prepare import Prepared
from culturesim.pricing import price
from culturesim.study import Draw

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


def test_prices_are_known_free_or_unknown() -> None:
    assert price("llamacpp/smollm2", 1000, 10) == price("sim/uniform", 1, 1) == 0
    assert price("openai/no-such-model", 1000, 10) is None
    assert price("openai/gpt-4.1", 1_000_000, 0) == pytest.approx(1_000_000 * (price("openai/gpt-4.1", 1, 0) or 0))


def test_an_unknown_price_stays_unknown(prepared: Make) -> None:
    assert make_plan(prepared(model="my-own/model")).cost is None


def test_a_known_price_is_a_range(prepared: Make) -> None:
    low, high = make_plan(prepared(model="openai/gpt-4.1-mini")).cost or (0, 0)
    assert 0 < low < high
