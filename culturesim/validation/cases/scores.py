"""Scores, their order, their keeping, and what models and attributes do to them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from culturesim.backends.sim_truth import Truth
from culturesim.results import Analysis
from culturesim.validation.case import LEVEL, Case, Statistic, interval, null
from culturesim.validation.cases.common import PEOPLE, THREE, TWO
from culturesim.validation.surveys import Design


def scores() -> Iterator[Case]:
    """Scores, ranks, repeats, languages and models."""
    yield Case(
        "scores",
        "personas who differ",
        PEOPLE,
        Design(items=6, personas=60),
        (
            interval("score of personas", lambda p: p.score(), "scores", "score", dimension="a", condition="personas"),
            interval("inertia", lambda p: p.inertia(), "stability", "inertia", dimension="a"),
            Statistic(
                "variance of a mean of 20",
                "value",
                "curves",
                _of_twenty,
                lambda p: p.spread_of_centred() / 20 * (1 - 20 / p.design.personas),
            ),
        ),
    )
    yield Case(
        "ranks",
        "personas who have an order of dimensions in common",
        Truth(idiosyncrasy=0.6, spread=0.7, seed=1),
        Design(dimensions=6, items=4, personas=40),
        (
            interval("Kendall's W of so many personas", lambda p: p.kendall(), "agreement", "kendall_w"),
            interval("mean Spearman correlation", lambda p: p.spearman(), "agreement", "spearman"),
        ),
    )
    yield Case(
        "ranks-null",
        "personas with no order in common",
        Truth(idiosyncrasy=0.6, spread=0, difficulty=0),
        Design(dimensions=5, items=4, personas=40),
        (null("agreement (Friedman)", "agreement", "p"),),
    )
    yield Case(
        "itself",
        "the model as itself, items being a sample",
        Truth(means={"a": 0.5}, difficulty=0.7),
        Design(dimensions=1, items=12, personas=0, include_none=True, repeats=5),
        (interval("score as itself", lambda p: p.score(alone=True), "scores", "score", condition="none"),),
        items_drawn=True,
        most={"items": 5000},
    )
    yield Case(
        "repeats",
        "the same personas three times",
        PEOPLE,
        Design(dimensions=4, items=4, personas=50, repeats=3),
        (
            interval("test–retest", lambda p: p.retest(), "stability", "retest", dimension="a"),
            interval("profile over repeats", lambda p: p.kept(), "profiles", "correlation", factor="repeat"),
        ),
    )
    yield Case(
        "languages",
        "personas asked in two languages that differ",
        Truth(idiosyncrasy=0.6, language=0.4, dif=0.4, seed=2),
        Design(dimensions=5, items=4, personas=50, languages=("en", "de")),
        (
            interval(
                "profile over languages",
                lambda p: p.kept(language=("en", "de")),
                "profiles",
                "correlation",
                factor="language",
            ),
        ),
    )
    yield Case(
        "models",
        "two models of different means, as the same personas",
        Truth(idiosyncrasy=0.6, means={"a": 0.4}, seed=1),
        Design(items=4, personas=50),
        (interval("difference of two models", lambda p: p.ahead(), "comparisons", "difference", dimension="a"),),
        other=Truth(idiosyncrasy=0.5, means={"a": 0.0}, seed=1),
    )
    yield Case(
        "models-null",
        "two models of one mean whose personas differ",
        Truth(idiosyncrasy=0.6, spread=0, difficulty=0),
        Design(items=4, personas=40),
        (null("difference of two models", "comparisons", "p", dimension="a"),),
        other=Truth(idiosyncrasy=0.6, spread=0, difficulty=0, seed=9),
    )


def _of_twenty(analysis: Analysis) -> float | None:
    return next(row.expected for row in analysis.curves if row.dimension == "a" and row.personas == 20)


def attributes() -> Iterator[Case]:
    """What attributes of personas do."""
    told = {"side": {"right": {"a": 1.0}}, "age": {"old": {"a": 0.5}, "young": {"a": -0.5}}}
    yield Case(
        "attributes",
        "attributes that move a dimension",
        Truth(idiosyncrasy=0.5, effects=told, seed=1),
        Design(items=5, personas=80, attributes=THREE),
        (
            interval("Cohen's d", lambda p: p.cohen("side"), "attributes", "d", dimension="a", attribute="side"),
            interval(
                "η², of the population",
                lambda p: p.explained("age"),
                "attributes",
                "eta2",
                dimension="a",
                attribute="age",
            ),
            interval("ω²", lambda p: p.explained("age"), "attributes", "omega2", dimension="a", attribute="age"),
            Statistic("attribute found", "power", "attributes", _found_attribute),
        ),
    )
    yield Case(
        "attributes-null",
        "attributes that do nothing",
        PEOPLE,
        Design(items=4, personas=60, attributes=THREE),
        (
            null("effect of two levels", "attributes", "p", dimension="a", attribute="side"),
            null("effect of three levels", "attributes", "p", dimension="a", attribute="age"),
            Statistic("any q ≤ .05 of six", "test", "attributes", _smallest_q),
            null("odds of two levels", "odds", "p_attribute", dimension="a", attribute="side"),
            null("odds of three levels", "odds", "p_attribute", dimension="a", attribute="age"),
        ),
    )
    yield Case(
        "odds",
        "an attribute that is all personas differ by, so that its odds are those of the likelihood",
        Truth(effects={"side": {"right": {"a": 0.8}}}, seed=1),
        Design(dimensions=1, items=6, personas=60, attributes=TWO),
        (interval("odds ratio", math.exp(0.8), "odds", "odds_ratio", attribute="side"),),
    )


def _found_attribute(analysis: Analysis) -> float | None:
    q = next(row.q for row in analysis.attributes if row.dimension == "a" and row.attribute == "side")
    return None if q is None else float(q <= LEVEL)


def _smallest_q(analysis: Analysis) -> float | None:
    return min(row.q for row in analysis.attributes if row.q is not None)
