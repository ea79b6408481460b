"""OpenAI's Batch API: a file of requests is handed in, and files of answers and errors are fetched within a day."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from culturesim.backends.base import BatchState, Call, Capabilities, at, count_at, text_at
from culturesim.backends.openai_api import OpenAIChat, completion_in, is_completion
from culturesim.backends.quirks import RefusedError
from culturesim.backends.transport import Reply
from culturesim.errors import BatchError
from culturesim.records import Completion, Prompt, Settings

MARK = "culturesim"
"""The name of our mark in a batch's metadata."""

LOOKED_THROUGH = 200
"""Batches looked through for ours, newest first."""

_ENDED = {"completed", "expired", "cancelled"}
_UNREACHED = {"batch_expired", "batch_cancelled"}
_PATIENCE = 600.0  # seconds a file may take to go up or down


class OpenAIBatches(OpenAIChat):
    """Chat completions, one by one or by batch."""

    largest_batch = 50_000

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return replace(super().capabilities, batches=True)

    async def submit(self, prompts: Sequence[Prompt], settings: Settings, mark: str) -> str:
        """Hand in a batch and return its id."""
        lines = b"".join(self._line_of(prompt, settings) for prompt in prompts)
        with self._telling_faults():
            async with self._patient_sdk() as sdk:
                file = await sdk.files.create(file=(f"{mark}.jsonl", lines), purpose="batch")
                batch = await sdk.batches.create(
                    input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h",
                    metadata={MARK: mark},
                )  # fmt: skip
        return str(batch.id)

    async def find(self, mark: str, prompts: Sequence[Prompt], since: datetime) -> str | None:
        """The id of the batch with this mark, if there is one."""
        seen = 0
        with self._telling_faults():
            async with self._patient_sdk() as sdk:
                async for batch in sdk.batches.list(limit=100):
                    seen += 1
                    if (batch.metadata or {}).get(MARK) == mark:
                        return str(batch.id)
                    if seen >= LOOKED_THROUGH or batch.created_at < since.timestamp() - 60:
                        break
        return None

    async def state(self, batch: str) -> BatchState:
        """How far a batch is; ``BatchError`` for one that was turned down."""
        with self._telling_faults():
            async with self._patient_sdk() as sdk:
                told = await sdk.batches.retrieve(batch)
        if told.status == "failed":
            data = told.errors.data if told.errors and told.errors.data else []
            said = "; ".join(error.message or "" for error in data[:3])
            raise BatchError(f"{self._url} turned batch {batch} down: {said or 'it does not say why'}")
        counts = told.request_counts
        done = counts.completed + counts.failed if counts else 0
        return BatchState(told.status in _ENDED, counts.total if counts else 0, done, told.status)

    async def results(self, batch: str, prompts: Mapping[str, Prompt]) -> AsyncIterator[Completion]:
        """What came of an ended batch, read line by line."""
        with self._telling_faults():
            async with self._patient_sdk() as sdk:
                told = await sdk.batches.retrieve(batch)
                for file in filter(None, (told.output_file_id, told.error_file_id)):
                    async with sdk.files.with_streaming_response.content(file) as response:
                        async for line in response.iter_lines():
                            completion = self._completion(line, prompts) if line.strip() else None
                            if completion is not None:
                                yield completion

    async def cancel(self, batch: str) -> None:
        """Ask the provider to end a batch early."""
        with self._telling_faults():
            async with self._patient_sdk() as sdk:
                await sdk.batches.cancel(batch)

    def _line_of(self, prompt: Prompt, settings: Settings) -> bytes:
        try:
            body = self.fitted(prompt, settings)
        except RefusedError as error:
            raise BatchError(f"{self.name}: {error}") from None
        entry = {"custom_id": prompt.trial.id, "method": "POST", "url": "/v1/chat/completions", "body": body}
        return orjson.dumps(entry) + b"\n"

    def _completion(self, line: str, prompts: Mapping[str, Prompt]) -> Completion | None:
        """The completion a line tells of; None where it is of no trial of ours, or of one that was not reached."""
        entry = orjson.loads(line.replace(self._key, "…"))
        prompt = prompts.get(str(at(entry, "custom_id")))
        if prompt is None or text_at(entry, "error", "code") in _UNREACHED:
            return None
        call = Call.start(prompt, self._model)
        status, body = count_at(entry, "response", "status_code"), at(entry, "response", "body")
        if status is None:
            return call.failed(
                "server", f"{self._url}: {text_at(entry, 'error', 'message') or 'no answer in the batch'}"
            )
        if status >= 400:
            return self.refused(call, Reply(status, {}, orjson.dumps(body)))
        if not is_completion(body):
            return call.failed("malformed", f"{self._url} answered no chat completion in batch")
        return completion_in(call, body, self._model)

    def _patient_sdk(self) -> Any:
        return self._sdk().with_options(timeout=_PATIENCE)

    @contextmanager
    def _telling_faults(self) -> Iterator[None]:
        """Turns the SDK's errors into ours, without the key."""
        import openai

        try:
            yield
        except openai.APIStatusError as error:
            passing = error.status_code in {408, 409, 429} or error.status_code >= 500
            raise BatchError(self.without_key(f"{self._url} answered {error.status_code}: {error.message}"),
                             passing=passing and error.code != "insufficient_quota") from None  # fmt: skip
        except openai.APIError as error:
            raise BatchError(self.without_key(f"cannot reach {self._url}: {error}"), passing=True) from None
