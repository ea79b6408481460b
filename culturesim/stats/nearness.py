"""Which population a model answers like, and how sure: intervals over questions and personas, and a test of two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.crossed import Over, crossed_mean
from culturesim.stats.distance import Support
from culturesim.stats.inference import Bootstrap, Bounds, Floats, Integers, Interval
from culturesim.stats.opinion import Measure, by_question, ceiling
from culturesim.stats.opinion import survey_agreement as agreement_measure
from culturesim.stats.permutation import Permutations, Test, flipped_signs
from culturesim.stats.resampling import studentised_ratio
from culturesim.stats.shares import Booleans, Shares, aligned, asked_of, merged, shares_of

_SAME = 1e-12


@dataclass(frozen=True, slots=True)
class ToPopulation:
    """A model with one population (a row of those given), on ``questions`` (how many).

    ``plain``: the mean of the measure over questions, as papers give it. ``estimate``: that with its interval; of
    answers of personas, without the part that comes of having few personas. ``over``: what the interval is over.
    ``settings``: of the measure, and what was made of shares that do not sum to 1.
    """

    population: int
    measure: str
    plain: float | None
    estimate: Interval
    questions: int
    over: Over
    settings: Mapping[str, float | str]


@dataclass(frozen=True, slots=True)
class Closer:
    """Whether a model is closer to A than to B, on ``questions`` both have.

    ``difference``: mean over questions of how much farther B is, with its interval over them: above 0, A is closer.
    ``test``: two-sided, that it is 0.
    """

    measure: str
    difference: Interval
    test: Test
    questions: int
    settings: Mapping[str, float | str]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Survey agreement with a population, its ceiling, and their ratio, each with its interval over ``questions``."""

    agreement: Interval
    ceiling: Interval
    of_ceiling: Interval
    questions: int
    settings: Mapping[str, float | str]


def to_populations(
    model: Shares,
    populations: Shares,
    measure: Measure,
    *,
    support: Support = "common",
    bootstrap: Bootstrap | None = None,
) -> tuple[ToPopulation, ...]:
    """A model's shares with those of each population, with its bootstrap-t interval over questions.

    Parameters
    ----------
    model
        Of (questions, options).
    populations
        Of (populations, questions, options).
    support
        ``common``: questions that the model and all populations have. ``pairwise``: that the model and this one have.
        ``complete``: all the model has, by populations that have them all; others get nothing.

    Returns
    -------
    tuple of ToPopulation
        By population.
    """
    bootstrap = bootstrap or Bootstrap()
    p, h = _pair(model, populations)
    found = _supported(by_question(measure, p, h), ~np.isnan(p[:, 0]), asked_of(h), support)
    settings = _settings(measure, model, populations)
    return tuple(
        ToPopulation(place, measure.name, estimate.value, estimate, estimate.clusters, "questions", settings)
        for place, estimate in enumerate(
            _over_questions(row, np.ones(len(row)), bootstrap, measure.bounds) for row in found
        )
    )


