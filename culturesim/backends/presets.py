"""Servers that speak OpenAI's chat completions: where they are, what key they want, and what is peculiar to them."""

from __future__ import annotations

import re

from culturesim.records import Settings

ROOM_FOR_THOUGHT = 4096
_REASONING = re.compile(r"^(o[134]|gpt-5|deepseek-reasoner)")


def thinking_room(model: str, settings: Settings) -> int:
    """Tokens a model may think before it answers, beyond ``max_tokens``."""
    name = model.rpartition("/")[2]
    if settings.thinking:
        return settings.thinking
    if settings.effort in {"none", "minimal"}:
        return 0
    return ROOM_FOR_THOUGHT if settings.effort or _REASONING.match(name) else 0


def default_server(model: str) -> str:
    """The server that a provider's own environment variable names."""
    return ""
