"""The script people write first: the openai SDK, a semaphore's worth of workers, and the text of each answer.

With ``aiohttp`` as the last argument it uses the SDK's aiohttp transport.
"""

from __future__ import annotations

import asyncio

import openai
from measure import arguments, measured, questions


async def main(url: str, path: str, concurrency: int, transport: str) -> None:
    """Asks and measures."""
    asked = questions(path)
    texts: list[str | None] = []
    http = openai.DefaultAioHttpClient() if transport == "aiohttp" else None

    async def work(client: openai.AsyncOpenAI, bodies: object) -> None:
        for body in bodies:  # type: ignore[attr-defined]
            reply = await client.chat.completions.create(**body)
            texts.append(reply.choices[0].message.content)

    with measured(len(asked)):
        async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=5, http_client=http) as client:
            bodies = iter(asked)
            await asyncio.gather(*(work(client, bodies) for _ in range(concurrency)))
    assert len(texts) == len(asked)


url, path, concurrency, others = arguments()
asyncio.run(main(url, path, concurrency, *(others or ["plain"])))
