"""Carries JSON to a server and brings back what it said: one pool of connections, no retries, no keys in what returns.

The providers' SDKs know addresses, keys and headers, and their variants. So each is asked once what it would send, and
all further calls go the same way over a leaner client.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import orjson

from culturesim import __version__

if TYPE_CHECKING:
    import aiohttp
    import httpx2

SHORTEST_SECRET = 8
"""What is shorter is a stand-in for a key, and may be part of any word."""

_OF_ONE_CALL = frozenset({"host", "connection", "content-length", "accept-encoding", "user-agent"})
"""Headers that belong to a single call, or that the client writes itself."""

_ABOUT_THE_SDK = "x-stainless-"
"""Begins the headers in which an SDK reports on itself, who does not make these calls."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where calls go, and the headers they carry. ``headers`` hold the key: never store or print them."""

    url: str
    headers: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Endpoint({self.url!r})"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server said. ``headers`` are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text, whatever it is."""
        return self.body.decode("utf-8", "replace")

    @property
    def content_type(self) -> str:
        """What the server says the body is."""
        return self.headers.get("content-type", "no content type")

    def json(self) -> Any:
        """The decoded body, None where it is no JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None


class TransportError(Exception):
    """A call that brought back nothing: ``kind`` as of a ``CallError``."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Transport:
    """One pool of connections to one endpoint. ``secrets`` never come back."""

    def __init__(self, endpoint: Endpoint, secrets: Sequence[str] = ()) -> None:
        self.endpoint = endpoint
        self._secrets = [secret.encode() for secret in secrets if len(secret) >= SHORTEST_SECRET]
        self._session: aiohttp.ClientSession | None = None

    async def post(self, content: object, seconds: float) -> Reply:
        """Send JSON once and return the server's reply, of whatever status; ``TransportError`` if in vain."""
        import aiohttp

        session = self._session = self._session or self._open()
        body, within = orjson.dumps(content), aiohttp.ClientTimeout(total=seconds)
        try:
            async with session.post(self.endpoint.url, data=body, timeout=within, allow_redirects=False) as response:
                return Reply(response.status, response.headers, self._clean(await response.read()))
        except TimeoutError:
            raise TransportError("timeout", f"{self.endpoint.url} did not answer in {seconds:g} s") from None
        except aiohttp.ClientPayloadError as error:
            raise TransportError("malformed", f"{self.endpoint.url} broke off in its answer: {error}") from None
        except aiohttp.InvalidURL:
            raise TransportError("not_found", f"{self.endpoint.url} is no address; check --base-url") from None
        except (aiohttp.ClientResponseError, ValueError) as error:  # what came was no HTTP
            raise TransportError("malformed", f"{self.endpoint.url} answered no HTTP: {error}") from None
        except (aiohttp.ClientError, OSError) as error:
            raise TransportError("connection", f"cannot reach {self.endpoint.url}: {error}") from None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
        self._session = None

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),  # how many at a time is the run's to say
            headers=self.endpoint.headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=_proxy(self.endpoint.url),
        )

    def _clean(self, body: bytes) -> bytes:
        for secret in self._secrets:
            if secret in body:
                body = body.replace(secret, "…".encode())
        return body


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for this address, looked up once: it does not change under us."""
    parts = urlsplit(url)
    if not parts.hostname or proxy_bypass(parts.netloc):
        return None
    return getproxies().get(parts.scheme) or getproxies().get("all")


async def shown(ask: Callable[[httpx2.AsyncClient], Awaitable[object]]) -> Endpoint:
    """The endpoint an SDK would call: ``ask`` makes one call with an SDK client that uses the given HTTP client.

    Nothing leaves the machine: the call is answered here.
    """
    import httpx2

    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json={})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as client:
        await ask(client)
    request = seen[-1]
    headers = {
        name: value
        for name, value in request.headers.items()
        if name.lower() not in _OF_ONE_CALL and not name.lower().startswith(_ABOUT_THE_SDK)
    }
    return Endpoint(str(request.url), {**headers, "user-agent": f"culturesim/{__version__}"})
