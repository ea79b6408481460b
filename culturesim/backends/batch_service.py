"""What the adapters of batch services share: a service's faults as ours, and the lines of its files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from json import JSONDecodeError
from typing import Any, ClassVar, Literal, NamedTuple

import orjson

from culturesim.backends.base import at, excerpt, text_at
from culturesim.backends.chat import Chat
from culturesim.backends.transport import Reply
from culturesim.errors import BatchError, BatchLostError

Batch = dict[str, Any]
"""A batch as the provider tells of it."""

LOOKED_THROUGH = 200
"""Batches looked through for one of ours."""

LONG = 600.0
"""Seconds that handing in or fetching a whole batch may take."""


class SdkErrors(NamedTuple):
    """An SDK's exceptions: for an error status, for a line that broke, and the base of all."""

    status: Any
    connection: Any
    base: Any


class BatchService(Chat):
    """A chat API whose provider also takes batches. Those are few, and go through the SDK.

    What comes back is decoded here, since the SDK lets anything pass for a batch: ``of_a_batch`` names what one has.
    ``after`` is the provider's word for where a list goes on.
    """

    of_a_batch: ClassVar[Mapping[str, type]]
    after: ClassVar[str]

    @abstractmethod
    def _sdk(self) -> Any:
        """The SDK's client."""

    @abstractmethod
    def _sdk_errors(self) -> SdkErrors:
        """The SDK's exceptions."""

    @asynccontextmanager
    async def _service(self, seconds: float, batch: str = "") -> AsyncIterator[Any]:
        """The SDK's client for a while, to ask about a batch; its errors, and those of the line, become ours."""
        with self._telling_faults(batch):
            async with self._sdk().with_options(timeout=seconds) as sdk:
                yield sdk

    def _batch_in(self, raw: Any) -> Batch:
        """The batch in the SDK's raw response."""
        return self._checked(_decoded(raw))

    def _id_in(self, raw: Any) -> str:
        """The id of whatever is in the SDK's raw response."""
        if (name := text_at(told := _decoded(raw), "id")) is None:
            raise self._odd("nothing with an id", told)
        return name

    async def _listed(self, ask: Callable[..., Awaitable[Any]]) -> AsyncIterator[Batch]:
        """The provider's batches, newest first, not too many of them; ``ask`` is the SDK's raw way to list them."""
        seen = 0
        place: dict[str, str] = {}
        while True:
            page = _decoded(await ask(limit=100, **place))
            batches = at(page, "data")
            if not isinstance(batches, list):
                raise self._odd("no list of batches", page)
            for batch in batches:
                yield self._checked(batch)
            seen += len(batches)
            if not batches or not at(page, "has_more") or seen >= LOOKED_THROUGH:
                return
            place = {self.after: batches[-1]["id"]}

    def _checked(self, told: object) -> Batch:
        if isinstance(told, dict) and all(isinstance(told.get(name), kind) for name, kind in self.of_a_batch.items()):
            return told
        raise self._odd("no batch", told)

    def _odd(self, what: str, told: object) -> BatchError:
        came = excerpt(orjson.dumps(told).decode())
        message = f"{self._url} answered {what} but {came}; check --base-url"
        return self._fault(message, passing=True, unclear=True)

    async def _entries(self, response: Any) -> AsyncIterator[object]:
        """The decoded lines of a file as it comes, without the key, one in memory at a time."""
        async for line in _lines(response.iter_bytes()):
            yield orjson.loads(self.without_key(line.decode()))

    @contextmanager
    def _telling_faults(self, batch: str) -> Iterator[None]:
        import httpx2

        errors = self._sdk_errors()
        try:
            yield
        except errors.status as error:
            reply = Reply(error.status_code, error.response.headers, error.response.content)
            raise self._refusal(reply, batch) from None
        except (errors.connection, httpx2.HTTPError) as error:  # the latter in the midst of a body
            raise self._fault(f"cannot reach {self._url}: {error}", passing=True, unclear=True) from None
        except (JSONDecodeError, UnicodeDecodeError) as error:
            raise self._fault(f"{self._url} answered broken JSON: {error}", passing=True, unclear=True) from None
        except errors.base as error:
            raise self._fault(f"{self._url}: {error}") from None

    def _refusal(self, reply: Reply, batch: str) -> BatchError:
        told = self.fault(reply)
        if batch and told.kind == "not_found" and isinstance(reply.json(), dict):
            return self._lost(f"{told.message} (batch {batch})", "gone")
        unclear = told.passing and told.kind != "rate_limit"  # a server in trouble may not know what it has done
        return self._fault(told.message, passing=told.passing, unclear=unclear, retry_after=told.retry_after)

    def _lost(self, message: str, why: Literal["full", "gone", "refused"]) -> BatchLostError:
        return BatchLostError(self.without_key(message), why=why)

    def _fault(self, message: str, **others: Any) -> BatchError:
        return BatchError(self.without_key(message), **others)


def _decoded(raw: Any) -> object:
    return orjson.loads(raw.http_response.content)


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The lines in pieces of a file, ended by line feeds alone: JSON may hold all other breaks."""
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in filter(bytes.strip, lines):
            yield line
    if rest.strip():
        yield rest
