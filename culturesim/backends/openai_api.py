"""OpenAI, and every server that speaks its chat completions: ``openai/NAME``, a preset, or any name with a base URL.

The SDK shows once where and with which headers it would call; the calls themselves go over a leaner client.
"""

from __future__ import annotations

import asyncio
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
from culturesim.backends.headers import allowance, retry_after
from culturesim.backends.presets import (
    NO_SAMPLING,
    OTHER,
    PRESETS,
    Preset,
    checked_url,
    key_from_environment,
    thinking_room,
)
from culturesim.backends.quirks import Quirks, RefusedError
from culturesim.backends.transport import Endpoint, Reply, Transport, TransportError, shown
from culturesim.errors import BackendError
from culturesim.records import Completion, Prompt, Settings, TokenLogprobs

if TYPE_CHECKING:
    import httpx2
    import openai

TIMEOUT = 60.0
LABEL_TOKENS = 3
"""Positions asked for with ``probabilities``: a label such as "10" may take more than one token."""

_KINDS = {
    "insufficient_quota": "quota",
    "billing_hard_limit_reached": "quota",
    "context_length_exceeded": "too_long",
    "exceed_context_size_error": "too_long",
}
"""The kind of ``CallError`` that a server's own code or type stands for, where its status says less."""

_FILTERED = ("content_filter", "content_policy_violation", "invalid_prompt")
"""Codes of errors that are refusals of the prompt, and say nothing about other prompts."""

_OF_OPENAI = ("openai-organization", "openai-project")  # headers the SDK takes from the environment
_NO_KEY = "none-needed"  # the SDK insists on a key; local servers do not look at it


def create(provider: str, name: str, options: Options) -> Backend:
    """The backend of ``provider/NAME``; raises ``BackendError`` where it lacks a key or an address."""
    preset = PRESETS.get(provider, OTHER)
    url = checked_url(options.base_url) if options.base_url is not None else preset.url
    key = key_from_environment(preset)
    if not key and (preset.needs_key and options.base_url is None):
        variable = preset.keys[0]
        raise BackendError(
            f"{provider}/{name} needs a key: export {variable}=…, or give --base-url for a server that needs none"
        )
    if not url:
        wanted = f"export {preset.urls[0]}=…, or " if preset.urls else ""
        raise BackendError(f"{provider}/{name} needs an address: {wanted}give --base-url")
    timeout = TIMEOUT if options.timeout is None else options.timeout
    if preset.batches:
        from culturesim.backends.openai_batch import OpenAIBatches

        return OpenAIBatches(provider, name, preset, key or _NO_KEY, url, timeout)
    return OpenAIChat(provider, name, preset, key or _NO_KEY, url, timeout)


