"""Variance components of designs with holes: restricted maximum likelihood, with the intervals of a mean square."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from culturesim.stats.components import (
    RESIDUAL,
    Components,
    Estimates,
    assemble,
    empty,
    live_facets,
    noncentral,
    shifted,
)
from culturesim.stats.equations import Equations, levels_of
from culturesim.stats.excess import SPEAKING, excess
from culturesim.stats.inference import Bootstrap, Floats, Integers
from culturesim.stats.reml import Reml, fitted

Facets = tuple[str, ...]


def by_reml(
    y: Floats,
    places: Mapping[str, Integers],
    fixed: Facets,
    nested: Mapping[str, str],
    order: int,
    bootstrap: Bootstrap,
    note: str,
) -> Components:
    """Components of all terms of at most ``order`` facets, and a residual; see ``variance.components``.

    Terms of fixed facets only are fixed effects; their variance is that of the estimates less what noise adds to it.
    """
    levels = {facet: int(place.max()) + 1 for facet, place in places.items()}
    terms = _terms([*places], nested, order)
    random = [term for term in terms if not set(live_facets(term, nested)) <= set(fixed)]
    groups = [levels_of(*(places[facet] for facet in term)) for term in random]
    crowded = [int(group.max()) + 1 >= len(y) for group in groups]
    random = [term for term, full in zip(random, crowded, strict=True) if not full]
    groups = [group for group, full in zip(groups, crowded, strict=True) if not full]
    design, columns = _design(places, levels, [term for term in terms if set(term) <= set(fixed)])
    if not groups or len(y) <= design.shape[1] + 1:
        return empty(len(y), levels, [note, "too few answers to a level"])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        apart = "combinations of fixed facets without answers: their effects cannot be told apart"
        return empty(len(y), levels, [note, apart])
    model = Equations(y, groups, design)
    fit = fitted(model)
    speaking = [facet for facet in places if facet not in fixed and levels[facet] >= SPEAKING]
    holds = [[k for k, f in enumerate(speaking) if f in term and len(term) > 1] for term in [*random, tuple(places)]]
    beyond = excess(model, fit, [places[facet] for facet in speaking], holds, bootstrap.seed)
    fit = replace(fit, covariance=fit.covariance + np.diag(beyond))
    notes = [note] if note else []
    notes += [] if fit.converged else ["the search for the maximum did not settle"]
    counts = [int(group.max()) + 1 for group in groups]
    df = np.array([*_degrees(random, counts), max(1, len(y) - sum(counts))], dtype=np.float64)
    return _assembled(y, fit, df, random, columns, levels, fixed, nested, bootstrap, "; ".join(notes))


def _assembled(
    y: Floats,
    fit: Reml,
    df: Floats,
    random: Sequence[Facets],
    columns: Mapping[Facets, tuple[slice, Floats]],
    levels: Mapping[str, int],
    fixed: Facets,
    nested: Mapping[str, str],
    bootstrap: Bootstrap,
    note: str,
) -> Components:
    draws = shifted(fit.variances, fit.covariance, df, bootstrap)
    terms = [*columns, *random, tuple(levels)]
    live = [live_facets(term, nested) for term in terms[:-1]]
    live.append(tuple(facet for facet in levels if facet not in fixed))
    means = np.array([_of_fixed(fit, *columns[term]) for term in columns]).reshape(-1, 3)
    squares, noise, _ = means.T
    drawn = [noncentral(square, np.full(len(draws), error), df, bootstrap) for square, error, df in means]
    mixing = _restriction(random, levels, fixed, nested)
    estimated = np.concatenate([squares - noise, mixing @ fit.variances])
    names = [":".join(term) for term in terms[:-1]] + [RESIDUAL]
    found = Estimates(names, terms, live, estimated, np.column_stack([*drawn, draws @ mixing.T]))
    return assemble(found, levels, fixed, bootstrap, "reml", len(y), note)


def _terms(facets: Sequence[str], nested: Mapping[str, str], order: int) -> list[Facets]:
    found: dict[Facets, None] = {}
    for size in range(1, min(order, len(facets)) + 1):
        for term in combinations(facets, size):
            closed = {*term, *(nested[facet] for facet in term if facet in nested)}
            found[tuple(facet for facet in facets if facet in closed)] = None
    return sorted(found, key=len)


def _degrees(terms: Sequence[Facets], counts: Sequence[int]) -> list[float]:
    """Levels of each term less those of the terms within it."""
    df: dict[Facets, float] = {}
    for term, count in zip(terms, counts, strict=True):
        df[term] = max(1.0, count - 1 - sum(df[other] for other in df if set(other) < set(term)))
    return [*df.values()]


def _restriction(
    random: Sequence[Facets], levels: Mapping[str, int], fixed: Facets, nested: Mapping[str, str]
) -> Floats:
    """From variances of independent effects to those of effects that sum to 0 over fixed facets."""
    mixing = np.eye(len(random) + 1)
    for row, term in enumerate(random):
        for column, wider in enumerate(random):
            beyond = set(wider) - set(term)
            if set(term) < set(wider) and beyond <= set(fixed) & set(live_facets(wider, nested)):
                mixing[row, column] = 1 / math.prod(levels[facet] for facet in beyond)
    return mixing


def _design(
    places: Mapping[str, Integers], levels: Mapping[str, int], terms: Sequence[Facets]
) -> tuple[Floats, dict[Facets, tuple[slice, Floats]]]:
    """Columns of the mean and of the effects of fixed terms, which sum to 0; those with empty cells are left out."""
    blocks, columns = [np.ones((len(next(iter(places.values()))), 1))], {}
    for term in terms:
        coding = _sum_coding([levels[facet] for facet in term])
        cells = np.ravel_multi_index([places[facet] for facet in term], [levels[facet] for facet in term])
        if len(np.unique(cells)) == len(coding):
            first = sum(block.shape[1] for block in blocks)
            columns[term] = slice(first, first + coding.shape[1]), coding
            blocks.append(coding[cells])
    return np.hstack(blocks), columns


def _sum_coding(levels: Sequence[int]) -> Floats:
    """Columns whose effects sum to 0 over the levels of each facet, (Π n, Π(n − 1))."""
    coding: npt.NDArray[Any] = np.ones((1, 1))
    for count in levels:
        coding = np.kron(coding, np.vstack([np.eye(count - 1), -np.ones(count - 1)]))
    return coding


def _of_fixed(fit: Reml, columns: slice, coding: Floats) -> tuple[float, float, float]:
    """Mean square of estimated fixed effects, what noise adds to it, and degrees of freedom."""
    df = coding.shape[1]
    effects = coding @ fit.fixed[columns]
    noise = float(np.trace(coding @ fit.fixed_covariance[columns, columns] @ coding.T)) / df
    return float(effects @ effects) / df, noise, float(df)
