"""Whether items hang together alike in two groups: Tucker's congruence of loadings after Procrustes rotation."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.factors import minres
from culturesim.stats.inference import Bootstrap, Floats, Integers, Interval, stretch
from culturesim.stats.rotation import procrustes, varimax
from culturesim.stats.tables import fillings_of

Verdict = Literal["equal", "fair", "poor", "unknown"]

EQUAL, FAIR = 0.95, 0.85

_AT_ONCE = 100
_DEFINED = 0.9
_SAME = 1e-12


@dataclass(frozen=True, slots=True)
class Congruence:
    """φ of two groups: over all loadings (``total``) and of each factor, with verdicts on the values.

    ``personas`` of ``first`` and ``second`` who answered anything.
    """

    first: int
    second: int
    personas: tuple[int, int]
    total: Interval
    factors: tuple[Interval, ...]
    verdict: Verdict
    verdicts: tuple[Verdict, ...]


def tucker(first: npt.ArrayLike, second: npt.ArrayLike) -> Floats:
    """Tucker's ``φ = Σ a_i b_i / √(Σ a_i² Σ b_i²)`` of loadings, column by column.

    ``first`` and ``second`` are (…, k, m) and broadcast, → (…, m). In [−1, 1]; NaN for a column of zeros.

    References
    ----------
    Tucker (1951), A method for synthesis of factor analysis studies, Personnel Research Section Report 984.
    Lorenzo-Seva & ten Berge (2006), Tucker's congruence coefficient as a meaningful index of factor similarity,
    Methodology 2(2): equal from .95, fair from .85.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    return _cosine((a * b).sum(axis=-2), (a**2).sum(axis=-2), (b**2).sum(axis=-2))


def total_congruence(first: npt.ArrayLike, second: npt.ArrayLike) -> Floats:
    """φ over all loadings at once, (…, k, m) → (…). In [−1, 1]."""
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    return _cosine(*((x * y).sum(axis=(-1, -2)) for x, y in ((a, b), (a, a), (b, b))))


def congruence(
    values: npt.ArrayLike,
    groups: npt.ArrayLike,
    bootstrap: Bootstrap,
    personas: npt.ArrayLike | None = None,
    *,
    factors: int = 1,
    target: npt.ArrayLike | None = None,
) -> tuple[Congruence, ...]:
    """φ of every pair of groups, with intervals over personas.

    Loadings are those of least squared residuals (``minres``) of each group's pairwise correlations. The first group's
    are turned to ``target``, the second group's to the first's.

    φ estimated from samples is too low, since errors of loadings only widen the angle, and bootstrap replicates are too
    low twice over, so no interval of their quantiles holds φ = 1. With d the difference of both groups' loadings at
    length 1, ``φ = 1 − |d|²/2``; replicates give its errors e* (stretched for few personas as ``Bootstrap.interval``
    does). The interval holds every φ = 1 − t²/2 for which the found |d| is not among the extreme lengths of
    ``t d/|d| + e*``. The verdict goes by the value, and is so on the side of caution.

    Parameters
    ----------
    values : (n, k)
        Answers of n fillings; NaN is missing.
    groups : (n,)
        The group of each filling.
    personas : (n,), optional
        Who filled in: a persona asked in two languages is drawn, or not, for both. By default each filling is a
        persona of its own.
    target : (k, m), optional
        What to turn to, such as 1 where an item belongs to a dimension; by default the varimax of the loadings of all
        fillings, each group's means taken out.

    Returns
    -------
    tuple of Congruence
        Each pair once, groups in order. None, with a note, where an item does not vary in a group, or a group has no
        more personas than items.
    """
    fillings = fillings_of(values, groups, personas, "congruence")
    table, who = fillings.table, fillings.personas
    if not 1 <= factors < max(table.shape[1], 2):
        raise AnalysisError(f"{table.shape[1]} items cannot have {factors} factors")
    own = [fillings.groups == g for g in range(len(fillings.labels))]
    members = [_Member(label, table[at], who[at]) for label, at in zip(fillings.labels, own, strict=True)]
    aim = np.asarray(target, dtype=np.float64) if target is not None else _pooled(members, factors)
    drawn = _drawn(members, bootstrap)
    fitted = [_fitted(member, drawn, aim) for member in members]
    return tuple(_pair(first, second, bootstrap) for first, second in combinations(fitted, 2))


def verdict(phi: float | None) -> Verdict:
    """From .95 "equal", from .85 "fair", below "poor"; "unknown" for None."""
    if phi is None:
        return "unknown"
    return "equal" if phi >= EQUAL else "fair" if phi >= FAIR else "poor"


class _Member:
    """One group: sums over its personas from which correlations of any resampling follow."""

    def __init__(self, label: int, table: Floats, who: Integers) -> None:
        kept = np.isfinite(table).any(axis=1)
        self.label, self.who = label, who[kept].astype(np.int64)
        self.there = np.isfinite(table[kept]).astype(np.float64)
        count = np.maximum(self.there.sum(axis=0), 1)
        filled = np.where(self.there > 0, table[kept], 0.0)
        self.x = np.where(self.there > 0, filled - filled.sum(axis=0) / count, 0.0)
        self.personas = len(np.unique(self.who))

    def correlations(self, times: Floats | None) -> Floats:
        """(R, k, k), each filling taken as often as ``times`` (R, n) says; undefined ones are NaN."""
        n, k = self.x.shape
        times = np.ones((1, n)) if times is None else times
        products = [(a[:, :, None] * b[:, None, :]).reshape(n, k * k) for a, b in self._pairs()]
        count, first, square, crossed = (times @ product for product in products)
        count, first, square, crossed = (x.reshape(-1, k, k) for x in (count, first, square, crossed))
        with np.errstate(divide="ignore", invalid="ignore"):
            other = np.swapaxes(first, 1, 2)
            spread = square - first**2 / count
            spread = np.where(spread > _SAME * np.maximum(square, _SAME), spread, np.nan)
            found: Floats = (crossed - first * other / count) / np.sqrt(spread * np.swapaxes(spread, 1, 2))
        return found

    def _pairs(self) -> tuple[tuple[Floats, Floats], ...]:
        return (self.there, self.there), (self.x, self.there), (self.x**2, self.there), (self.x, self.x)


