"""Anthropic's Message Batches: requests are handed in together, and their results fetched within a day."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from culturesim.backends.anthropic_api import AnthropicChat, completion_in, is_message, kind_of_error
from culturesim.backends.base import BatchState, Call, Capabilities, at, count_at, excerpt, text_at
from culturesim.backends.batch_service import LONG, Batch, BatchService, SdkErrors
from culturesim.backends.quirks import RefusedError
from culturesim.errors import BatchError
from culturesim.records import Completion, Prompt, Settings

_LEFT_OUT = {"canceled", "expired"}


class AnthropicBatches(AnthropicChat, BatchService):
    """Messages, one by one or by batch."""

    largest_batch = 100_000
    of_a_batch = MappingProxyType({"id": str, "created_at": str, "processing_status": str, "request_counts": dict})
    after = "after_id"

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
        async with self._service(LONG) as sdk:
            batch = self._id_in(await sdk.messages.batches.with_raw_response.create(requests=requests))
        self._marks[batch] = mark
        return batch

    async def find(self, mark: str, prompts: Sequence[Prompt], since: datetime, known: Sequence[str]) -> str | None:
        """The id of the batch of these prompts.

        The API keeps no mark of ours, and names of requests only with their results. So ours is the newest batch made
        since then (less a minute, for clocks that differ) with as many requests, that is not known as another one, and
        whose results, once it has ended, are our trials'. While under way, another batch of the same size
        may be taken for it. That costs time and no answers: its results are of no trial asked for, so those are
        asked again.
        """
        trials = {prompt.trial.id for prompt in prompts}
        async with self._service(self.seconds()) as sdk:
            async for batch in self._listed(sdk.messages.batches.with_raw_response.list):
                if datetime.fromisoformat(batch["created_at"]) < since - timedelta(minutes=1):
                    break
                another = batch["id"] in known or self._marks.get(batch["id"], mark) != mark
                if another or _total(batch) != len(trials):
                    continue
                if batch["processing_status"] != "ended" or await self._is_of(sdk, batch, trials):
                    self._marks[batch["id"]] = mark
                    return str(batch["id"])
        return None

    async def state(self, batch: str) -> BatchState:
        """How far a batch is."""
        async with self._service(self.seconds(), batch) as sdk:
            told = self._batch_in(await sdk.messages.batches.with_raw_response.retrieve(batch))
        status, total = told["processing_status"], _total(told)
        under_way = count_at(told, "request_counts", "processing") or 0
        return BatchState(status == "ended", total, total - under_way, status)

    async def results(self, batch: str, prompts: Mapping[str, Prompt]) -> AsyncIterator[Completion]:
        """What came of an ended batch, read line by line."""
        async with self._service(LONG, batch) as sdk:
            told = self._batch_in(await sdk.messages.batches.with_raw_response.retrieve(batch))
            if not told.get("results_url"):
                raise self._lost(f"{self._url} has no results of batch {batch} any more (no results_url)", "gone")
            async for entry in self._results(sdk, batch):
                prompt = prompts.get(str(at(entry, "custom_id")))
                if prompt is not None and at(entry, "result", "type") not in _LEFT_OUT:
                    yield self._completion(Call.start(prompt, self._model), at(entry, "result"))

    async def cancel(self, batch: str) -> None:
        """Ask the provider to end a batch early."""
        async with self._service(self.seconds()) as sdk:
            await sdk.messages.batches.cancel(batch)

    async def _is_of(self, sdk: Any, batch: Batch, trials: set[str]) -> bool:
        """Whether an ended batch is of these trials, told by the first of its results."""
        if not batch.get("results_url"):  # archived: nothing is to be had of it any more
            return False
        async for entry in self._results(sdk, batch["id"]):
            return at(entry, "custom_id") in trials
        return False

    async def _results(self, sdk: Any, batch: str) -> AsyncIterator[object]:
        async with sdk.messages.batches.with_streaming_response.results(batch) as response:
            async for entry in self._entries(response):
                yield entry

    def _sdk_errors(self) -> SdkErrors:
        import anthropic

        return SdkErrors(anthropic.APIStatusError, anthropic.APIConnectionError, anthropic.AnthropicError)

    def _completion(self, call: Call, result: object) -> Completion:
        if is_message(at(result, "message")):
            return completion_in(call, at(result, "message"), self._model)
        told = text_at(result, "error", "error", "message")
        if told is None:
            return call.failed("malformed", f"{self._url} gave neither a message nor an error in a batch")
        kind = kind_of_error(text_at(result, "error", "error", "type"), told) or "server"
        return call.failed(kind, f"{self._url}, in a batch: {excerpt(told, 300)}{self.way_out(kind, told)}")


def _total(batch: Batch) -> int:
    counts = at(batch, "request_counts")
    return sum(count_at(counts, name) or 0 for name in counts)
