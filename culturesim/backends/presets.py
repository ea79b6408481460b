"""Servers that speak OpenAI's chat completions: where they are, what key they want, and what is peculiar to them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from culturesim.errors import BackendError
from culturesim.records import Settings

ROOM_FOR_THOUGHT = 4096
"""Tokens a reasoning model may think before it answers, where the study does not say."""

_REASONING = re.compile(
    r"(^|/)(o[134](-|$)|gpt-5|gpt-oss|gemini-(2\.5|[3-9]|pro-latest|flash-latest)|grok-([4-9]|3-mini|code)"
    r"|deepseek-(r1|reasoner)|qwen3|qwq|magistral|glm-(4\.[5-9]|[5-9]|z1)|minimax-m\d|seed-oss|smollm3)"
    r"|thinking|reason(er|ing)",
    re.IGNORECASE,
)
"""Names of models that think before they answer unless told not to."""

_ANSWERS_AT_ONCE = re.compile(
    r"instruct|non-?reasoning|no-?think|gpt-5[^/]*-chat|gemini-2\.5-flash-lite|qwen3-(coder|max(?!-thinking))",
    re.IGNORECASE,
)
"""Names of their siblings that do not."""

NO_SAMPLING = re.compile(r"(^|/)(o[134](-|$)|gpt-5(?![^/]*-chat))")
"""Names of models that sample at temperature 1 and take neither temperature nor top_p."""

_NO_THOUGHT = {"none", "minimal"}


@dataclass(frozen=True, slots=True)
class Preset:
    """One provider. ``keys`` and ``urls`` are environment variables, the first that is set counts.

    ``bound`` is its word for the bound on tokens, ``seed`` its word for the seed ("" if it takes none), ``n_top`` the
    most likely tokens it reports at most (0: it reports none).
    """

    url: str
    keys: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    needs_key: bool = True
    bound: str = "max_tokens"
    seed: str = "seed"
    n_top: int = 20
    batches: bool = False


PRESETS = {
    "openai": Preset("https://api.openai.com/v1", ("OPENAI_API_KEY",), ("OPENAI_BASE_URL",),
                     bound="max_completion_tokens", batches=True),
    "azure": Preset("", ("AZURE_OPENAI_API_KEY",), ("AZURE_OPENAI_ENDPOINT",), bound="max_completion_tokens"),
    "vllm": Preset("http://localhost:8000/v1", ("VLLM_API_KEY",), ("VLLM_BASE_URL",), needs_key=False),
    "ollama": Preset("http://localhost:11434/v1", (), ("OLLAMA_HOST",), needs_key=False),
    "llamacpp": Preset("", ("LLAMA_API_KEY",), (), needs_key=False),
    "lmstudio": Preset("http://localhost:1234/v1", (), ("LMSTUDIO_BASE_URL",), needs_key=False),
    "openrouter": Preset("https://openrouter.ai/api/v1", ("OPENROUTER_API_KEY",)),
    "together": Preset("https://api.together.xyz/v1", ("TOGETHER_API_KEY",)),
    "deepseek": Preset("https://api.deepseek.com/v1", ("DEEPSEEK_API_KEY",), seed=""),
    "gemini": Preset("https://generativelanguage.googleapis.com/v1beta/openai", ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
                     seed=""),
    "mistral": Preset("https://api.mistral.ai/v1", ("MISTRAL_API_KEY",), seed="random_seed"),
    "groq": Preset("https://api.groq.com/openai/v1", ("GROQ_API_KEY",)),
    "fireworks": Preset("https://api.fireworks.ai/inference/v1", ("FIREWORKS_API_KEY",), n_top=5),
    "xai": Preset("https://api.x.ai/v1", ("XAI_API_KEY",), n_top=8),
}  # fmt: skip
"""Addresses and variables as the providers' documentation gives them in 2026."""

OTHER = Preset("", ("OPENAI_API_KEY",), needs_key=False)
"""Any server of a name we do not know, given by its URL."""


def thinking_room(model: str, settings: Settings) -> int:
    """Tokens a model may think beyond ``max_tokens``: the study's bound, or ours where it likely thinks."""
    if settings.thinking:
        return settings.thinking
    known = _REASONING.search(model) is not None and not _ANSWERS_AT_ONCE.search(model)
    thinks = bool(settings.effort) or known
    return ROOM_FOR_THOUGHT if thinks and settings.effort not in _NO_THOUGHT else 0


def default_server(model: str) -> str:
    """The server that a provider's environment variable names, "" where none is set: it belongs into the study."""
    provider = model.partition("/")[0]
    variables = ("ANTHROPIC_BASE_URL",) if provider == "anthropic" else PRESETS.get(provider, OTHER).urls
    url = next((value for name in variables if (value := os.environ.get(name, "").strip())), "")
    return _ollama(url) if provider == "ollama" and url else url


def _ollama(host: str) -> str:
    """``OLLAMA_HOST`` is what its server listens on: often without a scheme, and without the path of this protocol."""
    url = host if "://" in host else f"http://{host}"
    parts = urlsplit(url.replace("0.0.0.0", "127.0.0.1"))
    place = parts.netloc if parts.port else f"{parts.netloc}:11434"
    return f"{parts.scheme}://{place}{parts.path.rstrip('/') or '/v1'}"


def key_from_environment(preset: Preset) -> str:
    """The provider's key, "" where there is none."""
    for name in preset.keys:
        if key := os.environ.get(name, "").strip():
            if not key.isascii():
                raise BackendError(f"{name} holds characters that no key has; export it again")
            return key
    return ""


def checked_url(url: str) -> str:
    """A base URL without anything secret in it, since studies are stored; ``BackendError`` for any other."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BackendError("--base-url must begin with http:// or https:// and name a server")
    if parts.username or parts.password or parts.query:
        raise BackendError(
            f"--base-url for {parts.hostname} holds a name, a password or a query, and would be stored with the study; "
            "keys belong into environment variables"
        )
    return url