def _pooled(members: list[_Member], factors: int) -> Floats:
    """Varimax of the loadings of all personas, each less the means of the group."""
    centred = np.vstack([np.where(member.there > 0, member.x, np.nan) for member in members])
    everybody = _Member(-1, centred, np.concatenate([member.who for member in members]))
    loadings = minres(everybody.correlations(None), factors)[0]
    return varimax(loadings) if np.isfinite(loadings).all() else np.eye(loadings.shape[0], factors)


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Loadings of one group, (k, m), and in each replicate, (R, k, m)."""

    member: _Member
    loadings: Floats
    drawn: Floats


def _drawn(members: list[_Member], bootstrap: Bootstrap) -> Integers:
    """How often each persona is drawn in each replicate, (R, personas).

    Who is in one group alone is drawn among those who are; who is in several, among all such, for all of them.
    """
    alone = np.concatenate([np.unique(member.who) for member in members])
    everybody, times = np.unique(alone, return_counts=True)
    found = np.zeros((bootstrap.replicates, int(everybody.max(initial=-1)) + 1), dtype=np.int64)
    shared = everybody[times > 1]
    for stratum, who in enumerate([shared, *(np.setdiff1d(member.who, shared) for member in members)]):
        if len(who):
            rng = np.random.default_rng([bootstrap.seed, stratum])
            found[:, who] = rng.multinomial(len(who), np.full(len(who), 1 / len(who)), size=bootstrap.replicates)
    return found


def _fitted(member: _Member, drawn: Integers, aim: Floats) -> _Fitted:
    loadings = minres(member.correlations(None), aim.shape[1])[0]
    if not np.isfinite(loadings).all():
        return _Fitted(member, loadings, np.full((len(drawn), *loadings.shape), np.nan))
    times = drawn[:, member.who].astype(np.float64)
    parts = range(0, len(times), _AT_ONCE)
    fits = [minres(member.correlations(times[p : p + _AT_ONCE]), aim.shape[1], start=loadings) for p in parts]
    return _Fitted(member, procrustes(loadings, aim), procrustes(np.concatenate(fits), aim))


def _pair(first: _Fitted, second: _Fitted, bootstrap: Bootstrap) -> Congruence:
    k, m = first.loadings.shape
    labels, counts = (first.member.label, second.member.label), (first.member.personas, second.member.personas)
    personas = len(np.union1d(first.member.who, second.member.who))
    apart = _differences(first.loadings, second.loadings)
    if min(counts) <= k or not all(np.isfinite(d).all() for d in apart):
        why = "nothing to estimate from: a group has no more personas than items, or an item does not vary in it"
        nothing = Interval(None, None, None, personas, why)
        return Congruence(*labels, counts, nothing, (nothing,) * m, "unknown", ("unknown",) * m)
    drawn = _differences(first.drawn, second.drawn)
    found = [_interval(d, replicates, personas, bootstrap) for d, replicates in zip(apart, drawn, strict=True)]
    verdicts = [verdict(interval.value) for interval in found]
    return Congruence(*labels, counts, found[0], tuple(found[1:]), verdicts[0], tuple(verdicts[1:]))


def _differences(first: Floats, second: Floats) -> list[Floats]:
    """Of all loadings at length 1, (…, k·m), and of each factor's, (…, k)."""
    turned = procrustes(second, first)
    pairs = [(turned.reshape(*turned.shape[:-2], -1), first.reshape(*first.shape[:-2], -1))]
    pairs += [(turned[..., factor], first[..., factor]) for factor in range(first.shape[-1])]
    return [_unit(x) - _unit(y) for x, y in pairs]


def _unit(x: Floats) -> Floats:
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    found: Floats = np.divide(x, length, out=np.full_like(x, np.nan), where=length > 0)
    return found


def _interval(apart: Floats, drawn: Floats, personas: int, bootstrap: Bootstrap) -> Interval:
    length = float(np.linalg.norm(apart))
    value = 1 - length**2 / 2
    defined = drawn[np.isfinite(drawn).all(axis=1)]
    if len(defined) < _DEFINED * len(drawn):
        return Interval(
            value, None, None, personas, "no interval: an item does not vary among too many resampled personas"
        )
    tail = (1 - bootstrap.confidence) / 2
    errors = stretch(personas, bootstrap.confidence) * (defined - apart)
    along = errors @ (apart / length) if length > _SAME else errors[:, 0]
    squares = (errors**2).sum(axis=1)

    def nearest(share: float) -> float:
        """The distance t of which the found length is this quantile; 0 where it would be more even so."""
        low, high = 0.0, 2.0
        for _ in range(40):
            middle = (low + high) / 2
            above = np.mean(middle**2 + 2 * middle * along + squares <= length**2) > share
            low, high = (middle, high) if above else (low, middle)
        return low

    low, high = (1 - nearest(share) ** 2 / 2 for share in (tail, 1 - tail))
    return Interval(value, low, high if high < 1 - _SAME else 1.0, personas)


def _cosine(crossed: Floats, first: Floats, second: Floats) -> Floats:
    length = np.sqrt(first * second)
    found: Floats = np.where(length > 0, np.clip(crossed / np.where(length > 0, length, 1.0), -1, 1), np.nan)
    return found
