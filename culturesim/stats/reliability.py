"""How far the items of a scale measure one thing: α, ω, and each item against the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from culturesim.stats.covariances import Covariances, replicated
from culturesim.stats.factors import OneFactor, one_factor, one_factor_influence
from culturesim.stats.inference import Floats, Interval
from culturesim.stats.jackknife import CAPPED, FISHER, Link, jackknife, of_error
from culturesim.stats.tables import table_of

TOP = (-np.inf, 1.0)

_SAME = 1e-12
_FORM = ("reliability", "personas", "items")


@dataclass(frozen=True, slots=True)
class ItemTotal:
    """One item against the others. ``item`` is its column; ``rest`` and ``alpha_without`` as in ``item_totals``."""

    item: int
    n: int
    mean: float | None
    sd: float | None
    rest: Interval
    alpha_without: Interval


def cronbach_alpha(values: npt.ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Cronbach's ``α = k/(k−1) · (1 − Σ s_ii / ΣΣ s_ij)`` of the items' covariances s.

    Covariances are of the personas who answered both items (pairwise). Items that all answer alike have no variance and
    are left out, as other programs do; the note counts them.

    The interval leaves out one persona at a time, on the scale −log(1 − α), with t(n−1): unlike intervals of normal
    theory it needs neither normal answers nor equal covariances.

    Parameters
    ----------
    values : (n personas, k items)
        Answers, reverse-keyed items already turned; NaN is missing.

    Returns
    -------
    Interval
        In (−∞, 1]; 1 where all items are the same, without ends. None with fewer than 3 personas or 2 items that vary.

    References
    ----------
    Cronbach (1951), Coefficient alpha and the internal structure of tests, Psychometrika 16(3).
    Bonett (2002), Sample size requirements for testing and estimating coefficient alpha, Journal of Educational and
    Behavioral Statistics 27(4): the scale of the interval.
    """
    return _of_covariances(values, _alpha, confidence)


def standardised_alpha(values: npt.ArrayLike, *, confidence: float = 0.95) -> Interval:
    """α of items brought to one variance: ``k r̄ / (1 + (k−1) r̄)``, r̄ the mean correlation of two items.

    Parameters, result and interval are those of ``cronbach_alpha``.
    """
    return _of_covariances(values, _standardised, confidence)


def mcdonald_omega(values: npt.ArrayLike, *, confidence: float = 0.95) -> Interval:
    """McDonald's ``ω = (Σλ)² / ((Σλ)² + Σψ)`` of the sum of items with one common factor.

    Loadings λ and unique variances ψ are fitted to the pairwise covariances by maximum likelihood. The standard error
    is that of the infinitesimal jackknife (each persona's influence on λ and ψ, carried on to ω), so answers need not
    be normal; the interval is symmetric on the scale −log(1 − ω), with t(n−1). Items that do not vary are left out.

    Parameters
    ----------
    values : (n personas, k items)
        Answers, reverse-keyed items already turned; NaN is missing.

    Returns
    -------
    Interval
        In [0, 1]. None with fewer than 3 items that vary (two have no single solution) or no more personas than items;
        the note says where an item has no unique variance left (a Heywood case).

    References
    ----------
    McDonald (1999), Test theory: a unified treatment, chapter 6.
    """
    table, missing = _usable(values, fewest=3)
    if table is None:
        return missing
    if len(table) <= table.shape[1]:
        return replace(missing, note="nothing to estimate from: no more personas than items")
    pairs = Covariances(table)
    covariance = pairs.of_all()
    if not np.isfinite(covariance).all() or np.linalg.eigvalsh(covariance)[0] <= _SAME:
        note = "no estimate: some items follow from the others, or too few personas answered both items of a pair"
        return replace(missing, note=note)
    fit = one_factor(covariance)
    omega = _omega(fit)
    influence = one_factor_influence(fit, covariance, pairs.x, pairs.there, _omega_slopes(fit))
    error = float(np.sqrt((influence**2).sum() / (len(table) * (len(table) - 1)))) / max(1 - omega, _SAME)
    found = of_error(omega, error, len(table), link=CAPPED, confidence=confidence, bounds=(0.0, 1.0))
    heywood = "an item has no unique variance left (Heywood case)" if not fit.free.all() else ""
    return replace(found, note=_joined(found.note, heywood, missing.note))