class OpenAIChat:
    """Chat completions of one model, one request per prompt and no retries of its own.

    What a server refuses of a request (a parameter, a role) and can do without is left out from then on.
    """

    def __init__(self, provider: str, model: str, preset: Preset, key: str, url: str, timeout: float) -> None:
        self.name = f"{provider}/{model}"
        self._provider, self._model, self._preset, self._key = provider, model, preset, key
        self._url, self._timeout = url, timeout
        its_own = url == preset.url or provider == "azure"
        # Our own servers' word for the bound is OpenAI's newer one; what others run behind a URL mostly know the older.
        self._quirks = Quirks(bound=preset.bound if its_own else "max_tokens", n_top=preset.n_top)
        if NO_SAMPLING.search(model):
            self._quirks.dropped |= {"temperature", "top_p"}
        self._transport: Transport | None = None
        self._opening = asyncio.Lock()

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return Capabilities(
            option_probabilities=True, batch_size=1, max_concurrency=1024, seedable=bool(self._preset.seed),
            local=False, simulated=False, batches=False,
        )  # fmt: skip

    async def complete(self, prompts: Sequence[Prompt], settings: Settings) -> list[Completion]:
        """One completion per prompt, asked side by side."""
        if len(prompts) == 1:
            return [await self._ask(prompts[0], settings)]
        return list(await asyncio.gather(*(self._ask(prompt, settings) for prompt in prompts)))

    async def close(self) -> None:
        """Close the connections."""
        if self._transport is not None:
            await self._transport.close()
        self._transport = None

    def request_body(self, prompt: Prompt, settings: Settings) -> dict[str, Any]:
        """The request that asks ``prompt``, before quirks.

        With probabilities temperature and top_p are 1, so that what is reported, and the path sampled, are the model's
        own. A sampled answer may have to serve as a choice, so only plain probabilities need no room for one.
        """
        probabilities = prompt.trial.by_probabilities
        bound = LABEL_TOKENS if prompt.trial.elicitation == "probabilities" else settings.max_tokens
        body: dict[str, Any] = {
            "model": self._model,
            "messages": chat_messages(prompt),
            "temperature": 1.0 if probabilities else settings.temperature,
            "top_p": 1.0 if probabilities else settings.top_p,
            "max_tokens": bound + thinking_room(self.name, settings),
        }
        if self._preset.seed:
            body[self._preset.seed] = sampling_seed(prompt)
        if settings.effort:
            body["reasoning_effort"] = settings.effort
        if probabilities:
            body |= {"logprobs": True, "top_logprobs": self._preset.n_top}
        return body

    async def _ask(self, prompt: Prompt, settings: Settings) -> Completion:
        call, body = Call.start(prompt, self._model), self.request_body(prompt, settings)
        fallback = prompt.trial.elicitation == "probabilities_or_choice"
        try:
            sent = self._quirks.fitted(body, fallback=fallback)
            while (reply := await (await self._line()).post(sent)).status in {400, 422}:
                self._learn(sent, reply)
                if (fitted := self._quirks.fitted(body, fallback=fallback)) == sent:
                    break  # refused, and we know no way round it
                sent = fitted
        except RefusedError as error:
            return call.failed("bad_request", f"{self.name}: {error}")
        except TransportError as error:
            return call.failed(error.kind, f"{error}{_ADVICE.get(error.kind, '')}")
        return self._refused(call, reply) if reply.status >= 400 else self._read(call, reply)

    def _learn(self, sent: dict[str, Any], reply: Reply) -> None:
        """Learns what a refusal teaches of requests; one of the prompt teaches nothing."""
        error = at(reply.json(), "error")
        if text_at(error, "code") not in _FILTERED:
            self._quirks.learn(sent, _said(reply), text_at(error, "param"))

    async def _line(self) -> Transport:
        if self._transport is None:
            async with self._opening:
                if self._transport is None:
                    endpoint = await shown(self._as_the_sdk_would)
                    if self._provider != "openai":
                        kept = {name: value for name, value in endpoint.headers.items() if name not in _OF_OPENAI}
                        endpoint = Endpoint(endpoint.url, kept)
                    self._transport = Transport(endpoint, self._timeout, [self._key])
        return self._transport

    async def _as_the_sdk_would(self, client: httpx2.AsyncClient) -> None:
        sdk = self._sdk(client)
        messages: Any = [{"role": "user", "content": "?"}]
        await sdk.chat.completions.with_raw_response.create(model=self._model, messages=messages)

    def _sdk(self, client: httpx2.AsyncClient | None = None) -> openai.AsyncOpenAI:
        import openai

        if self._provider == "azure":
            version = os.environ.get("OPENAI_API_VERSION") or "2024-10-21"
            return openai.AsyncAzureOpenAI(
                api_key=self._key, azure_endpoint=self._url, api_version=version, http_client=client, max_retries=0
            )
        return openai.AsyncOpenAI(api_key=self._key, base_url=self._url, http_client=client, max_retries=0)

    # Replies

    def _refused(self, call: Call, reply: Reply) -> Completion:
        """The completion of a call that the server answered with an error status."""
        content = reply.json()
        code, kind_of_error = (str(at(content, "error", name)) for name in ("code", "type"))
        if code in _FILTERED:
            return call.done(None, finish_reason="content_filter")
        kind = _KINDS.get(code) or _KINDS.get(kind_of_error) or kind_of_status(reply.status)
        message = f"{self._url} answered {reply.status}: {excerpt(_said(reply), 300)}"
        if kind == "auth":
            message += f"; check {self._preset.keys[0]}" if self._preset.keys else ""
        elif kind == "not_found" and not isinstance(content, dict):
            message += f"; {self._url_hint()}"
        return call.failed(kind, message, retry_after(reply.headers))

    def _read(self, call: Call, reply: Reply) -> Completion:
        """The completion in the body of an answer, or the error that it tells or is."""
        content = reply.json()
        status = count_at(content, "error", "code")
        if status is not None and status >= 400:  # a relay had answered 200 before the model behind it failed
            return call.failed(kind_of_status(status), f"{self._url} answered {status}: {excerpt(_said(reply), 300)}")
        if not is_completion(content):
            return self._something_else(call, reply)
        return completion_in(call, content, self._model, allowance=allowance(reply.headers))

    def _something_else(self, call: Call, reply: Reply) -> Completion:
        came = f"{reply.content_type}: {excerpt(reply.text, 80)}"
        message = f"{self._url} answered no chat completion but {came}; {self._url_hint()}"
        return call.failed("malformed" if "json" in reply.content_type else "protocol", message)

    def _url_hint(self) -> str:
        if self._url.rstrip("/").endswith("/v1") or self._url == self._preset.url:
            return "check --base-url"
        return f"--base-url likely lacks /v1: try {self._url.rstrip('/')}/v1"


