"""OpenAI's Batch API: a file of requests is handed in, and files of answers and errors are fetched within a day."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

import orjson

from culturesim.backends.base import BatchState, Call, Capabilities, at, count_at, text_at
from culturesim.backends.batch_service import LONG, BatchService, SdkErrors
from culturesim.backends.openai_api import OpenAIChat
from culturesim.backends.quirks import RefusedError
from culturesim.backends.transport import Reply
from culturesim.errors import BatchError, BatchLostError
from culturesim.records import Completion, Prompt, Settings

MARK = "culturesim"
"""The name of our mark in a batch's metadata."""

_COUNTS = ("total", "completed", "failed")
_ENDED = {"completed", "expired", "cancelled"}
_FULL = "token_limit_exceeded"
_UNREACHED = {"batch_expired", "batch_cancelled"}


class OpenAIBatches(OpenAIChat, BatchService):
    """Chat completions, one by one or by batch."""

    largest_batch = 50_000
    of_a_batch = MappingProxyType({"id": str, "created_at": int, "status": str})
    after = "after"

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return replace(super().capabilities, batches=True)

    async def submit(self, prompts: Sequence[Prompt], settings: Settings, mark: str) -> str:
        """Hand in a batch and return its id."""
        lines = b"".join(self._line_of(prompt, settings) for prompt in prompts)
        async with self._service(LONG) as sdk:
            file = await sdk.files.with_raw_response.create(file=(f"{mark}.jsonl", lines), purpose="batch")
            batch = await sdk.batches.with_raw_response.create(
                input_file_id=self._id_in(file), endpoint="/v1/chat/completions", completion_window="24h",
                metadata={MARK: mark},
            )  # fmt: skip
            return self._id_in(batch)

    async def find(self, mark: str, prompts: Sequence[Prompt], since: datetime, known: Sequence[str]) -> str | None:
        """The id of the batch with this mark, if there is one."""
        async with self._service(self.seconds()) as sdk:
            async for batch in self._listed(sdk.batches.with_raw_response.list):
                if at(batch, "metadata", MARK) == mark:
                    return str(batch["id"])
                if batch["created_at"] < since.timestamp() - 60:
                    break
        return None

    async def state(self, batch: str) -> BatchState:
        """How far a batch is; ``BatchLostError`` for one that was turned down."""
        async with self._service(self.seconds(), batch) as sdk:
            told = self._batch_in(await sdk.batches.with_raw_response.retrieve(batch))
        if told["status"] == "failed":
            raise self._turned_down(batch, at(told, "errors", "data") or [])
        total, completed, failed = (count_at(told, "request_counts", name) or 0 for name in _COUNTS)
        return BatchState(told["status"] in _ENDED, total, completed + failed, told["status"])

    async def results(self, batch: str, prompts: Mapping[str, Prompt]) -> AsyncIterator[Completion]:
        """What came of an ended batch, read line by line."""
        async with self._service(LONG, batch) as sdk:
            told = self._batch_in(await sdk.batches.with_raw_response.retrieve(batch))
            for file in filter(None, (told.get("output_file_id"), told.get("error_file_id"))):
                async with sdk.files.with_streaming_response.content(file) as response:
                    async for entry in self._entries(response):
                        if (completion := self._completion(entry, prompts)) is not None:
                            yield completion

    async def cancel(self, batch: str) -> None:
        """Ask the provider to end a batch early."""
        async with self._service(self.seconds()) as sdk:
            await sdk.batches.cancel(batch)

    def _turned_down(self, batch: str, errors: list[object]) -> BatchLostError:
        said = "; ".join(text_at(error, "message") or "" for error in errors[:3])
        full = any(text_at(error, "code") == _FULL for error in errors)
        message = f"{self._url} turned batch {batch} down: {said or 'it does not say why'}"
        return self._lost(message, "full" if full else "refused")

    def _line_of(self, prompt: Prompt, settings: Settings) -> bytes:
        try:
            body = self.fitted(prompt, settings)
        except RefusedError as error:
            raise BatchError(f"{self.name}: {error}") from None
        entry = {"custom_id": prompt.trial.id, "method": "POST", "url": "/v1/chat/completions", "body": body}
        return orjson.dumps(entry) + b"\n"

    def _completion(self, entry: object, prompts: Mapping[str, Prompt]) -> Completion | None:
        """The completion a line tells of; None where it is of no trial of ours, or of one that was not reached."""
        prompt = prompts.get(str(at(entry, "custom_id")))
        if prompt is None or text_at(entry, "error", "code") in _UNREACHED:
            return None
        call = Call.start(prompt, self._model)
        status, body = count_at(entry, "response", "status_code"), at(entry, "response", "body")
        if status is None:
            told = text_at(entry, "error", "message") or "no answer in the batch"
            return call.failed("server", f"{self._url}: {told}")
        reply = Reply(status, {"content-type": "application/json"}, orjson.dumps(body))
        return self.refused(call, reply) if status >= 400 else self.read(call, reply)

    def _sdk_errors(self) -> SdkErrors:
        import openai

        return SdkErrors(openai.APIStatusError, openai.APIConnectionError, openai.OpenAIError)