def item_totals(values: npt.ArrayLike, *, confidence: float = 0.95) -> tuple[ItemTotal, ...]:
    """Each item's correlation with the sum of the others, and α without it.

    ``rest_i = Σ_{j≠i} s_ij / √(s_ii ΣΣ_{j,l≠i} s_jl)`` of pairwise covariances s, in [−1, 1], with a jackknife interval
    on Fisher's z; ``alpha_without`` is ``cronbach_alpha`` of the others.

    Parameters
    ----------
    values : (n personas, k items)
        Answers, reverse-keyed items already turned; NaN is missing.

    Returns
    -------
    tuple of ItemTotal
        One per column, in order. An item that does not vary has no correlation, and is not part of the others' sums.
    """
    table, missing = _usable(values, fewest=2)
    full = table_of(values, *_FORM)
    if table is None:
        return tuple(_described(full, i, missing, missing) for i in range(full.shape[1]))
    k = table.shape[1]
    value, without = replicated(table, _rest_and_alpha)
    places = iter(range(k))
    constant = Interval(None, None, None, len(table), "the item does not vary")
    rows = []
    for item, varies in enumerate(_varying(full)):
        if not varies:
            rows.append(_described(full, item, constant, _of_covariances(values, _alpha, confidence)))
            continue
        i = next(places)
        rest = _interval(value[i], without[:, i], FISHER, confidence)
        alpha = _interval(value[k + i], without[:, k + i], CAPPED, confidence)
        rows.append(_described(full, item, rest, alpha))
    return tuple(rows)


def _described(table: Floats, item: int, rest: Interval, alpha: Interval) -> ItemTotal:
    column = table[np.isfinite(table[:, item]), item]
    mean = float(column.mean()) if len(column) else None
    sd = float(column.std(ddof=1)) if len(column) > 1 else None
    return ItemTotal(item, len(column), mean, sd, rest, alpha)


def _of_covariances(values: npt.ArrayLike, statistic: Callable[[Floats], Floats], confidence: float) -> Interval:
    table, missing = _usable(values, fewest=2)
    if table is None:
        return missing
    value, without = replicated(table, lambda s: statistic(s)[..., None])
    found = _interval(value[0], without[:, 0], CAPPED, confidence)
    return replace(found, note=_joined(found.note, missing.note))


def _interval(value: float, without: Floats, link: Link, confidence: float) -> Interval:
    if not np.isfinite(value):
        note = "nothing to estimate from: the sum does not vary, or too few personas answered both items of a pair"
        return Interval(None, None, None, len(without), note)
    bounds = (-1.0, 1.0) if link is FISHER else TOP
    return jackknife(float(value), without, link=link, confidence=confidence, bounds=bounds)


def _varying(table: Floats) -> npt.NDArray[np.bool_]:
    return np.array([np.unique(column[np.isfinite(column)]).size > 1 for column in table.T], dtype=bool)


def _usable(values: npt.ArrayLike, fewest: int) -> tuple[Floats | None, Interval]:
    """Personas with any answer, items that vary; and what to say where that is too little, or was not all."""
    table = table_of(values, *_FORM)
    varies = _varying(table)
    kept = table[:, varies]
    kept = kept[np.isfinite(kept).any(axis=1)]
    note = f"left out: {(~varies).sum()} of {table.shape[1]} items, which all answer alike" if not varies.all() else ""
    if kept.shape[1] < fewest:
        note = _joined(f"nothing to estimate from: fewer than {fewest} items that vary", note)
        return None, Interval(None, None, None, len(kept), note)
    if len(kept) < 3:
        return None, Interval(None, None, None, len(kept), "nothing to estimate from: fewer than three personas")
    return kept, Interval(None, None, None, len(kept), note)


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def _alpha(s: Floats) -> Floats:
    k = s.shape[-1]
    total, own = s.sum(axis=(-1, -2)), np.trace(s, axis1=-2, axis2=-1)
    found: Floats = np.asarray(k / (k - 1) * (1 - own / np.where(total > _SAME, total, np.nan)))
    return found


def _standardised(s: Floats) -> Floats:
    sds = np.sqrt(np.diagonal(s, axis1=-2, axis2=-1))
    return _alpha(s / (sds[..., :, None] * sds[..., None, :]))


def _rest_and_alpha(s: Floats) -> Floats:
    """(…, 2k): correlation with the rest, and α of the rest, of each item."""
    k = s.shape[-1]
    own, rows = np.diagonal(s, axis1=-2, axis2=-1), s.sum(axis=-1)
    total, trace = s.sum(axis=(-1, -2))[..., None], own.sum(axis=-1)[..., None]
    others = total - 2 * rows + own
    others = np.where(others > _SAME, others, np.nan)
    rest = (rows - own) / np.sqrt(own * others)
    alpha = (k - 1) / (k - 2) * (1 - (trace - own) / others) if k > 2 else np.full_like(own, np.nan)
    return np.concatenate([rest, alpha], axis=-1)


def _omega(fit: OneFactor) -> float:
    common = fit.loadings.sum() ** 2
    return float(common / (common + fit.uniques.sum()))


def _omega_slopes(fit: OneFactor) -> Floats:
    """Derivatives of ω by the loadings and the unique variances, (2k,)."""
    total, unique, k = fit.loadings.sum(), fit.uniques.sum(), len(fit.loadings)
    below = (total**2 + unique) ** 2
    return np.concatenate([np.full(k, 2 * total * unique / below), np.full(k, -(total**2) / below)])
