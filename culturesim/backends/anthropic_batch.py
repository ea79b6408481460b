"""Anthropic's Message Batches: requests are handed in together, and their results fetched within a day."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from culturesim.backends.anthropic_api import AnthropicChat, completion_in, kind_of_error
from culturesim.backends.base import BatchState, Call, Capabilities
from culturesim.backends.quirks import RefusedError
from culturesim.errors import BatchError
from culturesim.records import Completion, Prompt, Settings

LOOKED_THROUGH = 200
"""Batches looked through for ours, newest first."""

_LONG = 600.0  # seconds a request of a whole batch may take
_LEFT_OUT = {"canceled", "expired"}


class AnthropicBatches(AnthropicChat):
    """Messages, one by one or by batch."""

    largest_batch = 100_000

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
        with self._telling_faults():
            async with self._patient_sdk() as sdk:
                return str((await sdk.messages.batches.create(requests=requests)).id)

    async def find(self, mark: str, prompts: Sequence[Prompt], since: datetime) -> str | None:
        """The id of the batch of these prompts.

        The API keeps no mark of ours, and names of requests only with their results. So ours is the batch made since
        then with as many requests, whose results, once it has ended, are our trials'. Another program's batch of the
        same size, made in the same minute, could be taken for it while it is under way.
        """
        trials, seen = {prompt.trial.id for prompt in prompts}, 0
        with self._telling_faults():
            async with self._patient_sdk() as sdk:
                async for batch in sdk.messages.batches.list(limit=100):
                    seen += 1
                    if seen > LOOKED_THROUGH or batch.created_at < since - timedelta(minutes=1):
                        break
                    if _total(batch) == len(trials) and await self._may_be_of(sdk, batch, trials):
                        return str(batch.id)
        return None

    async def _may_be_of(self, sdk: Any, batch: Any, trials: set[str]) -> bool:
        if batch.processing_status != "ended":
            return True
        async for result in await sdk.messages.batches.results(batch.id):
            return result.custom_id in trials
        return False

    async def state(self, batch: str) -> BatchState:
        """How far a batch is."""
        with self._telling_faults():
            async with self._patient_sdk() as sdk:
                told = await sdk.messages.batches.retrieve(batch)
        done = _total(told) - told.request_counts.processing
        return BatchState(told.processing_status == "ended", _total(told), done, told.processing_status)

    async def results(self, batch: str, prompts: Mapping[str, Prompt]) -> AsyncIterator[Completion]:
        """What came of an ended batch, read line by line."""
        with self._telling_faults():
            async with self._patient_sdk() as sdk:
                async for line in await sdk.messages.batches.results(batch):
                    prompt = prompts.get(line.custom_id)
                    if prompt is not None and line.result.type not in _LEFT_OUT:
                        yield self._completion(Call.start(prompt, self._model), line.result)

    async def cancel(self, batch: str) -> None:
        """Ask the provider to end a batch early."""
        with self._telling_faults():
            async with self._patient_sdk() as sdk:
                await sdk.messages.batches.cancel(batch)

    def _completion(self, call: Call, result: Any) -> Completion:
        if result.type == "succeeded":
            return completion_in(call, result.message.model_dump(mode="json"), self._model)
        error = result.error.error
        kind = kind_of_error(error.type, error.message) or "server"
        return call.failed(kind, self.without_key(f"{self._url}, in a batch: {error.message}"))

    def _patient_sdk(self) -> Any:
        return self._sdk().with_options(timeout=_LONG)

    @contextmanager
    def _telling_faults(self) -> Iterator[None]:
        """Turns the SDK's errors into ours, without the key."""
        import anthropic

        try:
            yield
        except anthropic.APIStatusError as error:
            passing = error.status_code in {408, 409, 429} or error.status_code >= 500
            raise BatchError(
                self.without_key(f"{self._url} answered {error.status_code}: {error.message}"), passing=passing
            ) from None
        except anthropic.APIError as error:
            raise BatchError(self.without_key(f"cannot reach {self._url}: {error}"), passing=True) from None


def _total(batch: Any) -> int:
    counts = batch.request_counts
    return int(counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired)
