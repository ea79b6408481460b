"""OpenAI, and every server that speaks its chat completions: ``openai/NAME``, a preset, or any name with a base URL.

The SDK shows once where and with which headers it would call; the calls themselves go over a leaner client.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import orjson

from culturesim.backends.base import (
    Backend,
    Call,
    Capabilities,
    Options,
    at,
    chat_messages,
    count_at,
    excerpt,
    sampling_seed,
    text_at,
)
from culturesim.backends.chat import Chat, said
from culturesim.backends.headers import allowance
from culturesim.backends.openai_errors import error_in, error_under_200, is_filtered, kind_of, wait_told
from culturesim.backends.presets import (
    NO_SAMPLING,
    OTHER,
    PRESETS,
    Preset,
    checked_url,
    key_from_environment,
    thinking_room,
)
from culturesim.backends.quirks import Quirks
from culturesim.backends.transport import Endpoint, Reply, shown
from culturesim.errors import BackendError
from culturesim.records import CallError, Completion, Prompt, Settings, TokenLogprobs

if TYPE_CHECKING:
    import httpx2
    import openai

LABEL_TOKENS = 3
"""Positions asked for with ``probabilities``: a label such as "10" may take more than one token."""

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
    if preset.batches:
        from culturesim.backends.openai_batch import OpenAIBatches

        return OpenAIBatches(provider, name, preset, key or _NO_KEY, url, options.timeout)
    return OpenAIChat(provider, name, preset, key or _NO_KEY, url, options.timeout)


class OpenAIChat(Chat):
    """Chat completions of one model."""

    def __init__(self, provider: str, model: str, preset: Preset, key: str, url: str, timeout: float | None) -> None:
        self._provider, self._preset = provider, preset
        # OpenAI's own word for the bound is the newer one; what others run behind a URL mostly knows the older.
        its_own = url == preset.url or provider == "azure"
        quirks = Quirks(bound=preset.bound if its_own else "max_tokens", n_top=preset.n_top)
        if NO_SAMPLING.search(model):
            quirks.dropped |= {"temperature", "top_p"}
        super().__init__(f"{provider}/{model}", model, key, url, timeout, quirks)

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return Capabilities(
            option_probabilities=True, batch_size=1, max_concurrency=1024, seedable=bool(self._preset.seed),
            local=False, simulated=False, batches=False,
        )  # fmt: skip

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

    async def endpoint(self) -> Endpoint:
        """Where the SDK would call, with the headers meant for this server."""
        endpoint = await shown(self._as_the_sdk_would)
        if self._provider == "openai":
            return endpoint
        return Endpoint(endpoint.url, {name: it for name, it in endpoint.headers.items() if name not in _OF_OPENAI})

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

    def _learn(self, sent: dict[str, Any], reply: Reply) -> None:
        """Learns from a refusal; one of the prompt teaches nothing of requests."""
        if not is_filtered(error_in(reply.json())):
            super()._learn(sent, reply)

    def refused(self, call: Call, reply: Reply) -> Completion:
        """The completion of a call that the server answered with an error status."""
        if is_filtered(error_in(reply.json())):
            return call.done(None, finish_reason="content_filter")
        return super().refused(call, reply)

    def fault(self, reply: Reply) -> CallError:
        """What went wrong, as a reply with an error status tells it."""
        content, told = reply.json(), said(reply)
        kind = kind_of(reply.status, error_in(content), told)
        message = f"{self._url} answered {reply.status}: {excerpt(told, 300)}"
        if kind == "auth":
            message += f"; check {self._preset.keys[0]}" if self._preset.keys else ""
        elif kind == "not_found" and not isinstance(content, dict):
            message += f"; {self._url_hint()}"
        return CallError(kind, message, wait_told(reply))

    def read(self, call: Call, reply: Reply) -> Completion:
        """The completion in the body of an answer, or the error that it tells or is."""
        content = reply.json()
        if (told := error_under_200(content)) is not None:
            status, error = told
            return self.refused(call, Reply(status, reply.headers, orjson.dumps({"error": error})))
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
