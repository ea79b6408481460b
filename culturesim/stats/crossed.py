"""Means over two crossed samples, of personas and of questions, each of which might have been another."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.inference import NOTHING, ONE_CLUSTER, UNBOUNDED, Bootstrap, Bounds, Interval, t_quantile
from culturesim.stats.resampling import studentised_ratio
from culturesim.stats.tables import table_of

_SAME = 1e-12

Over = Literal["both", "questions", "personas"]
"""What else might have been drawn: questions, personas, or ``both``."""


def crossed_mean(values: npt.ArrayLike, over: Over, bootstrap: Bootstrap, bounds: Bounds = UNBOUNDED) -> Interval:
    """Mean over questions of the mean over personas, with its interval.

    With u_ij the value of persona i for question j, u_j and ū the means over personas, and over questions of those:
    ``Var ū = V_P + V_J − V_PJ``, where

    - personas: ``V_P = N/(N−1) Σ_i (Σ_j (u_ij − u_j)/(N_j J))²``,
    - questions: ``V_J = Σ_j (u_j − ū)²/(J(J−1))``, which holds the noise of persona by question, as V_P does,
    - so that noise is taken off once, ``V_PJ = Σ r_ij²/((N−1)(J−1) N̄ J)``, r what neither explains, N̄ the mean of N_j,

    and at least the larger of V_P and V_J. With ``over="personas"`` (these questions) it is V_P, and the interval
    ``ū ± t(N−1) √V_P``. Over questions, which differ in skewed ways, it is the bootstrap-t interval of the mean of the
    u_j (``resampling.studentised_ratio``), and over both that interval with arms √(Var ū/V_J) times as long.

    Parameters
    ----------
    values : (personas, questions)
        NaN where missing; of each question one or more. Pseudo-values of a jackknife will do.
    over
        What else might have been drawn.
    bounds
        Range of possible values; value and interval are cut to it.

    Returns
    -------
    Interval
        ``clusters``: the fewer of personas and questions, or of those it is over. No interval with fewer than two
        personas or four questions.

    References
    ----------
    Owen (2007), The pigeonhole bootstrap, Annals of Applied Statistics 1(2): variance of means over two crossed
    samples. Hall (1988), Theoretical comparison of bootstrap confidence intervals, Annals of Statistics 16(3).
    """
    if over not in {"both", "questions", "personas"}:
        raise AnalysisError(f"intervals are over questions, personas or both, not {over!r}")
    pseudo = table_of(values, "a mean over both", "personas", "questions")
    pseudo = pseudo[~np.isnan(pseudo).all(axis=1)]
    if not pseudo.size:
        return replace(NOTHING, note="no question in common that two personas answered")
    personas, questions = pseudo.shape
    there = ~np.isnan(pseudo)
    counts = there.sum(axis=0)
    means = np.nansum(pseudo, axis=0) / counts
    value = float(np.clip(means.mean(), *bounds))
    apart = np.where(there, pseudo - means, 0.0)
    of_personas = float(((apart / counts).mean(axis=1) ** 2).sum()) * personas / max(1, personas - 1)
    if over == "personas":
        if personas < 2:
            return Interval(value, None, None, personas, ONE_CLUSTER)
        reach = t_quantile((1 + bootstrap.confidence) / 2, personas - 1) * math.sqrt(of_personas)
        return _cut(Interval(value, means.mean() - reach, means.mean() + reach, personas), bounds)
    shape = studentised_ratio(means, np.ones(questions), bootstrap)
    clusters = questions if over == "questions" else min(personas, questions)
    if clusters < 2 or shape.low is None or shape.high is None:
        note = shape.note or ONE_CLUSTER
        return Interval(value, None, None, clusters, note)
    of_questions = float(means.var(ddof=1)) / questions
    stretched = 1.0
    if over == "both" and of_questions > 0:
        rest = np.where(there, apart - apart.sum(axis=1, keepdims=True) / there.sum(axis=1, keepdims=True), 0.0)
        noise = float((rest**2).sum()) / ((personas - 1) * (questions - 1)) / (counts.mean() * questions)
        variance = max(of_personas + of_questions - noise, of_personas, of_questions)
        stretched = math.sqrt(variance / of_questions)
    centre = float(means.mean())
    low, high = (centre + stretched * (end - centre) for end in (shape.low, shape.high))
    return _cut(Interval(value, low, high, clusters), bounds)


def _cut(found: Interval, bounds: Bounds) -> Interval:
    if found.low is None or found.high is None:
        return found
    note = "every cluster gives the same value" if found.high - found.low < _SAME else ""
    return replace(found, low=max(bounds[0], found.low), high=min(bounds[1], found.high), note=note)
