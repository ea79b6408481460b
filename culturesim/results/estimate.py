"""A number with its interval, and what every table of findings says beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Condition = Literal["personas", "none"]
"""Who answered: personas, or the model as itself."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval. ``n``: answers; ``clusters``: independent units resampled; ``unit`` names them.

    ``low`` and ``high`` are None where no interval can be had, and ``note`` says why.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int
    unit: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the answers of one model to one questionnaire say, in one language ("" for all of them together).

    ``supported`` is false where the data are too few, unbalanced or not comparable, or where answers follow something
    else than what was asked; ``reason`` says which. Numbers are given all the same, to be looked at and not claimed.
    """

    model: str
    questionnaire: str
    language: str
    supported: bool
    reason: str
