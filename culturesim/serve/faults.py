"""Faults on demand: which call is hit by what is drawn from a seed and the number of the call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from culturesim.errors import StudyError
from culturesim.shuffle import unit

STATUSES = {"429": 429, "500": 500, "503": 503, "529": 529, "auth": 401, "quota": 429}
"""Kinds of faults that are an HTTP status."""

SECONDS = {"429": 1.0, "503": 1.0, "529": 1.0, "stall": 30.0, "slow": 1.0}
"""How long a fault asks to wait, or lasts, unless told otherwise."""

KINDS = (*STATUSES, "reset", "malformed", "stall", "slow", "truncated-logprobs", "html", "expired")


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault, the share of calls it hits, and how many seconds it lasts or asks to wait."""

    kind: str
    share: float
    seconds: float

    @classmethod
    def parse(cls, text: str) -> Fault:
        """From ``KIND:SHARE`` or ``KIND:SHARE:SECONDS``."""
        kind, *numbers = text.split(":")
        try:
            share, seconds = float(numbers[0]), float(numbers[1]) if len(numbers) > 1 else SECONDS.get(kind, 0.0)
        except (IndexError, ValueError):
            share, seconds = -1.0, 0.0
        if kind not in KINDS or not 0 <= share <= 1 or seconds < 0 or len(numbers) > 2:
            raise StudyError(
                f"--fault wants KIND:SHARE[:SECONDS] such as 429:0.05:0.2, not {text!r}; kinds: {', '.join(KINDS)}"
            )
        return cls(kind, share, seconds)


class Faults:
    """What hits which call: at most one fault, each with its share."""

    def __init__(self, faults: Sequence[Fault] = (), seed: int = 0) -> None:
        if sum(fault.share for fault in faults) > 1:
            raise StudyError("the shares of all faults add to more than 1")
        self._faults, self._seed = tuple(faults), seed

    def of(self, call: int | str) -> Fault | None:
        """The fault that hits a call, None for most."""
        if not self._faults:
            return None
        drawn = unit("fault", self._seed, call)
        for fault in self._faults:
            drawn -= fault.share
            if drawn < 0:
                return fault
        return None
