"""Calls to a service that are worth another try, until the waiting takes too long or is ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from culturesim.errors import BatchError

T = TypeVar("T")

LONGEST_PAUSE = 60.0


class Patience:
    """Waits at most so many seconds for a service. ``ending`` ends the waiting; ``tell`` is told what is waited for."""

    def __init__(self, seconds: float, ending: asyncio.Event, tell: Callable[[str], None]) -> None:
        self._most, self._ending, self._tell = seconds, ending, tell

    @property
    def ended(self) -> bool:
        """Whether there is nothing to wait for any more."""
        return self._ending.is_set()

    async def get(self, call: Callable[[], Awaitable[T]]) -> T | None:
        """What the call gives, tried again while its faults pass; None when the waiting is ended."""
        waited, seconds = 0.0, 1.0
        while not self._ending.is_set():
            try:
                return await call()
            except BatchError as error:
                seconds = max(seconds, error.retry_after or 0.0)
                if not error.passing or waited + seconds > self._most:
                    raise
                self._tell(str(error))
            await self.pause(seconds)
            waited, seconds = waited + seconds, min(LONGEST_PAUSE, seconds * 2)
        return None

    async def pause(self, seconds: float) -> None:
        """Lets so many seconds pass, fewer where the waiting is ended."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), seconds)
