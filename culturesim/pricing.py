"""What calls cost. The price list is the snapshot inside genai-prices; nothing is fetched."""

from __future__ import annotations

from functools import lru_cache

FREE_PROVIDERS = frozenset({"llamacpp", "hf", "sim", "ollama", "vllm"})
"""Providers whose calls cost nothing but the machine they run on."""


def price(model: str, tokens_in: int, tokens_out: int) -> float | None:
    """US dollars for these tokens, 0 for local and simulated models, None where the price is not known.

    Cached-input discounts are not applied: what this gives is what the calls cost at most.
    """
    provider, _, name = model.partition("/")
    if provider in FREE_PROVIDERS:
        return 0.0
    if not _known(provider, name):
        return None
    from genai_prices import Usage, calc_price

    usage = Usage(input_tokens=tokens_in, output_tokens=tokens_out)
    return float(calc_price(usage, model_ref=name, provider_id=provider).total_price)


@lru_cache(maxsize=256)
def _known(provider: str, name: str) -> bool:
    from genai_prices import Usage, calc_price

    try:
        calc_price(Usage(input_tokens=1, output_tokens=1), model_ref=name, provider_id=provider)
    except LookupError:
        return False
    return True
