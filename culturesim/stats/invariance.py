"""Whether groups may be compared on a scale: fit of one factor model under equal loadings, and equal intercepts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.cfa import Level, Moments, Solution, fit
from culturesim.stats.inference import Floats
from culturesim.stats.tables import fillings_of

LEVELS: tuple[Level, ...] = ("configural", "metric", "scalar")

Supported = Literal["none", "configural", "metric", "scalar", "unknown"]

CFI_DROP = 0.01
LEAST_CFI = 0.90
MOST_RMSEA = 0.08


@dataclass(frozen=True, slots=True)
class Fit:
    """How one model fits, see ``invariance``. Numbers are None where it could not be fitted; ``note`` says why."""

    level: Level
    chi2: float | None
    df: int
    p: float | None
    cfi: float | None
    tli: float | None
    rmsea: float | None
    rmsea_low: float | None
    rmsea_high: float | None
    srmr: float | None
    solution: Solution | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """From one level to the next: ``chi2`` with ``df`` and ``p``, and ``cfi``, negative where the fit is worse."""

    level: Level
    chi2: float | None
    df: int
    p: float | None
    cfi: float | None
    holds: bool | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Invariance:
    """Fits and changes by level; ``supported`` is the highest level that holds, with all before it."""

    fits: tuple[Fit, ...]
    changes: tuple[Change, ...]
    supported: Supported
    groups: tuple[int, ...]
    sizes: tuple[int, ...]
    left_out: int
    note: str = ""


def invariance(
    values: npt.ArrayLike,
    groups: npt.ArrayLike,
    factors: npt.ArrayLike | None = None,
    personas: npt.ArrayLike | None = None,
) -> Invariance:
    """Multi-group confirmatory factor analysis: configural, metric and scalar invariance.

    Fit of χ² with df, against the model of independent items (χ²_b, df_b): ``CFI = 1 − max(χ²−df, 0)/max(χ²_b−df_b,
    χ²−df, 0)``, ``TLI = (χ²_b/df_b − χ²/df)/(χ²_b/df_b − 1)``, ``RMSEA = √(G max(χ²−df, 0)/(N df))`` with a 90 %
    interval of the noncentral χ², SRMR the root mean square of standardised residuals of covariances and means.

    Configural invariance holds with CFI ≥ .90 and RMSEA ≤ .08; metric and scalar hold where CFI falls by no more than
    .01 from the level before. Equal means of a scale may be compared where scalar invariance holds.

    χ² supposes normal answers of different personas: of the same personas in several groups it has no p, and with
    groups below 200 it rejects a little too often (7 % where 5 % are meant). The rule on CFI does not use p. Answers on
    five codes that are not far to one side are taken as normal with little harm.

    Parameters
    ----------
    values : (n, k)
        Answers of n fillings, reverse-keyed items already turned; fillings with a NaN are left out and counted.
    groups : (n,)
        The group of each filling.
    factors : (k,) integers or (k, m) booleans, optional
        The factor of each item, or which items belong to which factor; by default one factor of all.
    personas : (n,), optional
        Who filled in.

    Returns
    -------
    Invariance
        ``supported`` is "unknown" where the configural model could not be fitted.

    References
    ----------
    Cheung & Rensvold (2002), Evaluating goodness-of-fit indexes for testing measurement invariance, Structural Equation
    Modeling 9(2).
    """
    fillings = fillings_of(values, groups, personas, "invariance")
    pattern = _pattern(factors, fillings.table.shape[1])
    complete = np.isfinite(fillings.table).all(axis=1)
    table, places, who = fillings.table[complete], fillings.groups[complete], fillings.personas[complete]
    names, left_out = fillings.labels, int((~complete).sum())
    moments = tuple(_moments(table[places == g]) for g in range(len(names)))
    sizes = tuple(group.n for group in moments)
    if reason := _too_little(moments, pattern):
        fits = tuple(_unfitted(level, moments, pattern, reason) for level in LEVELS)
        changes = tuple(Change(level, None, 0, None, None, None, reason) for level in LEVELS[1:])
        return Invariance(fits, changes, "unknown", names, sizes, left_out, reason)
    shared = len(np.unique(who)) < len(np.unique(np.column_stack([who, places]), axis=0))
    fits = tuple(_fitted(level, moments, pattern, shared) for level in LEVELS)
    changes = tuple(_change(before, after, shared) for before, after in pairwise(fits))
    note = f"{left_out} fillings with a missing answer are left out" if left_out else ""
    return Invariance(fits, changes, _supported(fits[0], changes), names, sizes, left_out, note)


def _pattern(factors: npt.ArrayLike | None, k: int) -> npt.NDArray[np.bool_]:
    given = np.zeros(k, dtype=np.int64) if factors is None else np.asarray(factors)
    if given.ndim == 1:
        given = given[:, None] == np.unique(given)[None, :]
    if given.shape[0] != k or not given.any(axis=0).all() or not given.any(axis=1).all():
        raise AnalysisError("each item needs a factor, and each factor an item")
    return given.astype(bool)


def _moments(table: Floats) -> Moments:
    if not len(table):
        return Moments(0, np.zeros(table.shape[1]), np.zeros((table.shape[1],) * 2))
    centred = table - table.mean(axis=0)
    return Moments(len(table), table.mean(axis=0), centred.T @ centred / len(table))


def _too_little(moments: tuple[Moments, ...], pattern: npt.NDArray[np.bool_]) -> str:
    k, m = pattern.shape
    if len(moments) < 2:
        return "nothing to compare: fewer than two groups"
    if k < 3 or (m > 1 and (pattern.sum(axis=0) < 2).any()):
        return "not identified: one factor needs three items, several need two items each"
    if any(group.n <= k for group in moments):
        return "nothing to estimate from: a group has no more complete fillings than items"
    for group in moments:
        spread = np.sqrt(np.diag(group.covariance))
        if (spread == 0).any():
            return "nothing to estimate from: an item does not vary in a group"
        if np.linalg.eigvalsh(group.covariance / np.outer(spread, spread))[0] < 1e-10:
            return "nothing to estimate from: in a group some items follow from the others"
    return ""


def _df(level: Level, groups: int, pattern: npt.NDArray[np.bool_]) -> int:
    k, m = (int(x) for x in pattern.shape)
    moments = groups * k * (k + 3) // 2
    loadings, correlations, free = int(pattern.sum()), m * (m - 1) // 2, (groups - 1) * m * (m + 1) // 2
    if level == "configural":
        return moments - groups * (loadings + correlations + 2 * k)
    intercepts = groups * k if level == "metric" else k + (groups - 1) * m
    return moments - (loadings + correlations + free + groups * k + intercepts)


def _unfitted(level: Level, moments: tuple[Moments, ...], pattern: npt.NDArray[np.bool_], note: str) -> Fit:
    df = max(_df(level, len(moments), pattern), 0)
    return Fit(level, None, df, None, None, None, None, None, None, None, None, note)


def _fitted(level: Level, moments: tuple[Moments, ...], pattern: npt.NDArray[np.bool_], shared: bool) -> Fit:
    from scipy.special import chdtrc

    solution = fit(moments, pattern, level)
    df = _df(level, len(moments), pattern)
    if not solution.settled:
        return _unfitted(level, moments, pattern, "the model did not settle")
    n, g, chi2 = sum(group.n for group in moments), len(moments), solution.chi2
    base, base_df = _independent(moments)
    worst = max(base - base_df, chi2 - df, 0.0)
    cfi = 1 - max(chi2 - df, 0.0) / worst if worst > 0 else 1.0
    relative = base / base_df
    tli = (relative - chi2 / df) / (relative - 1) if df and relative > 1 else None
    ends = _noncentral(chi2, df)
    rmsea, low, high = (math.sqrt(g * x / (n * df)) if df else None for x in (max(chi2 - df, 0.0), *ends))
    p = float(chdtrc(df, chi2)) if df and not shared else None
    notes = ["a unique variance or a correlation of factors stands at its end (Heywood case)"] * solution.heywood
    notes += ["no p: the same personas are in several groups"] * shared
    return Fit(level, chi2, df, p, cfi, tli, rmsea, low, high, _srmr(moments, solution), solution, "; ".join(notes))


def _independent(moments: tuple[Moments, ...]) -> tuple[float, int]:
    k = len(moments[0].means)
    lacks = [g.n * (np.log(np.diag(g.covariance)).sum() - np.linalg.slogdet(g.covariance)[1]) for g in moments]
    return float(sum(lacks)), len(moments) * k * (k - 1) // 2


def _noncentral(chi2: float, df: int) -> tuple[float, float]:
    """Noncentralities under which χ² is at its upper and its lower 5 %; 0 where none is."""
    from scipy.special import chdtr, chndtrinc

    low, high = (
        float(chndtrinc(chi2, df, probability)) if df and chdtr(df, chi2) > probability else 0.0
        for probability in (0.95, 0.05)
    )
    return low, high


def _srmr(moments: tuple[Moments, ...], solution: Solution) -> float:
    total, n = 0.0, sum(group.n for group in moments)
    lower = np.tril_indices(len(moments[0].means))
    for group, covariance, means in zip(moments, solution.covariances(), solution.means(), strict=True):
        spread = np.sqrt(np.diag(group.covariance))
        residuals = ((group.covariance - covariance) / np.outer(spread, spread))[lower]
        squares = np.concatenate([residuals, (group.means - means) / spread]) ** 2
        total += group.n / n * math.sqrt(squares.mean())
    return total


def _change(before: Fit, after: Fit, shared: bool) -> Change:
    from scipy.special import chdtrc

    df = after.df - before.df
    if before.chi2 is None or after.chi2 is None or before.cfi is None or after.cfi is None:
        return Change(after.level, None, df, None, None, None, before.note or after.note)
    chi2, cfi = max(after.chi2 - before.chi2, 0.0), after.cfi - before.cfi
    p = float(chdtrc(df, chi2)) if df and not shared else None
    note = "no p: the same personas are in several groups" if shared else ""
    return Change(after.level, chi2, df, p, cfi, cfi >= -CFI_DROP, note)


def _supported(configural: Fit, changes: tuple[Change, ...]) -> Supported:
    if configural.cfi is None:
        return "unknown"
    if configural.cfi < LEAST_CFI or (configural.rmsea or 0.0) > MOST_RMSEA:
        return "none"
    reached: Supported = "configural"
    for change in changes:
        if not change.holds:
            break
        reached = change.level
    return reached
