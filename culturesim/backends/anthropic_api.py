"""Anthropic's Messages API: ``anthropic/NAME``.

The SDK shows once where and with which headers it would call; the calls themselves go over a leaner client.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from culturesim.backends.base import (
    Backend,
    Call,
    Capabilities,
    Options,
    at,
    count_at,
    excerpt,
    kind_of_status,
    text_at,
)
from culturesim.backends.chat import Chat, said
from culturesim.backends.headers import allowance, retry_after
from culturesim.backends.presets import checked_url, thinking_room
from culturesim.backends.quirks import Quirks, RefusedError
from culturesim.backends.transport import Endpoint, Reply, shown
from culturesim.errors import BackendError
from culturesim.records import CallError, Completion, Prompt, Settings

if TYPE_CHECKING:
    import anthropic
    import httpx2

KEY_VARIABLE = "ANTHROPIC_API_KEY"
TOKEN_VARIABLE = "ANTHROPIC_AUTH_TOKEN"
URL = "https://api.anthropic.com"

SMALLEST_THOUGHT = 1024
"""The smallest budget of tokens for thinking that the API takes."""

_KINDS = {
    "invalid_request_error": "bad_request",
    "authentication_error": "auth",
    "permission_error": "auth",
    "billing_error": "quota",
    "not_found_error": "not_found",
    "request_too_large": "too_long",
    "rate_limit_error": "rate_limit",
    "timeout_error": "timeout",
    "overloaded_error": "overloaded",
}
"""The kind of ``CallError`` that the API's own type of error stands for, where it says more than the status."""

_MARKS = {"credit balance": "quota", "prompt is too long": "too_long"}
"""What messages say where the type says less."""

_FINISHES = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
}

_WAYS_OUT = {
    "thinking": "it may think by effort alone: ask with --effort, without --thinking",
    "effort": "ask without --effort",
}
"""What to ask for instead where a refusal names what the study asked for, the first that is named."""


def create(name: str, options: Options) -> Backend:
    """The backend of ``anthropic/NAME``; raises ``BackendError`` where there is no key."""
    from culturesim.backends.anthropic_batch import AnthropicBatches

    keys = {name: key for name in (KEY_VARIABLE, TOKEN_VARIABLE) if (key := os.environ.get(name, "").strip())}
    variable, key = next(iter(keys.items()), (KEY_VARIABLE, ""))
    if not key.isascii():
        raise BackendError(f"{variable} holds characters that no key has; export it again")
    if not key and options.base_url is None:
        raise BackendError(f"anthropic/{name} needs a key: export {KEY_VARIABLE}=…")
    url = URL if options.base_url is None else checked_url(options.base_url)
    url = url.rstrip("/").removesuffix("/v1")
    return AnthropicBatches(name, key or "none-needed", url, options.timeout, variable)


