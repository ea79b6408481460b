"""Bare aiohttp: post, read, take the text. As little as a client can do."""

from __future__ import annotations

import asyncio

import aiohttp
from measure import arguments, measured, questions


async def main(url: str, path: str, concurrency: int) -> None:
    """Asks and measures."""
    asked = questions(path)
    texts: list[str] = []

    async def work(session: aiohttp.ClientSession, bodies: object) -> None:
        for body in bodies:  # type: ignore[attr-defined]
            async with session.post(f"{url}/chat/completions", json=body) as reply:
                texts.append((await reply.json())["choices"][0]["message"]["content"])

    with measured(len(asked)):
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            bodies = iter(asked)
            await asyncio.gather(*(work(session, bodies) for _ in range(concurrency)))
    assert len(texts) == len(asked)


url, path, concurrency, _ = arguments()
asyncio.run(main(url, path, concurrency))
