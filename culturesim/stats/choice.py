"""What place on the list adds to the choice of an option, as odds: a conditional logit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from culturesim.errors import AnalysisError
from culturesim.stats.inference import NOTHING, ONE_CLUSTER, Floats, Integers, Interval, t_quantile

LARGEST = 15.0
"""A coefficient above this (odds of three million) has no maximum: places tell answers without exception."""

_STEPS = 100


@dataclass(frozen=True, slots=True)
class _Cells:
    """Answers counted by cell: one item under one order of its options."""

    home: Integers
    """Cell of each answer, (n,)."""
    item: Integers
    """Item of each cell, (c,)."""
    x: Floats
    """Place of each option, from ½ (first) to −½ (last), (c, k)."""
    chosen: Floats
    """Sum of answers, (c, k)."""
    open: Floats
    """1 for options of the cell's item that were ever chosen, 0 for others, (c, k)."""


def position_coefficient(
    choices: Floats, places: Integers, items: Integers, clusters: Integers, *, confidence: float = 0.95
) -> Interval:
    """Log odds that its place gives an option on the first place of the list against the same option on the last.

    ``log P(option c of item i) = α_ic + β x_c + const`` with x from ½ on the first place to −½ on the last, in equal
    steps. What options say is in the α, one for every option of every item; β is what place adds, whatever they say.
    By maximum likelihood; standard errors by the sandwich of clusters with the factor G/(G − 1), interval by t(G − 1).

    A position share (``position.position_share``) says how much of where answers lie turns with the list; β says which
    end of it draws answers, and how strongly: exp(β) is the odds ratio of first to last place.

    Parameters
    ----------
    choices : (n, k)
        Distribution over the options in the order of their codes: one-hot of the chosen one, or probabilities.
    places : (n, k) integers
        Place of each option on its list, 0 the first, k − 1 the last.
    items, clusters : (n,) integers ≥ 0
        The item of each answer; what answers hang together, such as the persona.

    Returns
    -------
    Interval
        0 where place does nothing, positive where first options are favoured. It averages over personas who differ in
        what they want, which draws it to 0. None where options keep their places, or place tells every answer
        (``note``); ``clusters`` counts those with answers to items that were answered in more than one way.

    References
    ----------
    McFadden (1974), Conditional logit analysis of qualitative choice behavior, in Zarembka (ed.), Frontiers in
    Econometrics. Liang & Zeger (1986), Longitudinal data analysis using generalized linear models, Biometrika 73(1).
    """
    y, place = np.asarray(choices, dtype=np.float64), np.asarray(places)
    if y.ndim != 2 or y.shape != place.shape or not len(items) == len(clusters) == len(y):
        raise AnalysisError("choices and places are arrays of answers by options, with an item and a cluster for each")
    cells = _cells(y, place, items)
    moving = cells.open.sum(axis=1) > 1
    if not moving.any():
        return NOTHING
    beta, p, centres, information = _fit(cells)
    groups, home = np.unique(clusters, return_inverse=True)
    answered = moving[cells.home]
    count = len(np.unique(home[answered]))
    if information < 1e-9 and abs(beta) < LARGEST:
        return Interval(None, None, None, count, "options keep their places: nothing to tell place by")
    if abs(beta) >= LARGEST:
        end = "first" if beta > 0 else "last"
        note = f"no finite coefficient: the option nearest the {end} place is always chosen"
        return Interval(None, None, None, count, note)
    if count < 2:
        return Interval(beta, None, None, count, ONE_CLUSTER)
    pulls = np.where(cells.open > 0, cells.x - centres[cells.item], 0.0)
    scores = (y * pulls[cells.home]).sum(axis=1) - (p * pulls).sum(axis=1)[cells.home]
    sums = np.bincount(home, weights=scores, minlength=len(groups))
    error = math.sqrt(count / (count - 1) * float((sums**2).sum())) / information
    reach = t_quantile((1 + confidence) / 2, count - 1) * error
    return Interval(beta, beta - reach, beta + reach, count)


