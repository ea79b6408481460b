"""When the next call may start: as many at a time as a server bears, as fast as it allows, and not while it is down.

The parts are pure: they are told the time, in seconds of any clock that only goes forward. ``Gate`` puts them before
the calls of a run.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from culturesim.records import PUSHBACK_ERRORS, CallError, Completion

LONGEST_HOLD = 60.0
"""Seconds that limits used up may hold everything up: those that refill bit by bit are told as full only much later."""

_SILENCE = frozenset({"connection", "timeout"})
_DOWN = _SILENCE | {"server", "overloaded"}


class Window:
    """How many calls may be under way at a time: additive increase, multiplicative decrease (Chiu & Jain 1989).

    It grows by one call for every answer until the server first pushes back, then by one for every windowful of
    answers, and halves when more than a tenth of a windowful is pushed back. A few refusals among many answers are what
    the limit looks like when it has been found. What was sent before a cut says nothing about the window after it.
    """

    TOLERATED = 0.1
    SMALLEST_SAMPLE = 20

    def __init__(self, start: int, cap: int) -> None:
        self.cap = max(1, cap)
        self.size = float(min(max(1, start), self.cap))
        self._rising = True
        self._cut = -math.inf
        self._outcomes = self._refused = 0

    def answered(self, began: float) -> None:
        """A call that began then was answered."""
        if began < self._cut:
            return
        self.size = min(self.cap, self.size + (1.0 if self._rising else 1.0 / self.size))
        self._count()

    def pushed_back(self, began: float, now: float) -> bool:
        """A call that began then was pushed back; returns whether that was one too many."""
        if began < self._cut:
            return False
        self._refused += 1
        if self._refused <= self.TOLERATED * self._sample:
            self._count()
            return False
        self.size = max(1.0, self.size / 2)
        self._rising, self._cut = False, now
        self._outcomes = self._refused = 0
        return True

    @property
    def _sample(self) -> float:
        return max(self.size, self.SMALLEST_SAMPLE)

    def _count(self) -> None:
        self._outcomes += 1
        if self._outcomes >= self._sample:
            self._outcomes = self._refused = 0


class Quota:
    """A cap per minute, spread evenly: in no minute does more than that start (a leaky bucket of one second)."""

    BURST = 1.0

    def __init__(self, per_minute: float) -> None:
        self._seconds_each = (60.0 + self.BURST) / per_minute
        self._full_until = -math.inf

    def wait(self, now: float) -> float:
        """Seconds until the next may start."""
        return max(0.0, self._full_until - self.BURST - now)

    def take(self, amount: float, now: float) -> None:
        """So much starts now; a negative amount gives back what was taken too much."""
        self._full_until = max(self._full_until, now) + amount * self._seconds_each


class Breaker:
    """Stops asking a server that is down. After ``failures`` in a row, one call at a time probes, ever more seldom."""

    LONGEST_PAUSE = 60.0

    def __init__(self, failures: int = 10, first_pause: float = 1.0) -> None:
        self._most, self._first = failures, first_pause
        self._in_a_row, self._pause = 0, first_pause
        self._opened: float | None = None
        self._probe_at = -math.inf
        self._probing = False

    @property
    def open(self) -> bool:
        """Whether the server is taken to be down."""
        return self._opened is not None

    def down_for(self, now: float) -> float:
        """Seconds since it was found down, 0 while it is up."""
        return 0.0 if self._opened is None else now - self._opened

    def wait(self, now: float) -> float:
        """Seconds until a call may start; infinite while a probe is under way."""
        if self._opened is None:
            return 0.0
        return math.inf if self._probing else max(0.0, self._probe_at - now)

    def start(self) -> None:
        """A call starts: the probe, if the server is down."""
        self._probing = self.open

    def answered(self) -> None:
        """The server lives."""
        self._in_a_row, self._pause, self._opened, self._probing = 0, self._first, None, False

    def failed(self, now: float, *, probe: bool) -> None:
        """A call came to nothing; ``probe`` if it started while the server was down."""
        self._in_a_row += 1
        if self._opened is not None and probe:
            self._probing = False
            self._pause = min(self.LONGEST_PAUSE, 2 * self._pause)
            self._probe_at = now + self._pause
        elif self._opened is None and self._in_a_row >= self._most:
            self._opened, self._probe_at = now, now + self._pause

    def given_up(self, now: float) -> None:
        """A probe ended without telling anything."""
        self._probing, self._probe_at = False, now


class Refusals:
    """How long everybody waits where a server refuses even one call at a time, and for how long it has refused.

    Twice as long each time, from ``first`` to ``longest`` seconds, less up to half at random so that those who were
    refused together do not come back together. An answer ends it.
    """

    def __init__(self, first: float = 0.5, longest: float = 60.0) -> None:
        self._first, self._longest = min(first, longest), longest
        self._next = self._first
        self._paused_at = -math.inf
        self._began: float | None = None
        self.lasting = 0.0
        """Seconds from the first refusal since the last answer to the latest."""

    def refused(self, now: float) -> None:
        """The server refused a call."""
        self._began = now if self._began is None else self._began
        self.lasting = now - self._began

    def pause(self, began: float, now: float) -> float:
        """Seconds to wait after a refused call that began then; 0 where it was under way at the last pause already."""
        if began < self._paused_at:
            return 0.0
        seconds, self._paused_at = self._next * (1 - random.random() / 2), now
        self._next = min(self._longest, 2 * self._next)
        return seconds

    def answered(self) -> None:
        """The server answered a call."""
        self._next, self._began, self.lasting = self._first, None, 0.0


class Budget:
    """Money: a call starts only if everything under way, at its dearest, stays within ``most`` dollars."""

    def __init__(self, most: float | None = None) -> None:
        self._most = math.inf if most is None else most
        self.spent = 0.0
        self.reserved = 0.0

    def fits(self, bound: float) -> bool:
        """Whether a call of this bound may start."""
        return self.spent + self.reserved + bound <= self._most

    def hopeless(self, bound: float) -> bool:
        """Whether no call under way can make room for it by costing less than its bound."""
        return not self.fits(bound) and self.spent + bound > self._most

    def reserve(self, bound: float) -> None:
        """A call starts."""
        self.reserved += bound

    def settle(self, bound: float, cost: float) -> None:
        """It ended, having cost this much."""
        self.reserved -= bound
        self.spent += cost


@dataclass(frozen=True, slots=True)
class Ticket:
    """A call under way: when it began, the tokens and dollars taken for it, and whether it probes a server."""

    began: float
    tokens: float
    bound: float
    probe: bool


class Gate:
    """Lets calls start. ``calls`` and ``tokens`` are caps per minute; ``start`` is the first size of the window."""

    def __init__(
        self,
        cap: int,
        *,
        start: int | None = None,
        calls: float | None = None,
        tokens: float | None = None,
        budget: Budget | None = None,
        breaker: Breaker | None = None,
        refusals: Refusals | None = None,
    ) -> None:
        self.window = Window(cap if start is None else start, cap)
        self.breaker, self.budget, self.refusals = breaker or Breaker(), budget or Budget(), refusals or Refusals()
        self._calls = None if calls is None else Quota(calls)
        self._tokens = None if tokens is None else Quota(tokens)
        self._in_flight = 0
        self._held_until = -math.inf
        self._closed = self._heard = False
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.out_of_money = False

    @property
    def waiting_for_server(self) -> float:
        """Seconds that the server has been down, 0 while it is up."""
        return self.breaker.down_for(self._now())

    async def enter(self, tokens: float = 0.0, bound: float = 0.0) -> Ticket | None:
        """Waits until a call of so many tokens and at most so many dollars may start; None when none may any more."""
        while not self._closed:
            if self.budget.hopeless(bound):
                self.out_of_money = True
                return None
            if not (seconds := self._wait(bound)):
                ticket = self._start(tokens, bound)
                self._wake(1)  # there may be room for one more; if there is none, it waits on
                return ticket
            await self._until_something_changes(seconds)
        return None

    def leave(self, ticket: Ticket, completions: Sequence[Completion]) -> None:
        """A call ended with these (priced) completions: learns from how it did."""
        now, error = self._now(), next((each.error for each in completions if each.error), None)
        self._in_flight -= 1
        self.budget.settle(ticket.bound, _cost(ticket, completions))
        if self._tokens is not None and not error and (used := _tokens(completions)) is not None:
            self._tokens.take(used - ticket.tokens, now)
        if error and (error.kind in PUSHBACK_ERRORS or error.kind == "timeout"):
            self._pushed_back(ticket, error, now)
        self._heard = self._heard or error is None or error.kind not in _SILENCE
        if error and error.kind in _DOWN:
            # A server never heard of is not down but not there: a few more tries, all at once, tell that soonest.
            if self._heard:
                self.breaker.failed(now, probe=ticket.probe)
        else:
            self.breaker.answered()
        if not error:
            self.window.answered(ticket.began)
            self.refusals.answered()
        for completion in completions:
            self._heed(completion, now)
        self._wake(1)

    def abandon(self, ticket: Ticket) -> None:
        """A call was broken off from our side, and says nothing about the server."""
        self._in_flight -= 1
        self.budget.settle(ticket.bound, ticket.bound)
        if ticket.probe:
            self.breaker.given_up(self._now())
        self._wake(1)

    def close(self) -> None:
        """Lets nobody in any more."""
        self._closed = True
        self._wake(len(self._waiting))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _wait(self, bound: float) -> float:
        """Seconds until it makes sense to look again; infinite until some call ends."""
        if self._in_flight >= int(self.window.size) or not self.budget.fits(bound):
            return math.inf
        now = self._now()
        quotas = [quota.wait(now) for quota in (self._calls, self._tokens) if quota is not None]
        return max(0.0, self._held_until - now, self.breaker.wait(now), *quotas)

    def _start(self, tokens: float, bound: float) -> Ticket:
        now = self._now()
        if self._calls is not None:
            self._calls.take(1, now)
        if self._tokens is not None:
            self._tokens.take(tokens, now)
        self._in_flight += 1
        self.budget.reserve(bound)
        self.breaker.start()
        return Ticket(now, tokens, bound, probe=self.breaker.open)

    def _pushed_back(self, ticket: Ticket, error: CallError, now: float) -> None:
        """Holds everybody where that was one call too many, and where even one at a time is."""
        if self.window.pushed_back(ticket.began, now):
            self._hold(now, error.retry_after)
        if error.kind in PUSHBACK_ERRORS:
            self.refusals.refused(now)
            if self.window.size < 2:
                self._hold(now, max(error.retry_after or 0.0, self.refusals.pause(ticket.began, now)))

    def _hold(self, now: float, seconds: float | None) -> None:
        if seconds:
            self._held_until = max(self._held_until, now + seconds)

    def _heed(self, completion: Completion, now: float) -> None:
        left = completion.allowance
        if left is not None and 0 in (left.requests, left.tokens):
            self._hold(now, min(left.seconds or 0.0, LONGEST_HOLD))

    async def _until_something_changes(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.append(future)
        timer = None if math.isinf(seconds) else loop.call_later(seconds, _release, future)
        try:
            await future
        finally:
            if timer is not None:
                timer.cancel()
            if future in self._waiting:
                self._waiting.remove(future)

    def _wake(self, count: int) -> None:
        while count > 0 and self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
                count -= 1


def _release(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _tokens(completions: Sequence[Completion]) -> int | None:
    """What calls took, None where the server does not tell."""
    told = [count for each in completions for count in (each.tokens_in, each.tokens_out) if count is not None]
    return sum(told) if len(told) == 2 * len(completions) else None


def _cost(ticket: Ticket, completions: Sequence[Completion]) -> float:
    """What a call cost; one that broke off may have been answered, and billed, all the same."""
    if any(each.error and each.error.kind in {"timeout", "connection", "malformed"} for each in completions):
        return ticket.bound
    costs = [each.cost for each in completions]
    return ticket.bound if None in costs else sum(cost or 0.0 for cost in costs)
