"""Items that work differently in one group than in another: ordinal-logistic DIF, honest for crossed persons."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.inference import Floats, Integers, Interval, t_quantile
from culturesim.stats.proportional import ProportionalOdds, fit, sandwich, score_test

Matching = Literal["rest", "total"]
Errors = Literal["robust", "likelihood"]
Criteria = Literal["jodoin_gierl", "zumbo"]
Grade = Literal["A", "B", "C"]

THRESHOLDS: dict[Criteria, tuple[float, float]] = {"jodoin_gierl": (0.035, 0.070), "zumbo": (0.13, 0.26)}
"""From which ΔR² an effect is moderate (B) and large (C)."""

FEWEST_PERSONS = 20
ROUNDS = 10

_ODD = "a group is separated from the others: effects have no finite estimate"


@dataclass(frozen=True, slots=True)
class DifTest:
    """A test over all groups: F (robust) or χ² (likelihood) with ``df``, p, and q over items (Benjamini–Hochberg).

    ``effect`` is the ΔR² (Nagelkerke) of what is tested.
    """

    statistic: float | None
    df: int
    p: float | None
    q: float | None
    effect: float | None


@dataclass(frozen=True, slots=True)
class ItemDif:
    """One item, see ``dif``. ``shifts``: of each group, as in ``Dif.groups``; ``grade`` is None if untested."""

    item: int
    n: int
    persons: int
    uniform: DifTest
    nonuniform: DifTest
    overall: DifTest
    grade: Grade | None
    shifts: tuple[Interval, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Dif:
    """All items. ``anchors``: columns that persons were matched on; ``rounds``: how often these were chosen anew."""

    items: tuple[ItemDif, ...]
    groups: tuple[int, ...]
    anchors: tuple[int, ...]
    rounds: int
    settled: bool


def dif(
    values: npt.ArrayLike,
    groups: npt.ArrayLike,
    persons: npt.ArrayLike | None = None,
    *,
    matching: Matching = "total",
    errors: Errors = "robust",
    criteria: Criteria = "jodoin_gierl",
    purify: bool = False,
    alpha: float = 0.05,
    confidence: float = 0.95,
) -> Dif:
    """Differential item functioning between groups (languages), by proportional-odds models of each item.

    ``logit P(y > c)`` is modelled by (1) ``β s − τ_c``, with s the matching score; (2) with a shift per group; (3) with
    a slope of s per group. *Uniform* DIF is (2) against (1), *non-uniform* (3) against (2), *overall* (3) against (1),
    with G−1, G−1 and 2(G−1) degrees of freedom. Effect sizes are differences of Nagelkerke's
    ``R² = (1 − e^{2(l_0 − l)/n}) / (1 − e^{2 l_0/n})``, l_0 without regressors.

    ``errors="robust"`` (default) tests by scores added up within persons, so that the same persona may be in several
    groups (asked in each language) and each persona counts once; ``"likelihood"`` tests by likelihood ratio, which is
    right for groups of different persons alone: of the same persons in two groups it rejects too seldom.

    An item is graded A (negligible) where overall q > ``alpha`` or ΔR² is below the first threshold, B below the
    second, C above it: .035 and .070 (Jodoin & Gierl) or .13 and .26 (Zumbo).

    The score is known with error. Where groups differ in what is measured (impact), matching on the other items alone
    (``"rest"``) leaves part of that difference in the item, and a shift is found that is not there: with 8 items, 200
    persons each and half a standard deviation of impact in 10–15 % where 5 % are meant. ``"total"`` (default) matches
    on all anchors, the item among them, as Zumbo does, and holds 5 % there; it dilutes a shift by a k-th.

    Parameters
    ----------
    values : (n, k)
        Ordinal codes of n fillings, reverse-keyed items already turned; NaN is missing.
    groups : (n,)
        The group of each filling.
    persons : (n,), optional
        Who filled in; by default each filling is a person of its own.
    matching
        The score s is the mean of the anchors that were answered, in units of its standard deviation.
    purify
        Leave items graded B or C out of the score and begin anew, until the same items are out (at most 10 rounds).

    Returns
    -------
    Dif
        ``shifts`` are log odds against the mean of the groups at the same score, with intervals robust to persons
        (t with persons − 1); positive: the group gives higher codes than its score tells. Tests are None, and say why,
        with fewer than 20 persons, two groups, or two codes.

    References
    ----------
    Zumbo (1999), A handbook on the theory and methods of differential item functioning.
    Jodoin & Gierl (2001), Evaluating type I error and power rates using an effect size measure with the logistic
    regression procedure for DIF detection, Applied Measurement in Education 14(4).
    Crane, Gibbons, Jolley & van Belle (2006), Differential item functioning analysis with ordinal logistic regression
    techniques, Medical Care 44(11 Suppl 3).
    """
    table = np.asarray(values, dtype=np.float64)
    labels, places = np.unique(np.asarray(groups), return_inverse=True)
    who = np.arange(len(table)) if persons is None else np.unique(np.asarray(persons), return_inverse=True)[1]
    if table.ndim != 2 or not len(table) == len(places) == len(who):
        raise AnalysisError("DIF needs a table of fillings by items, and a group and a person for each filling")
    asked = _Asked(table, places, who, len(labels), matching, errors, confidence)
    anchors = frozenset(range(table.shape[1]))
    tried = [anchors]
    while True:
        items = _graded([asked.item(i, anchors) for i in range(table.shape[1])], THRESHOLDS[criteria], alpha)
        clean = frozenset(item.item for item in items if item.grade not in {"B", "C"})
        settled = not purify or clean == anchors
        if settled or len(tried) > ROUNDS or len(clean) < 2 or clean in tried:
            break
        anchors = clean
        tried.append(clean)
    return Dif(items, tuple(int(label) for label in labels), tuple(sorted(anchors)), len(tried) - 1, settled)


@dataclass(frozen=True, slots=True)
class _Asked:
    table: Floats
    groups: Integers
    persons: Integers
    n_groups: int
    matching: Matching
    errors: Errors
    confidence: float

    def item(self, item: int, anchors: Iterable[int]) -> ItemDif:
        columns = sorted(set(anchors) | {item} if self.matching == "total" else set(anchors) - {item})
        score = _mean(self.table[:, columns])
        there = np.isfinite(self.table[:, item]) & np.isfinite(score)
        groups, persons = self.groups[there], self.persons[there]
        codes = np.unique(self.table[there, item], return_inverse=True)[1]
        n, n_persons = int(there.sum()), len(np.unique(persons))
        if reason := self._too_little(codes, groups, score[there], n_persons):
            nothing = DifTest(None, 0, None, None, None)
            return ItemDif(item, n, n_persons, nothing, nothing, nothing, None, (), reason)
        x = _design(score[there], groups, self.n_groups)
        return self._tested(item, codes, x, persons)

    def _too_little(self, codes: Integers, groups: Integers, score: Floats, persons: int) -> str:
        if persons < FEWEST_PERSONS:
            return f"no test: fewer than {FEWEST_PERSONS} persons"
        if len(np.unique(groups)) < max(self.n_groups, 2):
            return "no test: fewer than two groups" if self.n_groups < 2 else "no test: a group has no answers"
        if codes.max() == 0:
            return "no test: all answers are the same"
        return "no test: the matching score does not vary" if np.ptp(score) == 0 else ""

    def _tested(self, item: int, codes: Integers, x: Floats, persons: Integers) -> ItemDif:
        ends = 1, self.n_groups, 2 * self.n_groups - 1
        empty = fit(codes, x[:, :0])
        fits: list[ProportionalOdds] = []
        for end in ends:
            fits.append(fit(codes, x[:, :end], start=fits[-1] if fits else None))
        explained = [_nagelkerke(one.likelihood, empty.likelihood, len(codes)) for one in fits]

        def test(lower: int, upper: int) -> DifTest:
            effect = max(explained[upper] - explained[lower], 0.0)
            if self.errors == "robust":
                found = score_test(codes, x[:, : ends[upper]], fits[lower], persons)
                return DifTest(found.statistic, found.df, found.p, None, effect)
            ratio = max(2 * (fits[upper].likelihood - fits[lower].likelihood), 0.0)
            df = ends[upper] - ends[lower]
            return DifTest(ratio, df, _chi2_tail(df, ratio), None, effect)

        shifts = self._shifts(codes, x[:, : ends[1]], fits[1], persons)
        note = "" if fits[1].settled else _ODD
        n = len(np.unique(persons))
        return ItemDif(item, len(codes), n, test(0, 1), test(1, 2), test(0, 2), None, shifts, note)

    def _shifts(self, codes: Integers, x: Floats, found: ProportionalOdds, persons: Integers) -> tuple[Interval, ...]:
        count = len(np.unique(persons))
        if not found.settled:
            return tuple(Interval(None, None, None, count, _ODD) for _ in range(self.n_groups))
        contrasts = np.vstack([np.eye(self.n_groups - 1), -np.ones(self.n_groups - 1)])
        covariance = contrasts @ sandwich(codes, x, found, persons)[1:, 1:] @ contrasts.T
        half = t_quantile((1 + self.confidence) / 2, count - 1) * np.sqrt(np.maximum(np.diag(covariance), 0.0))
        values = contrasts @ found.slopes[1:]
        return tuple(Interval(float(v), float(v - h), float(v + h), count) for v, h in zip(values, half, strict=True))


def _q_values(p: list[float | None]) -> list[float | None]:
    """By Benjamini and Hochberg, in the order of p; None stays None and is not counted as a test."""
    from scipy.stats import false_discovery_control

    known = [value for value in p if value is not None]
    adjusted = iter(false_discovery_control(known) if known else ())
    return [None if value is None else float(next(adjusted)) for value in p]


def _graded(items: list[ItemDif], thresholds: tuple[float, float], alpha: float) -> tuple[ItemDif, ...]:
    kinds = [_adjusted([getattr(item, kind) for item in items]) for kind in ("uniform", "nonuniform", "overall")]
    found = []
    for item, uniform, nonuniform, overall in zip(items, *kinds, strict=True):
        grade = _grade(overall, thresholds, alpha)
        rest = item.grade if grade is None else grade
        found.append(
            ItemDif(item.item, item.n, item.persons, uniform, nonuniform, overall, rest, item.shifts, item.note)
        )
    return tuple(found)


def _adjusted(tests: list[DifTest]) -> list[DifTest]:
    qs = _q_values([test.p for test in tests])
    return [DifTest(t.statistic, t.df, t.p, q, t.effect) for t, q in zip(tests, qs, strict=True)]


def _grade(test: DifTest, thresholds: tuple[float, float], alpha: float) -> Grade | None:
    if test.q is None or test.effect is None:
        return None
    if test.q > alpha or test.effect < thresholds[0]:
        return "A"
    return "B" if test.effect < thresholds[1] else "C"


def _mean(columns: Floats) -> Floats:
    there = np.isfinite(columns)
    count = there.sum(axis=1)
    found: Floats = np.where(count > 0, np.where(there, columns, 0).sum(axis=1) / np.maximum(count, 1), np.nan)
    return found


def _design(score: Floats, groups: Integers, n_groups: int) -> Floats:
    """Score, group contrasts that sum to 0, and their products, (n, 2G−1)."""
    s = (score - score.mean()) / score.std()
    contrasts = np.vstack([np.eye(n_groups - 1), -np.ones(n_groups - 1)])[groups]
    return np.column_stack([s, contrasts, contrasts * s[:, None]])


def _nagelkerke(likelihood: float, empty: float, n: int) -> float:
    return -math.expm1(2 * (empty - likelihood) / n) / -math.expm1(2 * empty / n)


def _chi2_tail(df: int, statistic: float) -> float:
    from scipy.special import chdtrc

    return float(chdtrc(df, statistic))
