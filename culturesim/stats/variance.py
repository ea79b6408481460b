"""Crossed generalisability studies: which facet of a survey its answers vary by, and how much of it is noise.

A facet is what answers are crossed by: persona, item, language, wording, order, frame, repeat. Repeats of one prompt
are strangers to those of another: leave ``repeat`` out of the facets and they count as replicates within a cell.
Wordings of one item are strangers to those of another: say that ``wording`` is nested in ``item``.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.anova import MeanSquares, Term, mean_squares
from culturesim.stats.components import (
    REPEAT,
    RESIDUAL,
    Components,
    Estimates,
    assemble,
    empty,
    fiducial,
    live_facets,
    noncentral,
)
from culturesim.stats.equations import levels_of, ranks_in
from culturesim.stats.excess import SPEAKING
from culturesim.stats.inference import Bootstrap, Floats, Integers
from culturesim.stats.tables import places_of
from culturesim.stats.unbalanced import by_reml

Method = Literal["auto", "anova", "reml"]


def components(
    values: npt.ArrayLike,
    codes: Mapping[str, npt.ArrayLike],
    *,
    fixed: Collection[str] = (),
    nested: Mapping[str, str] | None = None,
    method: Method = "auto",
    order: int = 2,
    bootstrap: Bootstrap | None = None,
) -> Components:
    """Variance components of answers crossed by facets.

    Model: ``y = μ + Σ_α e_α``, one effect for each set α of facets. A complete design with as many values in every
    cell is estimated by the expected mean squares of all terms up to the full interaction, which is the residual
    where a cell holds one value. Otherwise the components of all terms of at most ``order`` facets are fitted by
    restricted maximum likelihood; the residual then holds all higher interactions. This rule is ``method="auto"``.

    A facet is random, its levels drawn from endlessly many, or ``fixed``, its levels all there are: effects sum to 0
    over them, so σ²(persona | language) holds the persona's mean over the very languages asked (Cornfield & Tukey;
    divisors n − 1). ``share = σ²_α Π(1 − 1/n_f)/total`` with the product over the fixed facets of α, so that shares
    add up to the variance of one answer drawn from the study.

    Intervals are those of generalised confidence (Hannig, Iyer & Patterson 2006): each mean square MS on ν degrees of
    freedom is drawn as ``ν MS/χ²_ν``, and a component, a share or a coefficient has the quantiles of what these draws
    make of it. Answers on few points vary more at some levels than at others: what the spread of squared effects over
    the levels of random facets, ``Var(Σe²)/(Σe²)²``, has beyond 2/ν is drawn on top, as normal. Terms of fixed facets
    only are drawn from the noncentral χ² of their mean square. REML has no mean squares: there each variance is that
    of a mean square less a constant, with its standard error from the average information, and draws that correlate
    as the estimates do; what answers on few points add is read off the scores of the levels of random facets, less
    what simulated normal effects give. Intervals of a random facet of few levels are wide, and so are all shares
    then: two orders or four frames are best declared fixed.

    Parameters
    ----------
    values : (n,)
        NaN where there is no valid answer: such rows are left out.
    codes : facet → (n,) integers
        Level of each facet. A facet of one level is left out, and the result says so.
    fixed
        Facets whose levels are all there are; at least one facet, or replicates, must be left.
    nested
        Facet → facet it is nested in. Codes may be numbered anew within each level of the outer facet, or through all.
    order
        Most facets of a term under REML.
    bootstrap
        How many draws, which confidence, which seed.

    References
    ----------
    Cronbach, Gleser, Nanda & Rajaratnam (1972), The dependability of behavioral measurements, Wiley.
    Brennan (2001), Generalizability theory, Springer.
    Hannig, Iyer & Patterson (2006), Fiducial generalized confidence intervals, Journal of the American Statistical
    Association 101(473).
    """
    bootstrap = bootstrap or Bootstrap()
    y, places, notes = _read(values, codes)
    nested = _nesting(nested or {}, codes, places)
    for inner, outer in nested.items():
        within = levels_of(places[outer], places[inner])
        places[inner], most = ranks_in(within, places[outer], int(within.max()) + 1)
        if most == 1:
            del places[inner]
            notes.append(f"{inner} has one level in each of {outer} and is left out")
    nested = {inner: outer for inner, outer in nested.items() if inner in places}
    levels = {facet: int(place.max(initial=-1)) + 1 for facet, place in places.items()}
    fixed = _known("fixed", fixed, codes, levels)
    if not len(y):
        return empty(0, {}, [])
    if len(y) < 2 or not levels:
        return empty(len(y), levels, notes)
    if np.ptp(y) == 0:
        return empty(len(y), levels, ["all answers are the same", *notes])
    notes += _doubts(levels, fixed)
    cells = np.ravel_multi_index(tuple(places.values()), tuple(levels.values()))
    counts = np.bincount(cells, minlength=math.prod(levels.values())) if math.prod(levels.values()) <= len(y) else None
    complete = counts is not None and int(counts.min()) == int(counts.max())
    if method == "anova" and not complete:
        raise AnalysisError("analysis of variance needs as many values in every cell; use REML, or complete cells")
    if counts is None or not complete or method == "reml":
        return by_reml(y, places, fixed, nested, order, bootstrap, "; ".join(notes))
    return _by_anova(y, cells, levels, fixed, nested, int(counts[0]), bootstrap, "; ".join(notes))


def _by_anova(
    y: Floats,
    cells: Integers,
    levels: dict[str, int],
    fixed: tuple[str, ...],
    nested: dict[str, str],
    replicates: int,
    bootstrap: Bootstrap,
    note: str,
) -> Components:
    facets, shape = [*levels], tuple(levels.values())
    size = math.prod(shape)
    means = np.bincount(cells, y, size) / replicates
    squares = np.bincount(cells, np.square(y - means[cells]), size).astype(np.float64)
    within = squares.reshape(shape) if replicates > 1 else None
    if within is None and set(fixed) == set(facets):
        raise AnalysisError("all facets are fixed and no cell holds two values: nothing is left that varies by chance")
    axes = {facet: axis for axis, facet in enumerate(facets)}
    table = mean_squares(
        means.reshape(shape) - means.mean(), replicates=replicates, within=within,
        fixed=frozenset(axes[facet] for facet in fixed), nested={axes[a]: axes[b] for a, b in nested.items()},
    )  # fmt: skip
    if replicates > 1:
        facets, levels = [*facets, REPEAT], {**levels, REPEAT: replicates}
    terms = [tuple(facets[axis] for axis in sorted(term)) for term in table.terms]
    live = [(REPEAT,) if REPEAT in term else live_facets(term, nested) for term in terms]
    draws = _drawn(table, frozenset(axes[facet] for facet in fixed), bootstrap)
    names = [RESIDUAL if len(term) == len(facets) else ":".join(term) for term in terms]
    estimated = table.weights @ table.squares
    found = Estimates(names, terms, live, estimated, draws, table.df, table.squares)
    return assemble(found, levels, fixed, bootstrap, "anova", len(y), note)


def _drawn(table: MeanSquares, fixed: Term, bootstrap: Bootstrap) -> Floats:
    """Draws (R, K) of the components."""
    squares = fiducial(table.squares, table.df, None, bootstrap, excess=table.excess)
    drawn: Floats = squares @ table.weights.T
    for k, term in enumerate(table.terms):
        if term <= fixed:
            own = table.weights[k, k]
            noise = squares[:, k] - drawn[:, k] / own
            drawn[:, k] = own * noncentral(float(table.squares[k]), noise, float(table.df[k]), bootstrap)
    return drawn


def _read(values: npt.ArrayLike, codes: Mapping[str, npt.ArrayLike]) -> tuple[Floats, dict[str, Integers], list[str]]:
    y = np.asarray(values, dtype=np.float64)
    kept = np.isfinite(y)
    places, notes = {}, []
    for facet, code in codes.items():
        array = np.asarray(code)
        if array.shape != y.shape or y.ndim != 1:
            raise AnalysisError(f"facet {facet} needs one code for each of the {y.size} values, in one row")
        place = places_of(array[kept])
        if place.max(initial=0) > 0:
            places[facet] = place
        else:
            notes.append(f"{facet} has one level and is left out")
    return y[kept], places, notes


def _doubts(levels: Mapping[str, int], fixed: Collection[str]) -> list[str]:
    short = [facet for facet, count in levels.items() if count < SPEAKING and facet not in fixed]
    return [f"few levels tell little of how a random facet varies: {', '.join(short)}"] if short else []


def _known(
    what: str, facets: Collection[str], codes: Mapping[str, npt.ArrayLike], levels: Collection[str]
) -> tuple[str, ...]:
    strange = [facet for facet in facets if facet not in codes]
    if strange:
        raise AnalysisError(f"{what} names {', '.join(strange)}, of which there are no codes")
    return tuple(facet for facet in levels if facet in facets)


def _nesting(nested: Mapping[str, str], codes: Mapping[str, npt.ArrayLike], levels: Collection[str]) -> dict[str, str]:
    _known("nested", [*nested, *nested.values()], codes, levels)
    if set(nested) & set(nested.values()):
        raise AnalysisError("a facet that is nested in another cannot have one nested in it")
    return {inner: outer for inner, outer in nested.items() if inner in levels and outer in levels}
