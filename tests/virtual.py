"""Time that passes only when nobody has anything to do: runs of hours end in a moment, the same each time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from culturesim.backends.base import Call, Capabilities
from culturesim.records import Completion, Prompt, Settings

Reply = Callable[[Call, float], Completion]
"""What a server says to a call that reaches it at this second."""


class _Impatient(selectors.DefaultSelector):
    """Waits for nothing, and says how long it should have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.now += timeout or 0.0
        return super().select(0 if timeout is not None else None)


class _Loop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to what comes next. What others hand to threads it does on the spot."""

    def __init__(self) -> None:
        self._clock = _Impatient()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - as an executor hands it on
            future.set_exception(error)
        return future


def in_virtual_time(work: Coroutine[Any, Any, Any]) -> Any:
    """What ``asyncio.run`` gives, at once."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(work)


@pytest.fixture
def virtual_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole runs pass in virtual time."""
    monkeypatch.setattr(asyncio, "run", in_virtual_time)


class Server:
    """A backend in virtual time: each call takes ``seconds``, and ``reply`` says what comes of it. Counts calls."""

    name = "openai/virtual"
    capabilities = Capabilities(
        option_probabilities=False, batch_size=1, max_concurrency=64, seedable=True, local=False, simulated=False
    )

    def __init__(self, reply: Reply, seconds: float = 0.3) -> None:
        self._reply, self._seconds = reply, seconds
        self.calls: list[tuple[float, str]] = []
        """When each call reached it, and the kind of its error, "" for an answer."""

    async def complete(self, prompts: Sequence[Prompt], settings: Settings) -> list[Completion]:
        """One reply per prompt."""
        now = asyncio.get_running_loop().time()
        replies = [self._reply(Call.start(prompt, self.name), now) for prompt in prompts]
        self.calls += [(now, reply.error.kind if reply.error else "") for reply in replies]
        await asyncio.sleep(self._seconds)
        return replies

    async def close(self) -> None:
        """Nothing to let go of."""

    @property
    def answers(self) -> int:
        """Calls it answered."""
        return sum(not kind for _, kind in self.calls)

    def most_in_a_minute(self) -> int:
        """The most calls that reached it within any 60 seconds."""
        times = [now for now, _ in self.calls]
        return max(sum(first <= now < first + 60 for now in times) for first in times)


def answer(call: Call) -> Completion:
    """Says "3"."""
    return call.done("3", finish_reason="stop", tokens_in=100, tokens_out=1)


class Bucket:
    """A limit of calls per minute that tells nobody of it: no Retry-After, no headers."""

    def __init__(self, per_minute: float, burst: float = 1.0) -> None:
        self._rate, self._most = per_minute / 60, burst
        self._level, self._at = burst, 0.0

    def __call__(self, call: Call, now: float) -> Completion:
        self._level, self._at = min(self._most, self._level + (now - self._at) * self._rate), now
        if self._level < 1:
            return call.failed("rate_limit", "slow down")
        self._level -= 1
        return answer(call)
