"""What the adapters of chat APIs share: one request per prompt over a lean line, and learning what a server refuses."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from culturesim.backends.base import Call, Capabilities, at, text_at
from culturesim.backends.presets import thinking_room
from culturesim.backends.quirks import Quirks, RefusedError
from culturesim.backends.transport import SHORTEST_SECRET, Endpoint, Reply, Transport, TransportError
from culturesim.records import CallError, Completion, Prompt, Settings

TIMEOUT = 60.0
"""Seconds a call may take unless told otherwise, beyond those for thought."""

SLOWEST_THOUGHT = 20.0
"""Tokens a second that a model thinks at least."""

MOST_LEARNED = 10
"""How often a call is made anew because of what a refusal taught: more than there is to learn."""

_ADVICE = {"timeout": "; where it is busy, a lower --concurrency or a longer --timeout helps"}


class Chat(ABC):
    """One model behind a chat API, with no retries of its own.

    What a server refuses of a request (a parameter, a role) and can do without is left out from then on. ``timeout``
    bounds a call in seconds, None for as long as is usual.
    """

    def __init__(self, name: str, model: str, key: str, url: str, timeout: float | None, quirks: Quirks) -> None:
        self.name = name
        self._model, self._key, self._url, self._timeout, self._quirks = model, key, url, timeout, quirks
        self._transport: Transport | None = None
        self._opening = asyncio.Lock()

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What it can do."""

    @abstractmethod
    def request_body(self, prompt: Prompt, settings: Settings) -> dict[str, Any]:
        """The request that asks ``prompt``, before quirks; raises ``RefusedError`` where there is none."""

    @abstractmethod
    async def endpoint(self) -> Endpoint:
        """Where calls go."""

    @abstractmethod
    def read(self, call: Call, reply: Reply) -> Completion:
        """The completion in the body of an answer, or the error that it tells or is."""

    @abstractmethod
    def fault(self, reply: Reply) -> CallError:
        """What went wrong, as a reply with an error status tells it."""

    def refused(self, call: Call, reply: Reply) -> Completion:
        """The completion of a call that the server answered with an error status."""
        return call.done(None, error=self.fault(reply))

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

    def fitted(self, prompt: Prompt, settings: Settings) -> dict[str, Any]:
        """The request that asks ``prompt``, as the server takes it; raises ``RefusedError`` where it takes none."""
        return self._quirks.fitted(self.request_body(prompt, settings), fallback=falls_back(prompt))

    def seconds(self, settings: Settings | None = None) -> float:
        """How long a call may take; without settings, one that leaves nothing to think about."""
        if self._timeout is not None:
            return self._timeout
        return TIMEOUT + (thinking_room(self.name, settings) / SLOWEST_THOUGHT if settings else 0.0)

    def without_key(self, words: str) -> str:
        """Words of a server or an SDK, without the key should they hold it."""
        return words.replace(self._key, "…") if len(self._key) >= SHORTEST_SECRET else words

    async def _ask(self, prompt: Prompt, settings: Settings) -> Completion:
        call = Call.start(prompt, self._model)
        seconds = self.seconds(settings)
        try:
            sent = self.fitted(prompt, settings)
            for _ in range(MOST_LEARNED):
                if (reply := await (await self._line()).post(sent, seconds)).status not in {400, 422}:
                    break
                self._learn(sent, reply)
                if (fitted := self.fitted(prompt, settings)) == sent:
                    break  # refused, and we know no way round it
                sent = fitted
        except RefusedError as error:
            return call.failed("bad_request", f"{self.name}: {error}")
        except TransportError as error:
            return call.failed(error.kind, f"{error}{_ADVICE.get(error.kind, '')}")
        return self.refused(call, reply) if reply.status >= 400 else self.read(call, reply)

    def _learn(self, sent: dict[str, Any], reply: Reply) -> None:
        """Learns what a refusal teaches of requests."""
        self._quirks.learn(sent, said(reply), text_at(reply.json(), "error", "param"))

    async def _line(self) -> Transport:
        if self._transport is None:
            async with self._opening:
                if self._transport is None:
                    self._transport = Transport(await self.endpoint(), [self._key])
        return self._transport


def falls_back(prompt: Prompt) -> bool:
    """Whether a prompt may be asked without the log probabilities it asks for."""
    return prompt.trial.elicitation == "probabilities_or_choice"


def said(reply: Reply) -> str:
    """What an error says of itself."""
    content = reply.json()
    content = content[0] if isinstance(content, list) and content else content
    return str(at(content, "error", "message") or at(content, "error") or at(content, "message") or reply.text)