class AnthropicChat(Chat):
    """Messages of one model. The API gives no log probabilities and takes no seed.

    ``variable`` is the environment variable the key came from.
    """

    def __init__(self, model: str, key: str, url: str, timeout: float | None, variable: str = KEY_VARIABLE) -> None:
        super().__init__(f"anthropic/{model}", model, key, url, timeout, Quirks())
        self._variable = variable
        self._either = False  # learned: temperature or top_p, not both

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return Capabilities(
            option_probabilities=False, batch_size=1, max_concurrency=1024, seedable=False, local=False, simulated=False
        )

    def request_body(self, prompt: Prompt, settings: Settings) -> dict[str, Any]:
        """The request that asks ``prompt``. Temperature and top_p are sent where they are not the API's own 1."""
        if self._either and settings.temperature != 1 and settings.top_p != 1:
            raise RefusedError("it takes temperature or top_p, not both: ask with --temperature 1, or with top_p = 1")
        room = thinking_room(self.name, settings)
        body: dict[str, Any] = {
            "model": self._model,
            "max_tokens": settings.max_tokens + room,
            "messages": [{"role": "user", "content": prompt.user}],
        }
        if prompt.system:
            body["system"] = prompt.system
        if settings.temperature != 1:
            body["temperature"] = settings.temperature
        if settings.top_p != 1:
            body["top_p"] = settings.top_p
        if settings.thinking:
            if settings.temperature != 1:
                raise RefusedError("it thinks at temperature 1 only: ask with --temperature 1, or without --thinking")
            budget = max(SMALLEST_THOUGHT, settings.thinking)
            body |= {
                "thinking": {"type": "enabled", "budget_tokens": budget},
                "max_tokens": settings.max_tokens + budget,
            }
        if settings.effort and settings.effort not in {"none", "minimal"}:
            body["output_config"] = {"effort": settings.effort}
        return body

    async def endpoint(self) -> Endpoint:
        """Where the SDK would call."""

        async def ask(client: httpx2.AsyncClient) -> None:
            messages: Any = [{"role": "user", "content": "?"}]
            await self._sdk(client).messages.with_raw_response.create(model="m", max_tokens=1, messages=messages)

        return await shown(ask)

    def _sdk(self, client: httpx2.AsyncClient | None = None) -> anthropic.AsyncAnthropic:
        import anthropic

        credential: Any = {"auth_token" if self._variable == TOKEN_VARIABLE else "api_key": self._key}
        return anthropic.AsyncAnthropic(**credential, base_url=self._url, http_client=client, max_retries=0)

    def _learn(self, sent: dict[str, Any], reply: Reply) -> None:
        """Learns from a refusal; that of two together is none of either."""
        told = said(reply)
        if {"temperature", "top_p"} <= sent.keys() and "temperature" in told and "top_p" in told:
            self._either = True
        else:
            super()._learn(sent, reply)

    def read(self, call: Call, reply: Reply) -> Completion:
        """The completion in a message, or the error that came in its place."""
        content = reply.json()
        if is_message(content):
            return completion_in(call, content, self._model, allowance=allowance(reply.headers))
        if at(content, "type") == "error":  # a relay had answered 200 before the model behind it failed
            return self.refused(call, reply)
        message = (
            f"{self._url} answered no message but {reply.content_type}: {excerpt(reply.text, 80)}; check --base-url"
        )
        return call.failed("malformed" if "json" in reply.content_type else "protocol", message)

    def fault(self, reply: Reply) -> CallError:
        """What went wrong, as a reply with an error status tells it."""
        told, content = said(reply), reply.json()
        kind = kind_of_error(text_at(content, "error", "type"), told)
        kind = kind or _kind_of_status(reply.status)
        message = f"{self._url} answered {reply.status}: {excerpt(told, 300)}{self.way_out(kind, told)}"
        if kind == "not_found" and not isinstance(content, dict):
            message += "; check --base-url"
        return CallError(kind, message, retry_after(reply.headers))

    def way_out(self, kind: str, told: str) -> str:
        """What may help against an error, to be put behind its message."""
        if kind == "auth":
            return f"; check {self._variable}"
        ways = _WAYS_OUT if kind == "bad_request" else {}
        return next((f"; {way}" for name, way in ways.items() if name in told), "")


def kind_of_error(type_of_error: str | None, message: str) -> str | None:
    """The kind of ``CallError`` of an error by its type and words, None where they say nothing."""
    marked = next((kind for mark, kind in _MARKS.items() if mark in message.lower()), None)
    return marked or _KINDS.get(type_of_error or "")


def _kind_of_status(status: int) -> str:
    if status == 413:  # a relay before the API has no other words for a request that is too large
        return "too_long"
    return kind_of_status(status) if status >= 400 else "server"


def is_message(content: object) -> bool:
    """Whether decoded JSON is a message, with whatever content or none."""
    return at(content, "type") == "message" and isinstance(at(content, "content"), list)


def completion_in(call: Call, content: object, model: str, **others: Any) -> Completion:
    """The completion in a decoded message (see ``is_message``); thoughts are no part of its text."""
    blocks: list[object] = at(content, "content")
    texts = [text_at(block, "text") or "" for block in blocks if at(block, "type") == "text"]
    counts = [count_at(content, "usage", name) for name in
              ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")]  # fmt: skip
    stop = text_at(content, "stop_reason")
    return call.done(
        "".join(texts) if texts else None,
        model=text_at(content, "model") or model,
        finish_reason=_FINISHES.get(stop or "", stop),
        tokens_in=None if counts[0] is None else sum(count or 0 for count in counts),
        tokens_out=count_at(content, "usage", "output_tokens"),
        tokens_cached=counts[1],
        tokens_reasoning=count_at(content, "usage", "output_tokens_details", "thinking_tokens"),
        **others,
    )
