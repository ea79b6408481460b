"""Distances between groups by how each answers the same questions. How sure they are: ``nearness``.

Shares are those of ``shares``. Every measure is a mean over questions of what it is for one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.distance import Distances, Support, support_of
from culturesim.stats.divergence import jsd
from culturesim.stats.inference import Bounds, Floats
from culturesim.stats.shares import Shares, aligned, asked_of

_SAME = 1e-12


class Measure(NamedTuple):
    """A measure of two distributions: ``of`` takes (…, q, o) twice and gives (…, q), NaN where it is undefined.

    ``near``: whether large values mean near. ``symmetric``: whether the order of the two matters not. ``smooth``:
    whether small changes of shares are small changes of it, as intervals over personas need. ``settings``: what papers
    differ in.
    """

    name: str
    of: Callable[[Floats, Floats], Floats]
    bounds: Bounds
    settings: dict[str, float | str]
    near: bool = False
    symmetric: bool = True
    smooth: bool = True


def cfst(sizes: tuple[npt.ArrayLike, npt.ArrayLike] | None = None) -> Measure:
    """Cultural fixation index: options are taken as alleles, ``F = (H_T − H_S)/H_T``.

    With ``H = 1 − Σ p²``, H_S is the mean of the two groups' H, and H_T that of their mean distribution. The order of
    options does not matter. Undefined where both groups give one and the same answer (H_T = 0): that question is left
    out.

    Parameters
    ----------
    sizes : two of (), (q,) or (…, q), optional
        How many people are behind the shares of either group. Then for small samples each H is taken times n/(n − 1),
        and ``H_T = 1 − ¼ Σ_i (1 − H_i) − ½ Σ p₁p₂``: both unbiased, so F may be below 0. Questions with a group of one
        person are left out. Infinite for a group that is not to be corrected, such as personas whose jackknife does so.

    Returns
    -------
    Measure
        In [0, 1]; with sizes in [−1, 1]. Not a metric.

    References
    ----------
    Muthukrishna et al. (2020), Beyond Western, educated, industrial, rich, and democratic (WEIRD) psychology,
    Psychological Science 31(6). Nei & Chesser (1983), Estimation of fixation indices and gene diversities, Annals of
    Human Genetics 47(3): the correction, here for two groups.
    """

    def corrected(p: Floats, size: npt.ArrayLike) -> Floats:
        n = np.asarray(size, dtype=np.float64)
        lost = np.where(n > 1, 1 - 1 / np.maximum(1.0, n), np.nan)
        return np.asarray((1 - (p**2).sum(axis=-1)) / lost)

    first, second = sizes or (np.inf, np.inf)

    def of(p: Floats, q: Floats) -> Floats:
        one, other = corrected(p, first), corrected(q, second)
        total = 1 - ((1 - one) + (1 - other)) / 4 - (p * q).sum(axis=-1) / 2
        between = total - (one + other) / 2
        shape = np.broadcast_shapes(between.shape, total.shape)
        found: Floats = np.divide(between, total, out=np.full(shape, np.nan), where=total > _SAME)
        return found

    return Measure("cfst", of, (-1.0 if sizes else 0.0, 1.0), {"corrected": "yes" if sizes else "no"})


def opinion_similarity(base: float = 2.0) -> Measure:
    """``1 − √JSD(p, q)``: 1 where both answer alike.

    In [1 − √log 2, 1]: from 0 in base 2, the default, and from 1 − √ln 2 = .167 in base e, in which some tables are
    published. 1 less it is a metric.

    References
    ----------
    Durmus et al. (2023), Towards measuring the representation of subjective global opinions in language models,
    arXiv 2306.16388.
    """
    if not base > 1:
        raise AnalysisError(f"the base of a logarithm is above 1, such as 2 or e; not {base:g}")
    floor = 1 - float(np.sqrt(np.log(2) / np.log(base)))
    return Measure(
        "opinion_similarity", lambda p, q: 1 - np.sqrt(jsd(p, q, base=base)), (floor, 1.0), {"base": base}, near=True
    )


def wasserstein(codes: npt.ArrayLike, *, scaled: bool = True) -> Measure:
    """Wasserstein-1 on the codes of ordinal options, see ``divergence.wasserstein1``; by default over their range.

    Parameters
    ----------
    codes : (questions, options)
        Increasing in each question, two or more, NaN after the last.
    scaled
        Divide by the range of the question's codes, so that questions of many points do not count more.

    Returns
    -------
    Measure
        A metric, in [0, 1] when scaled. Shares with a ``residual`` have no place for it on the scale: an error.
    """
    given = np.asarray(codes, dtype=np.float64)
    if given.ndim != 2 or given.shape[1] < 2:
        raise AnalysisError("codes are a table of questions by options, of two options or more")
    steps, some = np.diff(given, axis=1), ~np.isnan(given)
    if not some[:, :2].all() or (some[:, 1:] & ~some[:, :-1]).any() or (steps <= 0).any():
        raise AnalysisError("each question takes two codes or more, in increasing order, with NaN only after the last")
    ranges = np.nanmax(given, axis=1) - given[:, 0]
    moves = np.nan_to_num(steps) / (ranges[:, None] if scaled else 1.0)

    def of(p: Floats, q: Floats) -> Floats:
        if p.shape[-2:] != given.shape or q.shape[-2:] != given.shape:
            raise AnalysisError(
                f"codes are of {given.shape[0]} questions with up to {given.shape[1]} options, and shares of "
                f"{p.shape[-2]} with {p.shape[-1]}; a residual has no code: renormalise or drop"
            )
        return np.asarray((np.abs(np.cumsum(p - q, axis=-1))[..., :-1] * moves).sum(axis=-1))

    largest = 1.0 if scaled else float(ranges.max(initial=0.0))
    return Measure("wasserstein", of, (0.0, largest), {"scaled": "range" if scaled else "no"})


def survey_agreement(choice: Literal["modal", "each"] = "modal") -> Measure:
    """Share of the population, given second, that chose what the model, given first, chose.

    With ``modal`` the model's choice is its most frequent option, or each of several in equal parts; with ``each``
    every answer of the model is a choice, ``Σ p q``. In [0, 1]; at most ``ceiling``, the share of
    the population's own modal option.

    References
    ----------
    Lee et al. (2024), KorNAT: LLM alignment benchmark for Korean social values and common knowledge, Findings of ACL
    2024.
    """
    if choice not in {"modal", "each"}:
        raise AnalysisError(f"the model's choice is its modal answer or each, not {choice!r}")

    def of(p: Floats, q: Floats) -> Floats:
        return np.asarray(((_modal(p) if choice == "modal" else p) * q).sum(axis=-1))

    settings: dict[str, float | str] = {"choice": choice}
    return Measure("survey_agreement", of, (0.0, 1.0), settings, True, False, choice == "each")


def ceiling(population: Floats) -> Floats:
    """The highest survey agreement with a population, its modal share: (…, q, o) → (…, q)."""
    return np.asarray(population.max(axis=-1))


def by_question(measure: Measure, one: Floats, other: Floats) -> Floats:
    """The measure for each question, (…, q); NaN where either group lacks it. Shapes broadcast."""
    one, other = aligned(one, other)
    there = asked_of(one) & asked_of(other)
    anything = np.eye(one.shape[-1])[0]
    p, q = (np.where(asked_of(x)[..., None], x, anything) for x in (one, other))
    return np.where(there, measure.of(p, q), np.nan)


def between(shares: Shares, measure: Measure, *, support: Support = "common") -> Distances:
    """Every group with every other: the mean of the measure over the questions of the support.

    Parameters
    ----------
    shares
        Of (groups, questions, options).
    support
        See ``distance.Support``. ``n`` counts questions, less those where the measure is undefined.

    Returns
    -------
    Distances
        Values of the measure; ``apart`` makes distances of those that say how near groups are.
    """
    x = shares.values
    if x.ndim != 3:
        raise AnalysisError("distances between groups take shares of groups by questions by options")
    if not measure.symmetric:
        raise AnalysisError(f"{measure.name} is of a model with a population, not between groups")
    rows, columns = support_of(asked_of(x), support)
    unused = np.setdiff1d(np.arange(x.shape[1]), columns)
    x = x[rows].copy()
    x[:, unused] = np.nan
    values, n = np.full((len(rows), len(rows)), np.nan), np.zeros((len(rows), len(rows)), dtype=np.int64)
    for row, group in enumerate(x):
        found = by_question(measure, group, x)
        n[row] = (~np.isnan(found)).sum(axis=-1)
        np.divide(np.nan_to_num(found).sum(axis=-1), n[row], out=values[row], where=n[row] > 0)
    settings = measure.settings | {"sums": shares.sums, "off": shares.off}
    note = "some groups have no question in common" if (n == 0).any() else ""
    return Distances(measure.name, values, rows, columns, n, support, settings, note)


def apart(found: Distances, measure: Measure) -> Floats:
    """Distances for maps and trees: the values, or 1 less them where the measure is one of nearness."""
    values = 1 - found.values if measure.near else found.values.copy()
    np.fill_diagonal(values, 0.0)
    return np.asarray(np.maximum(0.0, values))


def _modal(p: Floats) -> Floats:
    """1 on the most frequent option; ties share it."""
    top = p >= p.max(axis=-1, keepdims=True) - _SAME
    return np.asarray(top / top.sum(axis=-1, keepdims=True))
