"""The service itself: chats and batches of both protocols over HTTP, faults, limits, and a count of it all."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson

from culturesim.errors import CulturesimError
from culturesim.library import Library
from culturesim.serve import protocols as wire
from culturesim.serve.batches import Batches
from culturesim.serve.faults import STATUSES, Fault, Faults
from culturesim.serve.respond import Responder

if TYPE_CHECKING:
    from aiohttp import web

LARGEST_REQUEST = 300 * 2**20
"""Bytes of a request, which may be a file of a batch."""

HTML = b"<!doctype html><title>Bad gateway</title><p>Please try again later.</p>"


class Service:
    """Answers as one simulated respondent. ``latency`` and ``batch_seconds`` are in seconds.

    ``rpm`` limits calls per minute; where ``silent``, headers tell nothing of it, nor how long to wait.
    """

    def __init__(
        self,
        model: str,
        *,
        latency: float = 0.0,
        faults: Sequence[str] = (),
        seed: int = 0,
        rpm: int | None = None,
        silent: bool = False,
        batch_seconds: float = 2.0,
        library: Library | None = None,
    ) -> None:
        self.model, self._latency = model, latency
        self._responder = Responder(model, library)
        self._faults = Faults([Fault.parse(fault) for fault in faults], seed)
        self._limit, self._silent = None if rpm is None else _Bucket(rpm), silent
        self._batches = Batches(self._answer, self._faults, batch_seconds)
        self.calls = self.answers = self.refused = self._in_flight = self._most = 0
        self.hits: Counter[str] = Counter()

    def app(self) -> web.Application:
        """The routes, to be run by aiohttp."""
        from aiohttp import web

        app = web.Application(client_max_size=LARGEST_REQUEST)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/messages", self._message)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/stats", self._stats)
        self._batches.add_routes(app)
        return app

    def stats(self) -> dict[str, Any]:
        """What it has been asked so far; ``refused`` counts calls beyond the limit."""
        return {"calls": self.calls, "answers": self.answers, "refused": self.refused, "faults": dict(self.hits),
                "in_flight": self._in_flight, "most_in_flight": self._most,
                "batches": self._batches.count}  # fmt: skip

    # Calls

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        return await self._call(request, anthropic=False)

    async def _message(self, request: web.Request) -> web.StreamResponse:
        return await self._call(request, anthropic=True)

    async def _call(self, request: web.Request, *, anthropic: bool) -> web.StreamResponse:
        raw = await request.read()
        self.calls += 1
        self._in_flight += 1
        self._most = max(self._most, self._in_flight)
        try:
            return await self._reply(request, raw, self._faults.of(self.calls), anthropic)
        finally:
            self._in_flight -= 1

    async def _reply(
        self, request: web.Request, raw: bytes, fault: Fault | None, anthropic: bool
    ) -> web.StreamResponse:
        from aiohttp import web

        headers, wait = self._within_limits(anthropic)
        if wait:
            self.refused += 1
            told = {} if self._silent else {**headers, "retry-after": f"{wait:.3f}"}
            return _error(429, "too many requests", anthropic, told)
        if self._latency:
            await asyncio.sleep(self._latency)
        if fault is not None:
            self.hits[fault.kind] += 1
            if (refused := await self._misbehave(request, fault, anthropic)) is not None:
                return refused
        try:
            body = wire.packed(self._answer(orjson.loads(raw), anthropic, fault))
        except (wire.BadRequestError, orjson.JSONDecodeError) as error:
            return _error(400, str(error), anthropic)
        self.answers += fault is None or fault.kind in {"stall", "slow", "truncated-logprobs"}
        if fault is not None and fault.kind == "malformed":
            body = body[: len(body) // 2]
        if fault is not None and fault.kind == "slow":
            return await _trickle(request, body, fault.seconds)
        return web.Response(body=body, content_type="application/json", headers=headers)

    async def _misbehave(self, request: web.Request, fault: Fault, anthropic: bool) -> web.StreamResponse | None:
        """The faulty reply, None where the fault lies in the answer itself."""
        from aiohttp import web

        if fault.kind == "stall":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "reset" and request.transport is not None:
            request.transport.abort()
            return web.Response()
        elif fault.kind == "html":
            return web.Response(body=HTML, content_type="text/html")
        elif fault.kind in STATUSES:
            code = {"quota": "insufficient_quota", "auth": "invalid_api_key"}.get(fault.kind)
            headers = {"retry-after": f"{fault.seconds:g}"} if fault.seconds else {}
            return _error(STATUSES[fault.kind], f"this call was to fail: {fault.kind}", anthropic, headers, code)
        return None

    def _answer(self, body: wire.Body, anthropic: bool, fault: Fault | None = None) -> wire.Body:
        if anthropic:
            return wire.answer_anthropic(self._responder, wire.read_anthropic(body))
        short = 2 if fault is not None and fault.kind == "truncated-logprobs" else None
        return wire.answer_openai(self._responder, wire.read_openai(body), n_top=short)

    def _within_limits(self, anthropic: bool) -> tuple[Mapping[str, str], float]:
        """What the headers say of the limit, and the seconds to wait where it is passed."""
        if self._limit is None:
            return {}, 0.0
        wait = self._limit.take(time.monotonic())
        left, seconds = self._limit.left(time.monotonic())
        if self._silent:
            return {}, wait
        return wire.rate_limit_headers(self._limit.size, left, seconds, anthropic=anthropic), wait

    async def _models(self, request: web.Request) -> web.Response:
        from aiohttp import web

        model = {"id": self.model, "object": "model", "created": 0, "owned_by": "culturesim"}
        return web.json_response({"object": "list", "data": [model]})

    async def _stats(self, request: web.Request) -> web.Response:
        from aiohttp import web

        return web.json_response(self.stats())


class _Bucket:
    """A limit of calls per minute that refills bit by bit and holds a second's worth."""

    def __init__(self, per_minute: int) -> None:
        self.size, self._rate = per_minute, per_minute / 60
        self._room = max(1.0, self._rate)
        self._level, self._at = self._room, time.monotonic()

    def take(self, now: float) -> float:
        """Takes one if there is one; else the seconds until there is."""
        self._level, self._at = min(self._room, self._level + (now - self._at) * self._rate), now
        if self._level < 1:
            return (1 - self._level) / self._rate
        self._level -= 1
        return 0.0

    def left(self, now: float) -> tuple[int, float]:
        """How many are left, and the seconds until it is full."""
        return math.floor(self._level), (self._room - self._level) / self._rate


