"""OpenAI, and every server that speaks its chat completions: ``openai/NAME``, or any name with ``--base-url``."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from culturesim.backends.base import (
    Backend,
    Call,
    Capabilities,
    Options,
    at,
    chat_messages,
    count_at,
    excerpt,
    kind_of_status,
    sampling_seed,
    text_at,
)
from culturesim.backends.headers import retry_after
from culturesim.errors import BackendError
from culturesim.records import Completion, Prompt, Settings, TokenLogprobs

if TYPE_CHECKING:
    import openai

KEY_VARIABLE = "OPENAI_API_KEY"
OPENAI_URL = "https://api.openai.com/v1"
TIMEOUT = 60.0
TOP_LOGPROBS = 20
LABEL_TOKENS = 3
"""Positions asked for with ``probabilities``: a label such as "10" may take more than one token."""

_KINDS = {
    "insufficient_quota": "quota",
    "context_length_exceeded": "too_long",
    "exceed_context_size_error": "too_long",
}
"""The kind of ``CallError`` that a server's own code or type stands for, where its status says less."""

_FILTERED = ("content_filter", "content_policy_violation", "invalid_prompt")
"""Codes of errors that are refusals of the prompt, and say nothing about other prompts."""

_SHORTEST_KEY = 8  # what is shorter is a stand-in for a key, and may be part of any word
_NO_KEY = "none-needed"  # the SDK insists on a key; local servers do not look at it


def create(name: str, options: Options) -> Backend:
    """The backend of ``openai/NAME``; without a base URL it needs the key in ``OPENAI_API_KEY``."""
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key.isascii():
        raise BackendError(f"{KEY_VARIABLE} holds characters that no key has; export it again")
    if options.base_url is None and not key:
        raise BackendError(
            f"openai/{name} needs a key: export {KEY_VARIABLE}=…, or give --base-url for a server that needs none"
        )
    if options.base_url is not None and not options.base_url.startswith(("http://", "https://")):
        raise BackendError(f"--base-url {options.base_url!r} must begin with http:// or https://")
    return OpenAIChat(name, key or _NO_KEY, options.base_url, TIMEOUT if options.timeout is None else options.timeout)


