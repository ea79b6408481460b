"""Batches in both protocols: many requests handed in at once, answered after a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from culturesim.serve import protocols as wire
from culturesim.serve.faults import STATUSES, Fault, Faults

if TYPE_CHECKING:
    from aiohttp import web

DAY = 24 * 3600
Answer = Callable[[wire.Body, bool, Fault | None], wire.Body]


@dataclass
class _Batch:
    """Requests by custom id, and how each of them will end."""

    id: str
    created: float
    ends: float
    requests: Mapping[str, wire.Body]
    endings: Mapping[str, str]
    metadata: Mapping[str, str] = field(default_factory=dict)
    input_file: str = ""
    cancelled: float | None = None

    @property
    def ended(self) -> bool:
        return time.time() >= self.ends or self.cancelled is not None

    def ending(self, custom_id: str) -> str:
        """ "" for an answer, else the kind of its fault, "expired" or "canceled"."""
        return "canceled" if self.cancelled is not None else self.endings[custom_id]

    def count(self, *endings: str) -> int:
        """How many ended so; with none named, how many ended in an error."""
        told = [self.ending(custom_id) for custom_id in self.requests]
        return sum(each in endings if endings else each not in {"", "expired", "canceled"} for each in told)


class Batches:
    """Files and batches of one service, in memory. A request of a batch may be hit by a fault, drawn by its place."""

    def __init__(self, answer: Answer, faults: Faults, seconds: float) -> None:
        self._answer, self._faults, self._seconds = answer, faults, seconds
        self._files: dict[str, bytes] = {}
        self._batches: dict[str, _Batch] = {}

    @property
    def count(self) -> int:
        """How many batches were handed in."""
        return len(self._batches)

    def add_routes(self, app: web.Application) -> None:
        """The routes of both protocols."""
        app.router.add_post("/v1/files", self._upload)
        app.router.add_get("/v1/files/{id}/content", self._content)
        app.router.add_post("/v1/batches", self._create_openai)
        app.router.add_get("/v1/batches", self._list_openai)
        app.router.add_get("/v1/batches/{id}", self._get_openai)
        app.router.add_post("/v1/batches/{id}/cancel", self._cancel_openai)
        app.router.add_post("/v1/messages/batches", self._create_anthropic)
        app.router.add_get("/v1/messages/batches", self._list_anthropic)
        app.router.add_get("/v1/messages/batches/{id}", self._get_anthropic)
        app.router.add_get("/v1/messages/batches/{id}/results", self._results_anthropic)
        app.router.add_post("/v1/messages/batches/{id}/cancel", self._cancel_anthropic)

    def _handed_in(self, prefix: str, requests: Mapping[str, wire.Body], **others: Any) -> _Batch:
        number = f"{prefix}_{len(self._batches) + 1:04d}"
        now = time.time()
        endings = {name: self._ending(f"{number} {place}") for place, name in enumerate(requests)}
        batch = _Batch(number, now, now + self._seconds, requests, endings, **others)
        self._batches[number] = batch
        return batch

    def _ending(self, call: str) -> str:
        fault = self._faults.of(call)
        return fault.kind if fault is not None and (fault.kind in STATUSES or fault.kind == "expired") else ""

    def _batch(self, request: web.Request) -> _Batch:
        from aiohttp import web

        batch = self._batches.get(request.match_info["id"])
        if batch is None:
            body = wire.error_body(404, "no such batch", anthropic="messages" in request.path)
            raise web.HTTPNotFound(body=wire.packed(body), content_type="application/json")
        return batch

    # OpenAI

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        upload = form["file"]
        data = upload.encode() if isinstance(upload, str) else upload.file.read()  # type: ignore[union-attr]
        return _json(self._stored(data))

    def _stored(self, data: bytes) -> wire.Body:
        number = f"file-{len(self._files) + 1:04d}"
        self._files[number] = data
        return {"id": number, "object": "file", "bytes": len(data), "created_at": int(time.time()),
                "filename": "batch.jsonl", "purpose": "batch", "status": "processed"}  # fmt: skip

    async def _content(self, request: web.Request) -> web.Response:
        from aiohttp import web

        number = request.match_info["id"]
        if number.startswith(("output-", "errors-")):
            batch = self._batches[number.partition("-")[2]]
            wanted = number.startswith("output-")
            parts = [self._line(batch, name) for name in batch.requests if (not batch.ending(name)) == wanted]
            return web.Response(body=wire.lines([part for part in parts if part]))
        return web.Response(body=self._files[number])

    def _line(self, batch: _Batch, name: str) -> wire.Body | None:
        ending = batch.ending(name)
        if ending == "canceled":
            return None
        line: wire.Body = {"id": f"{batch.id}-{name}", "custom_id": name, "response": None, "error": None}
        if ending == "expired":
            return line | {"error": {"code": "batch_expired", "message": "it was not reached in time"}}
        if ending:
            status = STATUSES[ending]
            code = "insufficient_quota" if ending == "quota" else None
            body = wire.error_body(status, f"this call was to fail: {ending}", anthropic=False, code=code)
        else:
            status, body = 200, self._answer(batch.requests[name], False, None)
        return line | {"response": {"status_code": status, "request_id": "r", "body": body}}

    async def _create_openai(self, request: web.Request) -> web.Response:
        asked = orjson.loads(await request.read())
        entries = [orjson.loads(line) for line in self._files[asked["input_file_id"]].splitlines() if line.strip()]
        requests = {entry["custom_id"]: entry["body"] for entry in entries}
        batch = self._handed_in("batch", requests, metadata=asked.get("metadata") or {},
                                input_file=asked["input_file_id"])  # fmt: skip
        return _json(_openai(batch))

    async def _list_openai(self, request: web.Request) -> web.Response:
        newest = [batch for batch in reversed(self._batches.values()) if batch.input_file]
        first, count = 0, int(request.query.get("limit", "20"))
        if after := request.query.get("after"):
            first = [batch.id for batch in newest].index(after) + 1
        page = newest[first : first + count]
        return _json({"object": "list", "data": [_openai(batch) for batch in page],
                      "first_id": page[0].id if page else None, "last_id": page[-1].id if page else None,
                      "has_more": first + count < len(newest)})  # fmt: skip

    async def _get_openai(self, request: web.Request) -> web.Response:
        return _json(_openai(self._batch(request)))

    async def _cancel_openai(self, request: web.Request) -> web.Response:
        batch = self._batch(request)
        batch.cancelled = batch.cancelled or time.time()
        return _json(_openai(batch))

    # Anthropic

    async def _create_anthropic(self, request: web.Request) -> web.Response:
        asked = orjson.loads(await request.read())
        batch = self._handed_in("msgbatch", {entry["custom_id"]: entry["params"] for entry in asked["requests"]})
        return _json(_anthropic(batch, request))

    async def _list_anthropic(self, request: web.Request) -> web.Response:
        newest = [batch for batch in reversed(self._batches.values()) if not batch.input_file]
        first, count = 0, int(request.query.get("limit", "20"))
        if after := request.query.get("after_id"):
            first = [batch.id for batch in newest].index(after) + 1
        page = newest[first : first + count]
        return _json({"data": [_anthropic(batch, request) for batch in page],
                      "first_id": page[0].id if page else None, "last_id": page[-1].id if page else None,
                      "has_more": first + count < len(newest)})  # fmt: skip

    async def _get_anthropic(self, request: web.Request) -> web.Response:
        return _json(_anthropic(self._batch(request), request))

    async def _cancel_anthropic(self, request: web.Request) -> web.Response:
        batch = self._batch(request)
        batch.cancelled = batch.cancelled or time.time()
        return _json(_anthropic(batch, request))

    async def _results_anthropic(self, request: web.Request) -> web.Response:
        from aiohttp import web

        batch = self._batch(request)
        return web.Response(body=wire.lines([self._result(batch, name) for name in batch.requests]),
                            content_type="application/x-jsonl")  # fmt: skip

    def _result(self, batch: _Batch, name: str) -> wire.Body:
        ending = batch.ending(name)
        if ending in {"expired", "canceled"}:
            return {"custom_id": name, "result": {"type": ending}}
        if ending:
            error = wire.error_body(STATUSES[ending], f"this call was to fail: {ending}", anthropic=True)
            return {"custom_id": name, "result": {"type": "errored", "error": error}}
        message = self._answer(batch.requests[name], True, None)
        return {"custom_id": name, "result": {"type": "succeeded", "message": message}}


def _openai(batch: _Batch) -> wire.Body:
    expired, ended = batch.count("expired") > 0, batch.ended
    status = "cancelled" if batch.cancelled else ("expired" if expired else "completed") if ended else "in_progress"
    failed = batch.count() + batch.count("expired")
    counts = {"total": len(batch.requests), "completed": batch.count("") if ended else 0, "failed": failed * ended}
    return {"id": batch.id, "object": "batch", "endpoint": "/v1/chat/completions", "errors": None,
            "input_file_id": batch.input_file, "completion_window": "24h", "status": status,
            "output_file_id": f"output-{batch.id}" if ended and batch.count("") else None,
            "error_file_id": f"errors-{batch.id}" if ended and failed else None,
            "created_at": int(batch.created), "expires_at": int(batch.created + DAY),
            "request_counts": counts, "metadata": batch.metadata}  # fmt: skip


def _anthropic(batch: _Batch, request: web.Request) -> wire.Body:
    ended = batch.ended
    counts = {"processing": 0 if ended else len(batch.requests), "succeeded": batch.count("") * ended,
              "errored": batch.count() * ended, "expired": batch.count("expired") * ended,
              "canceled": batch.count("canceled") * ended}  # fmt: skip
    url = f"http://{request.host}/v1/messages/batches/{batch.id}/results" if ended else None
    return {"id": batch.id, "type": "message_batch", "processing_status": "ended" if ended else "in_progress",
            "request_counts": counts, "created_at": _moment(batch.created), "expires_at": _moment(batch.created + DAY),
            "ended_at": _moment(batch.cancelled or batch.ends) if ended else None, "archived_at": None,
            "cancel_initiated_at": batch.cancelled and _moment(batch.cancelled), "results_url": url}  # fmt: skip


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _json(body: wire.Body) -> web.Response:
    from aiohttp import web

    return web.Response(body=wire.packed(body), content_type="application/json")
