from __future__ import annotations

from pathlib import Path

import pytest
from genai_prices import Usage, calc_price
from hypothesis import given
from hypothesis import strategies as st

from culturesim.errors import DefinitionError
from culturesim.pricing import Prices, call_bound

OWN = """
["openai/mine"]
input = 1.0
output = 4.0
cached_input = 0.25
batch = 0.4
["together/*"]
input = 0.5
output = 0.5
"""


@pytest.fixture
def own(tmp_path: Path) -> Prices:
    (tmp_path / "prices.toml").write_text(OWN)
    return Prices.read(tmp_path / "prices.toml")


def test_prices_are_known_free_or_unknown() -> None:
    prices = Prices()
    assert prices.price("llamacpp/smollm2", 1000, 10) == prices.price("sim/uniform", 1, 1) == 0
    assert prices.price("openai/no-such-model", 1000, 10) is None
    assert (prices.known("openai/gpt-4.1"), prices.known("no/such")) == (True, False)


def test_tokens_that_nobody_told_are_free_only_where_all_are(own: Prices) -> None:
    for model in ("llamacpp/smollm2", "sim/uniform", "vllm/any", "hf/any"):
        assert Prices().price(model, None, None) == 0
    for model in ("openai/gpt-4.1", "openai/no-such-model"):
        assert Prices().price(model, None, 3) is Prices().price(model, 3, None) is None
    assert own.price("openai/mine", None, None) is None


@given(into=st.integers(0, 2_000_000), share=st.floats(0, 1), out=st.integers(0, 100_000))
@pytest.mark.parametrize("model", ["openai/gpt-4.1-mini", "anthropic/claude-sonnet-4-5", "google/gemini-2.5-pro"])
def test_prices_are_those_of_the_list_tiers_included(model: str, into: int, share: float, out: int) -> None:
    cached = int(into * share)
    provider, _, name = model.partition("/")
    usage = Usage(input_tokens=into, output_tokens=out, cache_read_tokens=cached)
    listed = float(calc_price(usage, model_ref=name, provider_id=provider).total_price)
    ours = Prices().price(model.replace("google", "gemini"), into, out, cached=cached)
    assert ours == pytest.approx(listed, rel=1e-6, abs=1e-9)


def test_own_prices_go_before_the_list(own: Prices) -> None:
    assert own.price("openai/mine", 2_000_000, 1_000_000) == 6
    assert own.price("openai/mine", 2_000_000, 0, cached=1_000_000) == 1.25
    assert own.price("together/any/name", 1_000_000, 1_000_000) == 1
    assert own.price("openai/gpt-4.1", 1000, 0) == Prices().price("openai/gpt-4.1", 1000, 0)
    assert own.source("openai/mine").endswith("prices.toml")


def test_batches_cost_their_share(own: Prices) -> None:
    assert own.price("openai/mine", 1_000_000, 0, batch=True) == 0.4
    for model in ("openai/gpt-4.1", "anthropic/claude-sonnet-4-5"):
        usual = Prices().price(model, 1000, 10)
        assert usual
        assert Prices().price(model, 1000, 10, batch=True) == pytest.approx(usual / 2)


@pytest.mark.parametrize(
    ("content", "told"),
    [('["a/b"]\ninput = 1', "output: is missing"), ('["a/b"]\ninput = -1\noutput = 1', "input"),
     ('["a/b"]\ninput = 1\noutput = 1\ncahced_input = 1', "cahced_input: is no known key"), ("a = 1", "a")],
)  # fmt: skip
def test_a_faulty_file_is_told_with_key(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(content)
    with pytest.raises(DefinitionError, match=told):
        Prices.read(path)


def test_a_call_costs_at_most_a_token_per_byte() -> None:
    bound = call_bound("openai/gpt-4.1-mini", 1000, 32, Prices())
    assert bound
    assert bound >= (Prices().price("openai/gpt-4.1-mini", 1000, 32) or 0)
    assert call_bound("no/such", 1000, 32, Prices()) is None
