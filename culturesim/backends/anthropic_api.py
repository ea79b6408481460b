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
from culturesim.backends.chat import TIMEOUT, Chat, said
from culturesim.backends.headers import allowance, retry_after
from culturesim.backends.presets import checked_url, thinking_room
from culturesim.backends.quirks import Quirks, RefusedError
from culturesim.backends.transport import Endpoint, Reply, shown
from culturesim.errors import BackendError
from culturesim.records import Completion, Prompt, Settings

if TYPE_CHECKING:
    import anthropic
    import httpx2

KEY_VARIABLE = "ANTHROPIC_API_KEY"
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
    "api_error": "server",
}
"""The kind of ``CallError`` that the API's own type of error stands for."""

_MARKS = {"credit balance": "quota", "prompt is too long": "too_long"}
"""What messages say where the type says less."""

_FINISHES = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length"}


def create(name: str, options: Options) -> Backend:
    """The backend of ``anthropic/NAME``; raises ``BackendError`` where there is no key."""
    from culturesim.backends.anthropic_batch import AnthropicBatches

    key = (os.environ.get(KEY_VARIABLE) or os.environ.get("ANTHROPIC_AUTH_TOKEN") or "").strip()
    if not key.isascii():
        raise BackendError(f"{KEY_VARIABLE} holds characters that no key has; export it again")
    if not key and options.base_url is None:
        raise BackendError(f"anthropic/{name} needs a key: export {KEY_VARIABLE}=…")
    url = URL if options.base_url is None else checked_url(options.base_url)
    timeout = TIMEOUT if options.timeout is None else options.timeout
    return AnthropicBatches(name, key or "none-needed", url.removesuffix("/").removesuffix("/v1"), timeout)


class AnthropicChat(Chat):
    """Messages of one model. The API gives no log probabilities and takes no seed."""

    def __init__(self, model: str, key: str, url: str, timeout: float) -> None:
        super().__init__(f"anthropic/{model}", model, key, url, timeout, Quirks())

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return Capabilities(
            option_probabilities=False, batch_size=1, max_concurrency=1024, seedable=False, local=False, simulated=False
        )

    def request_body(self, prompt: Prompt, settings: Settings) -> dict[str, Any]:
        """The request that asks ``prompt``. Temperature and top_p are sent where they are not the API's own 1."""
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

        return anthropic.AsyncAnthropic(api_key=self._key, base_url=self._url, http_client=client, max_retries=0)

    def read(self, call: Call, reply: Reply) -> Completion:
        """The completion in a message."""
        content = reply.json()
        if at(content, "type") == "message":
            return completion_in(call, content, self._model, allowance=allowance(reply.headers))
        message = (
            f"{self._url} answered no message but {reply.content_type}: {excerpt(reply.text, 80)}; check --base-url"
        )
        return call.failed("malformed" if "json" in reply.content_type else "protocol", message)

    def refused(self, call: Call, reply: Reply) -> Completion:
        """The completion of a call that the server answered with an error status."""
        told = said(reply)
        kind = kind_of_error(text_at(reply.json(), "error", "type"), told) or kind_of_status(reply.status)
        message = f"{self._url} answered {reply.status}: {excerpt(told, 300)}"
        return call.failed(kind, f"{message}; check {KEY_VARIABLE}" if kind == "auth" else message,
                           retry_after(reply.headers))  # fmt: skip


def kind_of_error(type_of_error: str | None, message: str) -> str | None:
    """The kind of ``CallError`` of an error by its type and words, None where they say nothing."""
    marked = next((kind for mark, kind in _MARKS.items() if mark in message.lower()), None)
    return marked or _KINDS.get(type_of_error or "")


def completion_in(call: Call, content: object, model: str, **others: Any) -> Completion:
    """The completion in a decoded message; thoughts are no part of its text."""
    blocks = at(content, "content")
    texts = [text_at(block, "text") or "" for block in blocks or [] if at(block, "type") == "text"]
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