def _cells(y: Floats, place: Integers, items: Integers) -> _Cells:
    _, item = np.unique(items, return_inverse=True)
    options = y.shape[1]
    if not (np.sort(place, axis=1) == np.arange(options)).all():
        raise AnalysisError(f"places of {options} options are the numbers from 0 to {options - 1}, each once")
    _, first, home = np.unique(_keys(item, place), axis=0, return_index=True, return_inverse=True)
    home = home.reshape(-1)
    chosen: Floats = np.column_stack([np.bincount(home, weights=column, minlength=len(first)) for column in y.T])
    ever = np.zeros((int(item.max()) + 1, options))
    np.add.at(ever, item[first], chosen)
    x: Floats = 0.5 - place[first].astype(np.float64) / max(1, options - 1)
    return _Cells(home, item[first], x, chosen, (ever[item[first]] > 0).astype(np.float64))


def _keys(item: Integers, place: Integers) -> Integers:
    """What an answer's cell is known by: one number where it fits into one, for speed, and else a row of numbers."""
    options = place.shape[1]
    if (int(item.max()) + 1) * float(options) ** options > 2.0**62:
        return np.column_stack([item, place])
    key = item.astype(np.int64)
    for column in place.T:
        key = key * options + column
    return key


def _fit(cells: _Cells) -> tuple[float, Floats, Floats, float]:
    """β, the probabilities in each cell, the regression of x on the options of each item, and the information on β."""
    items, options = int(cells.item.max()) + 1, cells.x.shape[1]
    alpha, beta = np.zeros((items, options)), 0.0
    counts = cells.chosen.sum(axis=1)
    likelihood = -math.inf
    for _ in range(_STEPS):
        p = _probabilities(cells, alpha, beta)
        step, turn, centres, information = _step(cells, counts, p)
        size, before = 1.0, _likelihood(cells, p)
        while size > 1e-4:
            moved = _likelihood(cells, _probabilities(cells, alpha + size * step, beta + size * turn))
            if moved >= before - 1e-12 * abs(before):
                break
            size /= 2
        alpha, beta = alpha + size * step, beta + size * turn
        if abs(beta) >= LARGEST or abs(moved - likelihood) <= 1e-12 * abs(moved) + 1e-12:
            break
        likelihood = moved
    return beta, _probabilities(cells, alpha, beta), centres, information


def _step(cells: _Cells, counts: Floats, p: Floats) -> tuple[Floats, float, Floats, float]:
    """Newton's step for α and β; α is eliminated item by item."""
    items = int(cells.item.max()) + 1
    weighted = counts[:, None] * p
    residual = cells.chosen - weighted
    means = (p * cells.x).sum(axis=1)
    along = weighted * (cells.x - means[:, None])
    inner, gradient, cross = (np.zeros((items, *shape)) for shape in ((p.shape[1],) * 2, p.shape[1:], p.shape[1:]))
    np.add.at(
        inner, cells.item, np.einsum("ck,kl->ckl", weighted, np.eye(p.shape[1])) - weighted[:, :, None] * p[:, None]
    )
    np.add.at(gradient, cells.item, residual)
    np.add.at(cross, cells.item, along)
    inverse = np.linalg.pinv(inner, rcond=1e-10, hermitian=True)
    centres = np.einsum("ikl,il->ik", inverse, cross)
    information = float((along * cells.x).sum() - (cross * centres).sum())
    pull = float((residual * cells.x).sum() - (gradient * centres).sum())
    turn = float(np.clip(pull / information, -3.0, 3.0)) if information > 1e-12 else 0.0
    return np.einsum("ikl,il->ik", inverse, gradient - turn * cross), turn, centres, information


def _probabilities(cells: _Cells, alpha: Floats, beta: float) -> Floats:
    logits = np.where(cells.open > 0, alpha[cells.item] + beta * cells.x, -np.inf)
    odds: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    return odds


def _likelihood(cells: _Cells, p: Floats) -> float:
    return float((cells.chosen * np.log(np.where(p > 0, p, 1.0))).sum())
