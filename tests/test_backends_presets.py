from __future__ import annotations

from typing import Any

import pytest

from culturesim.backends import default_server, known_models, load, thinking_room
from culturesim.backends.presets import PRESETS, checked_url
from culturesim.errors import BackendError
from culturesim.records import Settings


@pytest.mark.parametrize("provider", sorted(PRESETS))
def test_every_preset_is_loaded_with_its_key_or_says_what_it_lacks(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = PRESETS[provider]
    for name in preset.keys:
        monkeypatch.delenv(name, raising=False)
    if preset.needs_key:
        with pytest.raises(BackendError, match=preset.keys[0]):
            load(f"{provider}/model")
        monkeypatch.setenv(preset.keys[0], "key-0123456789")
    backend = load(f"{provider}/maker/model", base_url=None if preset.url else "http://localhost:1/v1")
    assert backend.name == f"{provider}/maker/model"
    assert not backend.capabilities.local
    assert backend.capabilities.batches == (provider == "openai")


def test_every_preset_is_listed() -> None:
    listed = {name.partition("/")[0] for name in known_models()}
    assert set(PRESETS) <= listed


@pytest.mark.parametrize(
    ("variable", "value", "model", "url"),
    [("OPENAI_BASE_URL", "http://h/v1", "openai/x", "http://h/v1"),
     ("ANTHROPIC_BASE_URL", "http://h", "anthropic/x", "http://h"),
     ("OLLAMA_HOST", "0.0.0.0", "ollama/x", "http://127.0.0.1:11434/v1"),
     ("OLLAMA_HOST", "http://h:1234", "ollama/x", "http://h:1234/v1"),
     ("OPENAI_BASE_URL", "http://h/v1", "mistral/x", "")],
)  # fmt: skip
def test_a_providers_own_variable_names_its_server(
    variable: str, value: str, model: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert default_server(model) == ""
    monkeypatch.setenv(variable, value)
    assert default_server(model) == url


@pytest.mark.parametrize("url", ["http://me:secret@h/v1", "https://h/v1?key=secret", "h/v1", "ftp://h"])
def test_an_address_with_a_secret_or_without_a_scheme_is_refused(url: str) -> None:
    with pytest.raises(BackendError) as refused:
        checked_url(url)
    assert "secret" not in str(refused.value)


THINK = ["openai/o3", "openai/gpt-5-mini", "openrouter/deepseek/deepseek-r1", "deepseek/deepseek-reasoner",
         "gemini/gemini-2.5-flash", "gemini/gemini-2.5-pro", "gemini/gemini-3-pro-preview", "vllm/openai/gpt-oss-20b",
         "ollama/gpt-oss:20b", "xai/grok-4", "xai/grok-4-fast-reasoning", "xai/grok-3-mini", "ollama/qwen3:8b",
         "vllm/Qwen/Qwen3-8B", "vllm/Qwen/Qwen3-4B-Thinking-2507", "groq/qwen/qwen3-32b", "vllm/Qwen/QwQ-32B",
         "mistral/magistral-small-latest", "together/deepseek-ai/DeepSeek-R1-Distill-Qwen-14B",
         "openrouter/z-ai/glm-4.6", "openrouter/moonshotai/kimi-k2-thinking", "vllm/microsoft/Phi-4-reasoning",
         "openrouter/anthropic/claude-3.7-sonnet:thinking"]  # fmt: skip
ANSWER = ["openai/gpt-4.1", "openai/gpt-4o", "openai/gpt-5-chat-latest", "anthropic/claude-sonnet-4-5",
          "gemini/gemini-2.0-flash", "gemini/gemini-2.5-flash-lite", "xai/grok-3", "xai/grok-4-fast-non-reasoning",
          "deepseek/deepseek-chat", "vllm/Qwen/Qwen3-4B-Instruct-2507", "vllm/Qwen/Qwen2.5-7B-Instruct",
          "openrouter/qwen/qwen3-coder", "mistral/mistral-small-latest", "llamacpp/smollm2"]  # fmt: skip


@pytest.mark.parametrize("model", THINK)
def test_models_that_think_get_room(model: str) -> None:
    assert thinking_room(model, Settings()) == 4096
    assert thinking_room(model, Settings(thinking=100)) == 100


@pytest.mark.parametrize("model", ANSWER)
def test_models_that_answer_at_once_need_none(model: str) -> None:
    assert thinking_room(model, Settings()) == 0


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_room_for_thought_takes_time(provider: str) -> None:
    backend: Any = load(f"{provider}/any", base_url="http://localhost:1/v1")
    assert backend.seconds(Settings()) == 60
    assert backend.seconds(Settings(thinking=4000)) == 260
    told: Any = load(f"{provider}/any", base_url="http://localhost:1/v1", timeout=9)
    assert told.seconds(Settings(thinking=4000)) == 9


def test_effort_is_thought_unless_it_is_none() -> None:
    assert thinking_room("vllm/any", Settings(effort="high")) == 4096
    assert thinking_room("openai/gpt-5", Settings(effort="minimal")) == 0