_ADVICE = {"timeout": "; where it is busy, a lower --concurrency or a longer --timeout helps"}


def is_completion(content: object) -> bool:
    """Whether decoded JSON is a chat completion, with whatever content or none."""
    message = at(content, "choices", 0, "message")
    return isinstance(message, dict) and isinstance(message.get("content"), str | list | None)


def completion_in(call: Call, content: object, model: str, **others: Any) -> Completion:
    """The completion in a decoded chat completion; ``others`` are further fields of ``Completion``."""
    choice = at(content, "choices", 0)
    text = _text(at(choice, "message", "content"))
    refusal = None if text else text_at(choice, "message", "refusal")
    tokens_in, tokens_out, thought = _usage(content)
    return call.done(
        refusal or text,
        model=text_at(content, "model") or model,
        finish_reason="refusal" if refusal else text_at(choice, "finish_reason"),
        token_logprobs=token_logprobs(choice) if call.prompt.trial.by_probabilities else None,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        tokens_cached=count_at(content, "usage", "prompt_tokens_details", "cached_tokens"),
        tokens_reasoning=thought,
        **others,
    )


def _text(content: object) -> str | None:
    """The text of a message, which may come in parts."""
    if isinstance(content, list):
        return "".join(text_at(part, "text") or "" for part in content)
    return content if isinstance(content, str) else None


def _usage(content: object) -> tuple[int | None, int | None, int | None]:
    """Tokens in, tokens out, and those of the latter that were thought.

    Some servers count thoughts in the total alone: what is missing there between prompt and answer was thought.
    """
    tokens_in, tokens_out, total = (
        count_at(content, "usage", name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")
    )
    thought = count_at(content, "usage", "completion_tokens_details", "reasoning_tokens")
    if tokens_in is None or tokens_out is None or total is None or total <= tokens_in + tokens_out:
        return tokens_in, tokens_out, thought
    return tokens_in, total - tokens_in, max(thought or 0, total - tokens_in - tokens_out)


def _said(reply: Reply) -> str:
    """What an error says of itself."""
    content = reply.json()
    content = content[0] if isinstance(content, list) and content else content
    return str(at(content, "error", "message") or at(content, "error") or at(content, "message") or reply.text)


def token_logprobs(choice: object) -> tuple[TokenLogprobs, ...] | None:
    """What a choice of the reply tells of its tokens, sampled token first; None where it tells nothing.

    Positions after one that cannot be read are left out.
    """
    positions = at(choice, "logprobs", "content")
    read: list[TokenLogprobs] = []
    for position in positions if isinstance(positions, list) else []:
        if not (pairs := _position(position)):
            break
        read.append(pairs)
    return tuple(read) or None


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
    if not isinstance(token, str) or not isinstance(logprob, int | float):
        return None
    if "\ufffd" in token and isinstance(spelled := at(entry, "bytes"), list):
        token = bytes(spelled).decode("utf-8", "backslashreplace")  # a piece of a character, told by its bytes
    return token, float(logprob)