def personas_to_populations(
    answers: npt.ArrayLike,
    populations: Shares,
    measure: Measure,
    *,
    over: Over = "both",
    support: Support = "common",
    bootstrap: Bootstrap | None = None,
) -> tuple[ToPopulation, ...]:
    """What personas answer, all together, with each population, with intervals over personas and questions.

    The shares of few personas are rougher than those of many, which makes any distance too large; a bootstrap over
    personas makes them rougher still, so that its percentiles lie on the wrong side. Therefore the jackknife: with f_j
    the measure for question j and f_j(−i) without persona i of the N_j who answered, pseudo-values
    ``u_ij = N_j f_j − (N_j − 1) f_j(−i)`` have the mean without that part, and its interval over personas and
    questions is that of ``crossed.crossed_mean``. What is known of populations is taken as known.

    Where the truth is within the noise of the personas, near 0, roots and absolute values (similarity, Wasserstein)
    have a kink, which no jackknife takes out: 95 % intervals then hold 88 to 93 %.

    Parameters
    ----------
    answers : (personas, questions) or (personas, questions, options)
        Place of the chosen option, from 0, or shares of options; NaN where there is no answer.
    populations
        Of (populations, questions, options).
    bootstrap
        For the skewness over questions; without one, over personas, its confidence.
    over
        Measures that are not smooth in shares have no jackknife: always over questions, and a note.
    support
        As in ``to_populations``; the questions of the personas are those two or more of them answered.

    Returns
    -------
    tuple of ToPopulation
        By population. Where the estimate passes the range of the measure it is cut to it.

    References
    ----------
    Arvesen (1969), Jackknifing U-statistics, Annals of Mathematical Statistics 40(6).
    """
    bootstrap = bootstrap or Bootstrap()
    one_hot, rows = _answered(answers, populations.values.shape[-1])
    there = ~np.isnan(one_hot[..., 0])
    counts = there.sum(axis=0)
    filled = np.nan_to_num(one_hot)
    sums = filled.sum(axis=0)
    means = np.where(counts[:, None] >= 2, sums / np.maximum(1, counts)[:, None], np.nan)
    model = Shares(means, "renormalise", 0, int((counts >= 2).sum()))
    p, h = _pair(model, populations)
    plain = _supported(by_question(measure, p, h), counts >= 2, asked_of(h), support)
    settings = _settings(measure, model, populations)
    if not measure.smooth:
        found = to_populations(model, populations, measure, support=support, bootstrap=bootstrap)
        note = "over questions only: the measure jumps where the modal answer changes"
        return tuple(replace(one, estimate=replace(one.estimate, note=one.estimate.note or note)) for one in found)
    left_out = _left_out(sums, counts, filled if rows is None else np.eye(filled.shape[-1])[:, None])
    results = []
    for place, row in enumerate(plain):
        used = np.flatnonzero(~np.isnan(row))
        without = by_question(measure, left_out, h[place])
        if rows is not None:
            without = np.take_along_axis(without, np.where(there, rows, 0), axis=0)
        pseudo = np.where(there, counts * row - (counts - 1) * without, np.nan)[:, used]
        estimate = crossed_mean(pseudo, over, bootstrap, measure.bounds)
        value = float(row[used].mean()) if len(used) else None
        results.append(ToPopulation(place, measure.name, value, estimate, len(used), over, settings))
    return tuple(results)


def closer(
    model: Shares,
    a: Shares,
    b: Shares,
    measure: Measure,
    *,
    permutations: Permutations = Permutations(),  # noqa: B008 (frozen)
    bootstrap: Bootstrap | None = None,
) -> Closer:
    """Whether a model is closer to population A than to B, on the questions all three have.

    For each question, how much farther from the model B is than A. If the two were alike to the model, A and B could
    change places in any question: the difference changes its sign, or not, by chance (``permutation.flipped_signs``).

    Parameters
    ----------
    model, a, b
        Of (questions, options).

    Returns
    -------
    Closer
        Swapping A and B changes the sign of the difference, and not p.
    """
    bootstrap = bootstrap or Bootstrap()
    first, second = (by_question(measure, *_pair(model, population)) for population in (a, b))
    if first.ndim != 1 or second.ndim != 1:
        raise AnalysisError("a test of closer takes one model and two populations, each of questions by options")
    farther = (first - second) if measure.near else (second - first)
    farther = farther[np.flatnonzero(~np.isnan(farther))]
    reach = measure.bounds[1] - measure.bounds[0]
    difference = _over_questions(farther, np.ones(len(farther)), bootstrap, (-reach, reach))
    settings = measure.settings | {"sums": a.sums, "off": a.off + b.off}
    return Closer(measure.name, difference, flipped_signs(farther, permutations), len(farther), settings)


