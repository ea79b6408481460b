"""Anthropic's Message Batches: requests are handed in together, and their results fetched within a day."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from json import JSONDecodeError
from typing import Any

import orjson

from culturesim.backends.anthropic_api import AnthropicChat, completion_in, is_message, kind_of_error
from culturesim.backends.base import BatchState, Call, Capabilities, at, excerpt, kind_of_status, text_at
from culturesim.backends.headers import retry_after
from culturesim.backends.quirks import RefusedError
from culturesim.errors import BatchError
from culturesim.records import TRANSIENT_ERRORS, Completion, Prompt, Settings

LOOKED_THROUGH = 200
"""Batches looked through for ours, newest first."""

_LONG = 600.0  # seconds that handing in or fetching a whole batch may take
_LEFT_OUT = {"canceled", "expired"}


class AnthropicBatches(AnthropicChat):
    """Messages, one by one or by batch."""

    largest_batch = 100_000

    def __init__(self, *args: Any, **others: Any) -> None:
        super().__init__(*args, **others)
        self._marks: dict[str, str] = {}  # batch → the mark it was handed in with, or found by, in this process

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return replace(super().capabilities, batches=True)

    async def submit(self, prompts: Sequence[Prompt], settings: Settings, mark: str) -> str:
        """Hand in a batch and return its id. The API has no place for ``mark``: see ``find``."""
        try:
            requests: Any = [{"custom_id": each.trial.id, "params": self.fitted(each, settings)} for each in prompts]
        except RefusedError as error:
            raise BatchError(f"{self.name}: {error}") from None
        async with self._service(_LONG) as batches:
            batch = str(self._checked(await batches.create(requests=requests)).id)
        self._marks[batch] = mark
        return batch

    async def find(self, mark: str, prompts: Sequence[Prompt], since: datetime) -> str | None:
        """The id of the batch of these prompts.

        The API keeps no mark of ours, and names of requests only with their results. So ours is the newest batch made
        since then (less a minute, for clocks that differ) with as many requests, that this process knows by no other
        mark, and whose results, once it has ended, are our trials'. While under way, another batch of the same size
        may be taken for it. That costs time and no answers: its results are of no trial asked for, so those are
        asked again.
        """
        trials, seen = {prompt.trial.id for prompt in prompts}, 0
        async with self._service(self.seconds()) as batches:
            async for batch in batches.list(limit=100):
                seen += 1
                if seen > LOOKED_THROUGH or self._checked(batch).created_at < since - timedelta(minutes=1):
                    break
                if self._marks.get(batch.id, mark) != mark or _total(batch) != len(trials):
                    continue
                if batch.processing_status != "ended" or await self._is_of(batches, batch, trials):
                    self._marks[batch.id] = mark
                    return str(batch.id)
        return None

    async def state(self, batch: str) -> BatchState:
        """How far a batch is."""
        async with self._service(self.seconds()) as batches:
            told = self._checked(await batches.retrieve(batch))
        done = _total(told) - told.request_counts.processing
        return BatchState(told.processing_status == "ended", _total(told), done, told.processing_status)

    async def results(self, batch: str, prompts: Mapping[str, Prompt]) -> AsyncIterator[Completion]:
        """What came of an ended batch, read line by line."""
        async with self._service(_LONG) as batches:
            async for entry in self._entries(batches, batch):
                prompt = prompts.get(str(at(entry, "custom_id")))
                if prompt is not None and at(entry, "result", "type") not in _LEFT_OUT:
                    yield self._completion(Call.start(prompt, self._model), at(entry, "result"))

    async def cancel(self, batch: str) -> None:
        """Ask the provider to end a batch early."""
        async with self._service(self.seconds()) as batches:
            await batches.cancel(batch)

    async def _is_of(self, batches: Any, batch: Any, trials: set[str]) -> bool:
        """Whether an ended batch is of these trials, told by the first of its results."""
        if not batch.results_url:  # archived: nothing is to be had of it any more
            return False
        async for entry in self._entries(batches, batch.id):
            return at(entry, "custom_id") in trials
        return False

    async def _entries(self, batches: Any, batch: str) -> AsyncIterator[object]:
        """The decoded lines of a batch's results, without the key, one in memory at a time."""
        async with batches.with_streaming_response.results(batch) as response:
            async for line in _lines(response.iter_bytes()):
                yield orjson.loads(self.without_key(line.decode()))

    def _completion(self, call: Call, result: object) -> Completion:
        if is_message(at(result, "message")):
            return completion_in(call, at(result, "message"), self._model)
        told = text_at(result, "error", "error", "message")
        if told is None:
            return call.failed("malformed", f"{self._url} gave neither a message nor an error in a batch")
        kind = kind_of_error(text_at(result, "error", "error", "type"), told) or "server"
        return call.failed(kind, f"{self._url}, in a batch: {excerpt(told, 300)}")

    # The service and its faults

    @asynccontextmanager
    async def _service(self, timeout: float) -> AsyncIterator[Any]:
        """The SDK's batches; its errors, and those of the line, become ours."""
        with self._telling_faults():
            async with self._sdk().with_options(timeout=timeout) as sdk:
                yield sdk.messages.batches

    def _checked(self, told: Any) -> Any:
        """A batch as the SDK gives it, who lets anything pass for one."""
        if all(getattr(told, name, None) for name in ("id", "created_at", "processing_status", "request_counts")):
            return told
        raise BatchError(f"{self._url} answered no batch but {excerpt(str(told))}; check --base-url", passing=True)

    @contextmanager
    def _telling_faults(self) -> Iterator[None]:
        import anthropic
        import httpx2

        try:
            yield
        except anthropic.APIStatusError as error:
            told = text_at(error.body, "error", "message") or error.message
            kind = kind_of_error(text_at(error.body, "error", "type"), told) or kind_of_status(error.status_code)
            message = f"{self._url} answered {error.status_code}: {excerpt(told, 300)}"
            message += f"; check {self._variable}" if kind == "auth" else ""
            wait = retry_after(error.response.headers)
            raise self._fault(message, passing=kind in TRANSIENT_ERRORS, retry_after=wait) from None
        except (anthropic.APIConnectionError, httpx2.HTTPError) as error:  # the latter in the midst of a body
            raise self._fault(f"cannot reach {self._url}: {error}", passing=True) from None
        except (JSONDecodeError, UnicodeDecodeError) as error:
            raise self._fault(f"{self._url} answered broken JSON: {error}", passing=True) from None
        except anthropic.AnthropicError as error:
            raise self._fault(f"{self._url}: {error}") from None

    def _fault(self, message: str, **others: Any) -> BatchError:
        return BatchError(self.without_key(message), **others)


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The lines in pieces of a file, ended by line feeds alone: JSON may hold all other breaks."""
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in filter(bytes.strip, lines):
            yield line
    if rest.strip():
        yield rest


def _total(batch: Any) -> int:
    counts = batch.request_counts
    return int(counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired)
