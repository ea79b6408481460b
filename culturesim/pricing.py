"""What calls cost: by the price list inside genai-prices, and by a file of your own over it. Nothing is fetched.

A file of prices is TOML, a table per model, in US dollars per million tokens::

    ["openai/my-model"]
    input = 0.40
    output = 1.60
    cached_input = 0.10     # where prompts read from a cache are cheaper
    batch = 0.5             # what a batch costs of it

    ["together/*"]          # a star stands for anything
    input = 0.2
    output = 0.2
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, RootModel

from culturesim.definition import Strict, read_model

FREE_PROVIDERS = frozenset({"llamacpp", "hf", "sim", "ollama", "vllm"})
"""Providers whose calls cost nothing but the machine they run on."""

BATCH_SHARE = {"openai": 0.5, "azure": 0.5, "anthropic": 0.5}
"""What a call by batch costs of the usual price (OpenAI, Azure and Anthropic, price pages of 2026)."""

OVERHEAD_TOKENS = 64
"""Tokens that chat templates add to the words of a prompt, at most."""

_MILLION = 1_000_000
_THEIR_NAMES = {"gemini": "google", "xai": "x-ai"}
"""Our providers under other names in genai-prices."""

Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Rate(Strict):
    """US dollars per million tokens; ``batch`` is the share of it that a batch costs."""

    input: Dollars
    output: Dollars
    cached_input: Dollars | None = None
    batch: Dollars | None = None

    def cost(self, tokens_in: int, tokens_out: int, cached: int) -> float:
        """US dollars for these tokens."""
        cheaper = self.input if self.cached_input is None else self.cached_input
        return ((tokens_in - cached) * self.input + cached * cheaper + tokens_out * self.output) / _MILLION


class _PriceFile(RootModel[dict[str, Rate]]):
    """A file of one's own prices."""


@dataclass(frozen=True)
class Prices:
    """A price list: ``own`` rates by MODEL (globs allowed) over those of genai-prices."""

    own: Mapping[str, Rate] = field(default_factory=dict)
    file: str = ""

    @classmethod
    def read(cls, path: Path | None = None) -> Prices:
        """The list with the prices of a file over it; ``DefinitionError`` names every fault in the file."""
        return cls() if path is None else cls(read_model(_PriceFile, path).root, str(path))

    def price(
        self, model: str, tokens_in: int | None, tokens_out: int | None, *, cached: int = 0, batch: bool = False
    ) -> float | None:
        """US dollars for these tokens, ``cached`` of those in read from a cache; None where the price is not known.

        Tokens that nobody told (None) have no known price either, but where any number of them is free.
        """
        if tokens_in is None or tokens_out is None:
            return 0.0 if self.price(model, _MILLION, _MILLION) == 0 else None
        cached = min(cached, tokens_in)
        own = self._own(model)
        provider = model.partition("/")[0]
        share = BATCH_SHARE.get(provider, 1.0) if batch else 1.0
        if own is not None:
            share = own.batch if batch and own.batch is not None else share
            return share * own.cost(tokens_in, tokens_out, cached)
        if provider in FREE_PROVIDERS:
            return 0.0
        listed = _listed(model, tokens_in, tokens_out, cached)
        return None if listed is None else share * listed

    def known(self, model: str) -> bool:
        """Whether there is a price for the model."""
        return self.price(model, 1, 1) is not None

    def source(self, model: str) -> str:
        """Where the price of a model comes from, for people to read."""
        if self._own(model) is not None:
            return self.file
        if model.partition("/")[0] in FREE_PROVIDERS:
            return "it runs on a machine of yours"
        return snapshot() if self.known(model) else "no price list knows it: give one with --prices"

    def _own(self, model: str) -> Rate | None:
        if not self.own:
            return None
        return self.own.get(model) or next((rate for name, rate in self.own.items() if fnmatchcase(model, name)), None)


def call_bound(model: str, prompt_bytes: int, most_out: int, prices: Prices, *, batch: bool = False) -> float | None:
    """US dollars that one call costs at most, None where the price is not known.

    No tokenizer makes more tokens of a text than it has bytes.
    """
    return prices.price(model, prompt_bytes + OVERHEAD_TOKENS, most_out, batch=batch)


@lru_cache(maxsize=1)
def snapshot() -> str:
    """The price list in use: the version of genai-prices, which alone names its snapshot, for that bears no date.

    The latest change in effect says that it is no older than that, unless the change was announced before.
    """
    from importlib.metadata import version

    from genai_prices.data_snapshot import get_snapshot

    models = (model for provider in get_snapshot().providers for model in provider.models)
    dated = (each for model in models if isinstance(model.prices, list) for each in model.prices)
    days = [start for each in dated if isinstance(start := getattr(each.constraint, "start_date", None), date)]
    newest = max((day for day in days if day <= datetime.now(UTC).date()), default=None)
    told = f"the latest change in effect is of {newest}" if newest else "no change in it is dated"
    return f"the snapshot in genai-prices {version('genai-prices')}, which bears no date; {told}"


def _listed(model: str, tokens_in: int, tokens_out: int, cached: int) -> float | None:
    if not _is_listed(model):
        return None
    rate = _linear(model)
    if rate is not None:
        return rate.cost(tokens_in, tokens_out, cached)
    return _calculated(model, tokens_in, tokens_out, cached)


@lru_cache(maxsize=256)
def _is_listed(model: str) -> bool:
    return _calculated(model, 1, 1, 0) is not None


@lru_cache(maxsize=256)
def _linear(model: str) -> Rate | None:
    """The rate of a model whose price per token is the same for any number of them, which most have."""
    into, out, cached = (
        _calculated(model, *tokens) for tokens in ((_MILLION, 0, 0), (0, _MILLION, 0), (_MILLION, 0, _MILLION))
    )
    rate = Rate(input=into or 0.0, output=out or 0.0, cached_input=cached)
    for tokens in ((100, 1, 0), (3_000, 200, 1_000), (900_000, 50_000, 0)):
        exact = _calculated(model, *tokens)
        if exact is None or abs(exact - rate.cost(*tokens)) > 1e-9 + 1e-6 * exact:
            return None
    return rate


def _calculated(model: str, tokens_in: int, tokens_out: int, cached: int) -> float | None:
    from genai_prices import Usage, calc_price

    provider, _, name = model.partition("/")
    usage = Usage(input_tokens=tokens_in, output_tokens=tokens_out, cache_read_tokens=cached)
    try:
        return float(calc_price(usage, model_ref=name, provider_id=_THEIR_NAMES.get(provider, provider)).total_price)
    except (LookupError, ValueError):
        return None
