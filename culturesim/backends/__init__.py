"""What gives completions: ``load("provider/name")`` finds the adapter and imports only that one's SDK."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, cast

from culturesim.backends.base import Backend, Briefing, Capabilities, Factory, Figures, Options
from culturesim.backends.presets import default_server, thinking_room
from culturesim.errors import BackendError, UnknownNameError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "ENTRY_POINTS", "Backend", "Briefing", "Capabilities", "Figures", "Options", "default_server", "known_models",
    "load", "proper_name", "providers", "thinking_room",
]  # fmt: skip

ENTRY_POINTS = "culturesim.backends"
"""The entry-point group of third parties' adapters: name = provider, value = a ``Factory``."""

_USAGE = "MODEL is provider/name, or any name with --base-url; see `culturesim list models`"


SHARED_ADAPTER = "openai_api"
"""The adapter of all who speak OpenAI's protocol."""


@dataclass(frozen=True, slots=True)
class _Provider:
    """An adapter of ours: the module that holds ``create``, and examples of its names with a line on each."""

    module: str
    examples: Mapping[str, str]


_PROVIDERS = {
    "llamacpp": _Provider(
        "llamacpp",
        {
            "smollm2": "SmolLM2-135M-Instruct in this process: small, no key, no network, exact option probabilities",
            "path/to/weights.gguf": "any GGUF file, run by llama.cpp in this process",
        },
    ),
    "hf": _Provider(
        "hf_local",
        {
            "smollm2": "the same weights by transformers, in single precision: slower to load, quicker to ask in bulk",
            "MAKER/NAME": "a model of the Hugging Face hub, run by transformers on this machine",
            "path/to/folder": "a model's folder, or a GGUF file, run by transformers",
        },
    ),
    "openai": _Provider("openai_api", {"gpt-4.1-mini": "OpenAI's API, with the key in OPENAI_API_KEY"}),
    "azure": _Provider("openai_api", {"DEPLOYMENT": "Azure OpenAI: AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_API_KEY"}),
    "anthropic": _Provider(
        "anthropic_api", {"claude-sonnet-4-5": "Anthropic's API, with the key in ANTHROPIC_API_KEY"}
    ),
    "vllm": _Provider("openai_api", {"NAME": "a vLLM server, at http://localhost:8000/v1 unless VLLM_BASE_URL says"}),
    "ollama": _Provider("openai_api", {"NAME": "an Ollama server, at http://localhost:11434 unless OLLAMA_HOST says"}),
    "lmstudio": _Provider("openai_api", {"NAME": "LM Studio's server, at http://localhost:1234/v1"}),
    "openrouter": _Provider("openai_api", {"MAKER/NAME": "OpenRouter, with the key in OPENROUTER_API_KEY"}),
    "together": _Provider("openai_api", {"MAKER/NAME": "Together AI, with the key in TOGETHER_API_KEY"}),
    "deepseek": _Provider("openai_api", {"deepseek-chat": "DeepSeek's API, with the key in DEEPSEEK_API_KEY"}),
    "gemini": _Provider("openai_api", {"gemini-2.5-flash": "Google's API, with the key in GEMINI_API_KEY"}),
    "mistral": _Provider("openai_api", {"mistral-small-latest": "Mistral's API, with the key in MISTRAL_API_KEY"}),
    "groq": _Provider("openai_api", {"NAME": "Groq's API, with the key in GROQ_API_KEY"}),
    "fireworks": _Provider("openai_api", {"NAME": "Fireworks AI, with the key in FIREWORKS_API_KEY"}),
    "xai": _Provider("openai_api", {"NAME": "xAI's API, with the key in XAI_API_KEY"}),
    "sim": _Provider(
        "simulated",
        {
            "uniform": "simulated respondent: every answer is equally likely",
            "first-option": "simulated respondent: always the option printed first",
            "country:SE": "simulated respondent: answers spread as a country's published figures say",
            "graded?persona=0.3&position=0.2": "simulated respondent: a graded response model with the biases you name",
            "graded:path/to/truth.toml": "the same, with its numbers in a file; docs/respondents.md",
        },
    ),
}


def load(
    model: str,
    *,
    base_url: str | None = None,
    timeout: float | None = None,
    briefing: Briefing | None = None,
    device: str = "",
    dtype: str = "",
    trust_remote_code: bool = False,
) -> Backend:
    """The backend that MODEL names, ready to be asked.

    ``timeout`` bounds one call in seconds (None: the adapter's own). ``briefing`` is what a simulated respondent knows
    of those it plays and of what it is asked. ``device``, ``dtype`` ("" for what suits the machine) and
    ``trust_remote_code`` are for models run here. With ``base_url`` a name of no known provider is a model of that
    OpenAI-compatible server. Raises ``UnknownNameError`` for a name that nothing answers to, ``BackendError`` where a
    key, a package or a file is missing.
    """
    options = Options(base_url, timeout, device, dtype, trust_remote_code, briefing or Briefing())
    provider, slash, name = model.partition("/")
    if slash and provider in providers():
        if not name:
            raise UnknownNameError("model", model, known_models(), hint=_USAGE)
        # llamacpp/NAME is run in this process, unless a server that runs it already is named.
        return _factory("openai" if provider == "llamacpp" and base_url else provider, provider)(name, options)
    if base_url is not None:
        return _factory("openai", "openai")(model, options)
    if slash:
        raise UnknownNameError("provider", provider, providers(), hint=_USAGE)
    raise UnknownNameError("model", model, known_models(), hint=_USAGE)


def proper_name(model: str) -> str:
    """A MODEL as runs are named after it: of two spellings of one simulated respondent, always the same one.

    Raises ``UnknownNameError`` or ``BackendError`` for parameters that no respondent has.
    """
    from culturesim.backends.sim_truth import NAME, Truth

    name, mark, query = model.partition("?")
    if name != NAME or not mark:
        return model
    return f"{name}?{proper}" if (proper := Truth.of_query(query).query) else name


def providers() -> tuple[str, ...]:
    """The providers a MODEL may begin with: ours and those of installed packages."""
    return tuple(sorted({*_PROVIDERS, *_installed()}))


def known_models() -> dict[str, str]:
    """Examples of MODEL, each with a line that says what it is."""
    ours = {f"{provider}/{name}": line for provider, ours in _PROVIDERS.items() for name, line in ours.examples.items()}
    theirs = {f"{name}/NAME": f"by the installed package {_package(point)}" for name, point in _installed().items()}
    return ours | theirs


def _factory(provider: str, called: str) -> Factory:
    """The factory of a provider's adapter; one adapter speaks for several, and is told which one is ``called``."""
    if provider in _PROVIDERS:
        adapter = _PROVIDERS[provider].module
        create = import_module(f"{__name__}.{adapter}").create
        return cast("Factory", partial(create, called) if adapter == SHARED_ADAPTER else create)
    point = _installed()[provider]
    try:
        return cast("Factory", point.load())
    except (ImportError, AttributeError) as error:
        raise BackendError(
            f"provider {provider!r} of the package {_package(point)} cannot be loaded: {error}"
        ) from error


def _installed() -> dict[str, EntryPoint]:
    """The entry points of installed packages, less the names that are ours."""
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=ENTRY_POINTS) if point.name not in _PROVIDERS}


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.module