def survey_agreement(
    model: npt.ArrayLike,
    population: Shares,
    *,
    options: npt.ArrayLike | None = None,
    choice: Literal["modal", "each"] = "modal",
    bootstrap: Bootstrap | None = None,
) -> Agreement:
    """Mean share of the population that chose what the model chose, and the most it could be.

    Parameters
    ----------
    model : (questions, options)
        The model's shares or counts of answers; NaN where it has none.
    population
        Of (questions, options).
    options : (questions, options) or (options,), optional
        Options to put together first, see ``opinion.merged``: agree with strongly agree, and so on.
    choice
        See ``opinion.survey_agreement``.

    Returns
    -------
    Agreement
        In [0, 1]; the ratio is in [0, 1] too.
    """
    bootstrap = bootstrap or Bootstrap()
    given, human = np.asarray(model, dtype=np.float64), population
    if options is not None:
        home = np.asarray(options, dtype=np.int64)
        given = merged(given, home)
        if human.sums == "residual":
            home = np.concatenate([home, np.full_like(home[..., :1], home.max() + 1)], axis=-1)
        human = replace(human, values=merged(human.values, home))
    measure = agreement_measure(choice)
    p, h = _pair(shares_of(given), human)
    if p.ndim != 2 or h.ndim != 2:
        raise AnalysisError("survey agreement takes one model and one population, each of questions by options")
    shared = by_question(measure, p, h)
    used = np.flatnonzero(~np.isnan(shared))
    top, shared = ceiling(h[used]), shared[used]
    settings = measure.settings | {
        "sums": population.sums, "off": population.off, "merged": "no" if options is None else "yes"
    }  # fmt: skip
    found = [
        _over_questions(part, of, bootstrap, (0.0, 1.0))
        for part, of in ((shared, np.ones(len(top))), (top, np.ones(len(top))), (shared, top))
    ]
    return Agreement(found[0], found[1], found[2], len(top), settings)


def _pair(model: Shares, populations: Shares) -> tuple[Floats, Floats]:
    return aligned(model.values, populations.values)


def _settings(measure: Measure, model: Shares, populations: Shares) -> dict[str, float | str]:
    return measure.settings | {"sums": populations.sums, "off": populations.off + model.off}


def _supported(found: Floats, asked: Booleans, there: Booleans, support: Support) -> Floats:
    """Values of each population and question, (c, q), NaN for those outside the support."""
    if found.ndim != 2:
        raise AnalysisError("populations take shares of populations by questions by options")
    if support == "common":
        return np.where(there.all(axis=0), found, np.nan)
    if support == "complete":
        return np.where(np.all(there | ~asked, axis=1, keepdims=True), found, np.nan)
    return found


def _over_questions(values: Floats, weights: Floats, bootstrap: Bootstrap, bounds: Bounds) -> Interval:
    """Σ values/Σ weights over questions: measures are skewed, so by bootstrap-t."""
    there = np.flatnonzero(~np.isnan(values))
    found = studentised_ratio(values[there], weights[there], bootstrap)
    if found.low is None or found.high is None:
        return found
    if min(abs(found.low - end) for end in bounds) < _SAME and found.low == found.high:
        return replace(found, low=None, high=None, note="no interval: the estimate stands at the end of its scale")
    return replace(found, low=max(found.low, bounds[0]), high=min(found.high, bounds[1]))


def _answered(answers: npt.ArrayLike, options: int) -> tuple[Floats, Integers | None]:
    """Answers as shares, (N, q, o), and if they are options, their places."""
    given = np.asarray(answers, dtype=np.float64)
    if given.ndim == 3:
        shares = shares_of(given).values
        return aligned(shares, np.zeros((shares.shape[1], options)))[0], None
    if given.ndim != 2:
        raise AnalysisError("answers are of personas by questions, or personas by questions by options")
    there = ~np.isnan(given)
    if (given[there] % 1 != 0).any() or (given[there] < 0).any() or (given[there] >= options).any():
        raise AnalysisError(f"answers are places of options from 0 to {options - 1}")
    places = np.where(there, given, 0).astype(np.int64)
    return np.where(there[..., None], np.eye(options)[places], np.nan), places


def _left_out(sums: Floats, counts: Integers, removed: Floats) -> Floats:
    """Shares without each of what is removed, (r, q, o); what cannot be removed is not looked at."""
    rest = np.maximum(0.0, sums - removed)
    total = rest.sum(axis=-1, keepdims=True)
    shares = np.divide(rest, total, out=np.full(rest.shape, np.nan), where=total > 0)
    return np.where((counts >= 2)[:, None], shares, np.nan)
