"""What a failed call is worth: another try, and after how long; or the end of the run."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress

from culturesim.limits import Limits
from culturesim.records import PUSHBACK_ERRORS, CallError, Completion

FIRST_RETRIES = 3
"""Retries of a server that nothing was ever heard of: it is more likely not there than busy."""

_SIGNS_OF_LIFE = PUSHBACK_ERRORS | {"server"}
"""Kinds of errors that somebody must be there to tell."""


class Retrying:
    """Judges errors by what was heard of the server so far. ``ending`` ends every wait."""

    def __init__(self, limits: Limits, ending: asyncio.Event) -> None:
        self._limits, self._ending = limits, ending
        self._heard = self._answered = False

    def learn(self, completions: Sequence[Completion]) -> None:
        """What a call brought says whether anybody is there, and answers."""
        kinds = {completion.error.kind if completion.error else "" for completion in completions}
        self._answered = self._answered or "" in kinds
        self._heard = self._heard or self._answered or bool(kinds & _SIGNS_OF_LIFE)

    @property
    def most(self) -> int:
        """How often a call that failed is made again."""
        return self._limits.retries if self._heard else min(self._limits.retries, FIRST_RETRIES)

    def counts(self, errors: Collection[CallError], *, down: bool) -> bool:
        """Whether a failed call uses up a retry. How long a server may refuse, or be down, is a matter of patience."""
        waited_for = down and self._answered
        return not waited_for and any(error.kind not in PUSHBACK_ERRORS for error in errors)

    def worthwhile(self, completion: Completion | None) -> CallError | None:
        """The error of a completion, if the same call may succeed a little later."""
        error = completion.error if completion else None
        return error if error and error.passing and not self.lasting(error) else None

    def lasting(self, error: CallError) -> bool:
        """Whether an error will not pass while we wait: it never does, or the wait is too long, or the server wrong."""
        too_long = (error.retry_after or 0.0) > self._limits.patience
        return error.fatal or too_long or (error.kind == "protocol" and not self._answered)

    async def wait(self, failures: int, jitter: float, asked_for: float) -> None:
        """Waits before another try, after so many failures; ``jitter`` is in [0, 1), ``asked_for`` in seconds."""
        doublings = min(max(0, failures - 1), 60)
        doubled = min(self._limits.longest_wait, self._limits.first_wait * 2.0**doublings)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), max(asked_for * (1 + jitter / 4), doubled * (1 + jitter) / 2))