def _error(
    status: int, message: str, anthropic: bool, headers: Mapping[str, str] | None = None, code: str | None = None
) -> web.Response:
    from aiohttp import web

    body = wire.packed(wire.error_body(status, message, anthropic=anthropic, code=code))
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


async def _trickle(request: web.Request, body: bytes, seconds: float) -> web.StreamResponse:
    """A body that comes in ten pieces over so many seconds."""
    from aiohttp import web

    response = web.StreamResponse(headers={"content-type": "application/json", "content-length": str(len(body))})
    await response.prepare(request)
    piece = max(1, len(body) // 10)
    for start in range(0, len(body), piece):
        await asyncio.sleep(seconds / 10)
        await response.write(body[start : start + piece])
    return response


async def serve(service: Service, host: str, port: int, ready: Callable[[str], None], until: asyncio.Event) -> None:
    """Serves until the event is set; ``ready`` is told the base URL once it listens. Port 0 takes a free one."""
    from aiohttp import web

    runner = web.AppRunner(service.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=1024)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        raise CulturesimError(f"cannot listen on {host}:{port}: {error.strerror}; --port names another") from error
    try:
        ready(f"http://{host}:{runner.addresses[0][1]}/v1")
        await until.wait()
    finally:
        await runner.cleanup()


class Served:
    """A service that runs beside: where it is, and what it has been asked."""

    def __init__(self, service: Service, url: str) -> None:
        self._service, self.url = service, url

    @property
    def anthropic_url(self) -> str:
        """What Anthropic's SDK wants as its base URL."""
        return self.url.removesuffix("/v1")

    def stats(self) -> dict[str, Any]:
        """What it has been asked so far."""
        return self._service.stats()


@contextmanager
def served(model: str, **how: Any) -> Iterator[Served]:
    """A service on a free port of this machine for as long as the block lasts; ``how`` is as for ``Service``."""
    service, started = Service(model, **how), threading.Event()
    place: list[Any] = []

    async def run() -> None:
        until = asyncio.Event()
        place.extend([asyncio.get_running_loop(), until])

        def ready(url: str) -> None:
            place.append(url)
            started.set()

        await serve(service, "127.0.0.1", 0, ready, until)

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    started.wait()
    loop, until, url = place
    try:
        yield Served(service, url)
    finally:
        loop.call_soon_threadsafe(until.set)
        thread.join()