class OpenAIChat:
    """Chat completions through the OpenAI SDK, one request per prompt and no retries of its own."""

    capabilities = Capabilities(
        option_probabilities=True, batch_size=1, max_concurrency=64, seedable=True, local=False, simulated=False
    )

    def __init__(self, model: str, key: str, base_url: str | None, timeout: float) -> None:
        import openai

        self.name = f"openai/{model}"
        self._model, self._key, self._own_url = model, key, base_url is not None
        self._url = base_url or OPENAI_URL
        self._client = openai.AsyncOpenAI(api_key=key, base_url=self._url, timeout=timeout, max_retries=0)

    async def complete(self, prompts: Sequence[Prompt], settings: Settings) -> list[Completion]:
        """One completion per prompt, asked side by side."""
        return list(await asyncio.gather(*(self._ask(prompt, settings) for prompt in prompts)))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _ask(self, prompt: Prompt, settings: Settings) -> Completion:
        import openai

        call = Call.start(prompt, self._model)
        request = request_body(self._model, prompt, settings, openai_itself=not self._own_url)
        try:
            reply = await self._client.chat.completions.with_raw_response.create(**request)
        except openai.APIStatusError as error:
            return self._refused(call, error)
        except openai.APITimeoutError:
            waited = f"{self._url} did not answer in {self._client.timeout} s"
            return call.failed("timeout", f"{waited}; where it is busy, a lower --concurrency helps")
        except openai.APIConnectionError as error:
            return call.failed("connection", f"cannot reach {self._url}: {error.__cause__ or error}")
        return self._read(call, reply.text, reply.headers.get("content-type", "no content type"))

    def _refused(self, call: Call, error: openai.APIStatusError) -> Completion:
        """The completion of a call that the server answered with an error status."""
        if error.code in _FILTERED:
            return call.done(None, finish_reason="content_filter")
        kind = _KINDS.get(str(error.code)) or _KINDS.get(str(error.type)) or kind_of_status(error.status_code)
        said = at(error.body, "message") or at(error.body, "error") or error.response.text
        message = f"{self._url} answered {error.status_code}: {self._excerpt(str(said), 300)}"
        if kind == "auth":
            message += f"; check {KEY_VARIABLE}"
        elif kind == "not_found" and not isinstance(error.body, dict):
            message += f"; {self._url_hint()}"
        return call.failed(kind, message, retry_after(error.response.headers))

    def _read(self, call: Call, body: str, content_type: str) -> Completion:
        """The completion in the body of an answer, or the error that it tells or is."""
        try:
            reply = json.loads(body)
        except ValueError:
            reply = None
        status = count_at(reply, "error", "code")
        if status is not None and status >= 400:  # a relay had answered 200 before the model behind it failed
            said = self._excerpt(str(at(reply, "error", "message")), 300)
            return call.failed(kind_of_status(status), f"{self._url} answered {status}: {said}")
        choice = at(reply, "choices", 0)
        content = at(choice, "message", "content")
        refusal = None if content else text_at(choice, "message", "refusal")
        if not isinstance(at(choice, "message"), dict) or not isinstance(content, str | None):
            came = f"{content_type}: {self._excerpt(body, 80)}"
            return call.failed("protocol", f"{self._url} answered no chat completion but {came}; {self._url_hint()}")
        wanted = call.prompt.trial.by_probabilities
        return call.done(
            refusal or content,
            model=text_at(reply, "model") or self._model,
            finish_reason="refusal" if refusal else text_at(choice, "finish_reason"),
            token_logprobs=token_logprobs(choice) if wanted else None,
            tokens_in=count_at(reply, "usage", "prompt_tokens"),
            tokens_out=count_at(reply, "usage", "completion_tokens"),
            tokens_cached=count_at(reply, "usage", "prompt_tokens_details", "cached_tokens"),
        )

    def _excerpt(self, said: str, limit: int) -> str:
        """The beginning of what the server said, without the key should it quote it."""
        return excerpt(said.replace(self._key, "…") if len(self._key) >= _SHORTEST_KEY else said, limit)

    def _url_hint(self) -> str:
        if self._url.rstrip("/").endswith("/v1"):
            return "check --base-url"
        return f"--base-url likely lacks /v1: try {self._url.rstrip('/')}/v1"


def request_body(model: str, prompt: Prompt, settings: Settings, *, openai_itself: bool) -> dict[str, Any]:
    """The request that asks ``prompt``.

    With ``probabilities`` temperature and top_p are 1, so that what is reported, and the path sampled, are the model's
    own. OpenAI itself wants the bound on tokens as ``max_completion_tokens``; other servers know ``max_tokens``.
    """
    probabilities = prompt.trial.by_probabilities
    bound = "max_completion_tokens" if openai_itself else "max_tokens"
    body = {
        "model": model,
        "messages": chat_messages(prompt),
        "temperature": 1.0 if probabilities else settings.temperature,
        "top_p": 1.0 if probabilities else settings.top_p,
        bound: LABEL_TOKENS if probabilities else settings.max_tokens,
        "seed": sampling_seed(prompt),
    }
    return body | ({"logprobs": True, "top_logprobs": TOP_LOGPROBS} if probabilities else {})


def token_logprobs(choice: object) -> tuple[TokenLogprobs, ...] | None:
    """What a choice of the reply tells of its tokens, sampled token first; None where it tells nothing."""
    positions = at(choice, "logprobs", "content")
    if not isinstance(positions, list) or not positions:
        return None
    read = tuple(_position(position) for position in positions)
    return read if all(read) else None


def _position(position: object) -> TokenLogprobs:
    """The pairs of one position, or none where the sampled token's is not there."""
    sampled = _pair(position)
    if sampled is None:
        return ()
    top = at(position, "top_logprobs")
    others = [pair for entry in top if (pair := _pair(entry))] if isinstance(top, list) else []
    if sampled in others:
        others.remove(sampled)
    return (sampled, *others)


def _pair(entry: object) -> tuple[str, float] | None:
    token, logprob = at(entry, "token"), at(entry, "logprob")
    return (token, float(logprob)) if isinstance(token, str) and isinstance(logprob, int | float) else None
