"""How a statistic did over many surveys: bias, how often it came out, and what that means."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Literal

import numpy as np

from culturesim.stats.inference import Floats
from culturesim.validation.case import LEVEL, WANTED, Case, Kind, Reading, Statistic

_CLOSE = 0.05
_SILENT = 0.1
"""The share of surveys that may have no value, or no interval."""

_Z = NormalDist().inv_cdf(0.975)

Verdict = Literal["holds", "cautious", "fails"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """How one statistic did over so many ``surveys``, of which ``without`` gave no value, or no interval.

    ``mean`` is the mean estimate, ``bias`` that less ``truth``, ``bias_sd`` the bias in standard deviations of the
    estimate. ``rate``: how often it came out (``KINDS`` says what), with its 95 % interval; ``wanted_low`` to
    ``wanted_high`` is what it should be. ``verdict``: "holds" where the rate, or a value of its interval, is wanted;
    else "cautious" where an interval holds the truth, a test keeps silent or an alarm keeps a claim back more often
    than it should, else "fails". What is missing in more than a tenth of the surveys fails, too.
    """

    case: str
    statistic: str
    table: str
    kind: Kind
    surveys: int
    without: int
    truth: float | None
    mean: float | None
    bias: float | None
    bias_sd: float | None
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    wanted_low: float
    wanted_high: float
    verdict: Verdict
    known: str = ""
    """Why it is known not to hold."""


def recovered(case: Case, readings: Sequence[Sequence[Reading]], truths: Sequence[float | None]) -> list[Recovered]:
    """How each statistic did: ``readings`` has a list for each survey."""
    return [_row(case, one, [survey[place] for survey in readings], truths[place])
            for place, one in enumerate(case.statistics)]  # fmt: skip


def _row(case: Case, statistic: Statistic, readings: Sequence[Reading], truth: float | None) -> Recovered:
    outcomes = [_outcome(statistic.kind, reading, truth) for reading in readings]
    known = np.array([outcome for outcome in outcomes if outcome is not None])
    estimated = statistic.kind in {"interval", "value"} or (statistic.kind == "test" and truth is not None)
    values = np.array([one.value for one in readings if one.value is not None]) if estimated else np.empty(0)
    mean = float(values.mean()) if len(values) else None
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    bias = mean - truth if mean is not None and truth is not None else None
    low, high = WANTED[statistic.kind]
    row = Recovered(
        case=case.name, statistic=statistic.name, table=statistic.table, kind=statistic.kind, surveys=len(readings),
        without=len(readings) - len(known), truth=truth, mean=mean, bias=bias,
        bias_sd=bias / spread if bias is not None and spread > 0 else None, rate=None, rate_low=None, rate_high=None,
        wanted_low=low, wanted_high=high, verdict="fails", known=statistic.known,
    )  # fmt: skip
    if statistic.kind == "value":
        return replace(row, verdict="holds" if _unbiased(bias, truth, spread, len(values)) else "fails")
    if not len(known):
        return row
    rate, reach = _rate(known)
    said = verdict(statistic, reach) if row.without <= _SILENT * len(readings) else "fails"
    return replace(row, rate=rate, rate_low=reach[0], rate_high=reach[1], verdict=said)


def _outcome(kind: Kind, reading: Reading, truth: float | None) -> float | None:
    """1 where it came out, 0 where not (or the share that did); None where nothing can be said."""
    value, low, high = reading
    if kind == "interval" or (kind == "test" and truth is not None):
        if truth is None or low is None or high is None:
            return None
        inside = low <= truth <= high
        return float(inside if kind == "interval" else not inside)
    if kind == "test":
        return None if value is None else float(value <= LEVEL)
    return value


def _rate(outcomes: Floats) -> tuple[float, tuple[float, float]]:
    """Mean and its 95 % interval: Wilson's of counts, else that of a mean."""
    n, mean = len(outcomes), float(outcomes.mean())
    if not np.isin(outcomes, (0.0, 1.0)).all():
        reach = _Z * float(outcomes.std(ddof=1)) / math.sqrt(n) if n > 1 else 1.0
        return mean, (max(0.0, mean - reach), min(1.0, mean + reach))
    middle = (mean + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    reach = _Z / (1 + _Z**2 / n) * math.sqrt(mean * (1 - mean) / n + _Z**2 / (4 * n**2))
    return mean, (min(mean, max(0.0, middle - reach)), max(mean, min(1.0, middle + reach)))


def verdict(statistic: Statistic, reach: tuple[float, float]) -> Verdict:
    """What the interval of a rate says, against what is wanted of such a statistic."""
    (low, high), (least, most) = reach, WANTED[statistic.kind]
    if low <= most and high >= least:
        return "holds"
    too_often = low > most
    safe = too_often == (statistic.kind != "test") and (statistic.kind in {"interval", "test"} or statistic.withholds)
    return "cautious" if safe else "fails"


def _unbiased(bias: float | None, truth: float | None, spread: float, n: int) -> bool:
    if bias is None or truth is None:
        return False
    return abs(bias) <= max(_CLOSE * abs(truth), 3 * spread / math.sqrt(n))


def kept(rows: Iterable[Recovered]) -> bool:
    """Whether every statistic does what it says, errs on the side of caution, or is known not to."""
    return all(row.verdict != "fails" or row.known for row in rows)
