"""Items that work differently in one group than in another: ordinal-logistic DIF, honest for crossed personas."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from culturesim.stats.inference import Floats, Integers, Interval, t_quantile
from culturesim.stats.multiple import benjamini_hochberg
from culturesim.stats.proportional import ProportionalOdds, covariance, fit
from culturesim.stats.score_test import score_test
from culturesim.stats.tables import fillings_of

Matching = Literal["rest", "total"]
Tests = Literal["score", "likelihood"]
Criteria = Literal["jodoin_gierl", "zumbo"]
Grade = Literal["A", "B", "C"]

THRESHOLDS: dict[Criteria, tuple[float, float]] = {"jodoin_gierl": (0.035, 0.070), "zumbo": (0.13, 0.26)}
"""From which ΔR² an effect is moderate (B) and large (C)."""

FEWEST_PERSONAS = 20
ROUNDS = 10

_ODD = "a group is separated from the others: effects have no finite estimate"


@dataclass(frozen=True, slots=True)
class DifTest:
    """A test over all groups: F (score) or χ² (likelihood) with ``df``, p, and q over items (Benjamini–Hochberg).

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
    personas: int
    uniform: DifTest
    nonuniform: DifTest
    overall: DifTest
    grade: Grade | None
    shifts: tuple[Interval, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Dif:
    """All items. ``anchors``: columns that personas were matched on; ``rounds``: how often these were chosen anew."""

    items: tuple[ItemDif, ...]
    groups: tuple[int, ...]
    anchors: tuple[int, ...]
    rounds: int
    settled: bool


def dif(
    values: npt.ArrayLike,
    groups: npt.ArrayLike,
    personas: npt.ArrayLike | None = None,
    *,
    matching: Matching = "total",
    tests: Tests = "score",
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

    ``tests="score"`` (default) tests by scores added up within personas, so that the same persona may be in several
    groups (asked in each language) and each persona counts once; ``"likelihood"`` tests by likelihood ratio, which is
    right for groups of different personas alone: of the same personas in two groups it rejects too seldom.

    An item is graded A (negligible) where overall q > ``alpha`` or ΔR² is below the first threshold, B below the
    second, C above it: .035 and .070 (Jodoin & Gierl) or .13 and .26 (Zumbo).

    The score is known with error. Where groups differ in what is measured (impact), matching on the other items alone
    (``"rest"``) leaves part of that difference in the item, and a shift is found that is not there: with 8 items, 200
    personas each and half a standard deviation of impact in 10–15 % where 5 % are meant. ``"total"`` (default) matches
    on all anchors, the item among them, as Zumbo does, and holds 5 % there; it dilutes a shift by a k-th.

    Parameters
    ----------
    values : (n, k)
        Ordinal codes of n fillings, reverse-keyed items already turned; NaN is missing.
    groups : (n,)
        The group of each filling.
    personas : (n,), optional
        Who filled in; by default each filling is a persona of its own.
    matching
        The score s is the mean of the anchors that were answered, in units of its standard deviation.
    purify
        Leave items graded B or C out of the score and begin anew, until the same items are out (at most 10 rounds).

    Returns
    -------
    Dif
        ``shifts`` are log odds against the mean of the groups at the same score, with intervals robust to personas
        (t with personas − 1); positive: the group gives higher codes than its score tells. Tests are None, and say why,
        with fewer than 20 personas, two groups, or two codes.

    References
    ----------
    Zumbo (1999), A handbook on the theory and methods of differential item functioning.
    Jodoin & Gierl (2001), Evaluating type I error and power rates using an effect size measure with the logistic
    regression procedure for DIF detection, Applied Measurement in Education 14(4).
    Crane, Gibbons, Jolley & van Belle (2006), Differential item functioning analysis with ordinal logistic regression
    techniques, Medical Care 44(11 Suppl 3).
    """
    fillings = fillings_of(values, groups, personas, "differential item functioning")
    labels, k = fillings.labels, fillings.table.shape[1]
    asked = _Asked(fillings.table, fillings.groups, fillings.personas, len(labels), matching, tests, confidence)
    anchors = frozenset(range(k))
    tried = [anchors]
    while True:
        items = _graded([asked.item(i, anchors) for i in range(k)], THRESHOLDS[criteria], alpha)
        clean = frozenset(item.item for item in items if item.grade not in {"B", "C"})
        settled = not purify or clean == anchors
        if settled or len(tried) > ROUNDS or len(clean) < 2 or clean in tried:
            break
        anchors = clean
        tried.append(clean)
    return Dif(items, labels, tuple(sorted(anchors)), len(tried) - 1, settled)


@dataclass(frozen=True, slots=True)
class _Asked:
    table: Floats
    groups: Integers
    personas: Integers
    n_groups: int
    matching: Matching
    tests: Tests
    confidence: float

    def item(self, item: int, anchors: Iterable[int]) -> ItemDif:
        columns = sorted(set(anchors) | {item} if self.matching == "total" else set(anchors) - {item})
        score = _mean(self.table[:, columns])
        there = np.isfinite(self.table[:, item]) & np.isfinite(score)
        groups, personas = self.groups[there], self.personas[there]
        codes = np.unique(self.table[there, item], return_inverse=True)[1]
        n, n_personas = int(there.sum()), len(np.unique(personas))
        if reason := self._too_little(codes, groups, score[there], n_personas):
            nothing = DifTest(None, 0, None, None, None)
            return ItemDif(item, n, n_personas, nothing, nothing, nothing, None, (), reason)
        x = _design(score[there], groups, self.n_groups)
        return self._tested(item, codes, x, personas)

    def _too_little(self, codes: Integers, groups: Integers, score: Floats, personas: int) -> str:
        if personas < FEWEST_PERSONAS:
            return f"no test: fewer than {FEWEST_PERSONAS} personas"
        if len(np.unique(groups)) < max(self.n_groups, 2):
            return "no test: fewer than two groups" if self.n_groups < 2 else "no test: a group has no answers"
        if codes.max() == 0:
            return "no test: all answers are the same"
        return "no test: the matching score does not vary" if np.ptp(score) == 0 else ""

    def _tested(self, item: int, codes: Integers, x: Floats, personas: Integers) -> ItemDif:
        ends = 1, self.n_groups, 2 * self.n_groups - 1
        empty = fit(codes, x[:, :0])
        fits: list[ProportionalOdds] = []
        for end in ends:
            fits.append(fit(codes, x[:, :end], start=fits[-1] if fits else None))
        explained = [_nagelkerke(one.likelihood, empty.likelihood, len(codes)) for one in fits]

        def test(lower: int, upper: int) -> DifTest:
            effect = max(explained[upper] - explained[lower], 0.0)
            if self.tests == "score":
                found = score_test(codes, x[:, : ends[upper]], fits[lower], personas)
                return DifTest(found.statistic, found.df, found.p, None, effect)
            ratio = max(2 * (fits[upper].likelihood - fits[lower].likelihood), 0.0)
            df = ends[upper] - ends[lower]
            return DifTest(ratio, df, _chi2_tail(df, ratio), None, effect)

        shifts = self._shifts(codes, x[:, : ends[1]], fits[1], personas)
        note = "" if fits[1].settled else _ODD
        n = len(np.unique(personas))
        return ItemDif(item, len(codes), n, test(0, 1), test(1, 2), test(0, 2), None, shifts, note)

    def _shifts(self, codes: Integers, x: Floats, found: ProportionalOdds, personas: Integers) -> tuple[Interval, ...]:
        count = len(np.unique(personas))
        if not found.settled:
            return tuple(Interval(None, None, None, count, _ODD) for _ in range(self.n_groups))
        contrasts = np.vstack([np.eye(self.n_groups - 1), -np.ones(self.n_groups - 1)])
        spread = covariance(codes, x, found, personas, "sandwich")
        first = len(found.thresholds) + 1
        variances = np.diag(contrasts @ spread[first:, first:] @ contrasts.T)
        half = t_quantile((1 + self.confidence) / 2, count - 1) * np.sqrt(np.maximum(variances, 0.0))
        values = contrasts @ found.slopes[1:]
        return tuple(Interval(float(v), float(v - h), float(v + h), count) for v, h in zip(values, half, strict=True))


def _graded(items: list[ItemDif], thresholds: tuple[float, float], alpha: float) -> tuple[ItemDif, ...]:
    kinds = [_adjusted([getattr(item, kind) for item in items]) for kind in ("uniform", "nonuniform", "overall")]
    found = []
    for item, uniform, nonuniform, overall in zip(items, *kinds, strict=True):
        grade = _grade(overall, thresholds, alpha)
        rest = item.grade if grade is None else grade
        found.append(replace(item, uniform=uniform, nonuniform=nonuniform, overall=overall, grade=rest))
    return tuple(found)


def _adjusted(tests: list[DifTest]) -> list[DifTest]:
    q = benjamini_hochberg([math.nan if test.p is None else test.p for test in tests])
    return [replace(t, q=None if t.p is None else float(x)) for t, x in zip(tests, q, strict=True)]


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
