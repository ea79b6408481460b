"""OpenAI's Batch API: a file of requests is handed in, and files of answers and errors are fetched within a day."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

import orjson

from culturesim.backends.base import BatchState, Call, Capabilities, at, count_at, text_at
from culturesim.backends.batch_service import LONG, BatchService, SdkErrors
from culturesim.backends.chat import falls_back
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
        """What came of an ended batch, read line by line. Those are left out that were refused for what we now know."""
        refused: dict[str, Reply] = {}
        async with self._service(LONG, batch) as sdk:
            told = self._batch_in(await sdk.batches.with_raw_response.retrieve(batch))
            for file in filter(None, (told.get("output_file_id"), told.get("error_file_id"))):
                async for entry in self._file(sdk, file):
                    if (completion := self._completion(entry, prompts, refused)) is not None:
                        yield completion
        sent = await self._requests(batch, told.get("input_file_id") or "", refused)
        for name, reply in refused.items():
            if (completion := self._in_vain(prompts[name], sent.get(name), reply)) is not None:
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

    def _completion(self, entry: object, prompts: Mapping[str, Prompt], refused: dict[str, Reply]) -> Completion | None:
        """The completion a line tells of; None where it is of no trial of ours or not reached, or joins ``refused``."""
        name = str(at(entry, "custom_id"))
        if name not in prompts or text_at(entry, "error", "code") in _UNREACHED:
            return None
        call = Call.start(prompts[name], self._model)
        status, body = count_at(entry, "response", "status_code"), at(entry, "response", "body")
        if status is None:
            told = text_at(entry, "error", "message") or "no answer in the batch"
            return call.failed("server", f"{self._url}: {told}")
        reply = Reply(status, {"content-type": "application/json"}, orjson.dumps(body))
        completion = self.refused(call, reply) if status >= 400 else self.read(call, reply)
        if completion.error is not None and completion.error.kind == "bad_request":
            refused[name] = reply
            return None
        return completion

    def _in_vain(self, prompt: Prompt, sent: dict[str, Any] | None, reply: Reply) -> Completion | None:
        """The completion of a request that was refused; None where it teaches how to ask again."""
        call = Call.start(prompt, self._model)
        if sent is not None:
            self._learn(sent, reply)
            try:
                if self._quirks.fitted(sent, fallback=falls_back(prompt)) != sent:
                    return None
            except RefusedError as error:
                return call.failed("bad_request", f"{self.name}: {error}")
        return self.refused(call, reply)

    async def _requests(self, batch: str, file: str, names: Collection[str]) -> dict[str, dict[str, Any]]:
        """What was asked for these trials, from the file that was handed in; nothing where that is there no more."""
        if not names or not file:
            return {}
        try:
            async with self._service(LONG, batch) as sdk:
                asked = [entry async for entry in self._file(sdk, file) if at(entry, "custom_id") in names]
        except BatchLostError:
            return {}
        return {at(entry, "custom_id"): body for entry in asked if isinstance(body := at(entry, "body"), dict)}

    async def _file(self, sdk: Any, file: str) -> AsyncIterator[object]:
        async with sdk.files.with_streaming_response.content(file) as response:
            async for entry in self._entries(response):
                yield entry

    def _sdk_errors(self) -> SdkErrors:
        import openai

        return SdkErrors(openai.APIStatusError, openai.APIConnectionError, openai.OpenAIError)
