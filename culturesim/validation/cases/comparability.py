"""Items that hang together, and do so alike in every language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from culturesim.backends.sim_truth import Truth
from culturesim.results import Analysis
from culturesim.validation.case import Case, Statistic, interval, null
from culturesim.validation.surveys import Design


def reliability() -> Iterator[Case]:
    """α, ω and item–total correlations."""
    for name, shows, apart in (
        ("reliability", "items that hang together", 1.2),
        ("reliability-weak", "items that hardly hang together", 0.6),
    ):
        yield Case(
            name,
            shows,
            Truth(idiosyncrasy=apart, seed=1),
            Design(dimensions=1, items=6, personas=80),
            (
                interval("α", lambda p: p.alpha(), "reliability", "alpha", dimension="a"),
                interval("ω", lambda p: p.omega(), "reliability", "omega", dimension="a"),
                interval("item–total correlation", lambda p: p.item_total(), "items", "item_total", item="a1"),
            ),
        )


def comparability() -> Iterator[Case]:
    """Congruence, differential functioning and invariance."""
    both = ("en", "de")
    bent = {"de": {"a1": 3.0, "a2": -3.0}}
    yield Case(
        "congruence",
        "items that hang together otherwise in one language",
        Truth(idiosyncrasy=1.0, item_shifts=bent, seed=1),
        Design(dimensions=1, items=6, personas=120, languages=both),
        (interval("Tucker's φ", lambda p: p.congruence("en", "de"), "congruence", "phi"),),
    )
    impact = {"de": {"a": 0.4}}
    yield Case(
        "dif-null",
        "two languages that differ in the dimension, and in no item",
        Truth(idiosyncrasy=1.0, language_shifts=impact, seed=1),
        Design(dimensions=1, items=6, personas=150, languages=both),
        (
            null("shift of an item", "dif", "p_uniform", item="a1"),
            null("slope of an item", "dif", "p_nonuniform", item="a1"),
            null("an item works differently", "dif", "p", item="a1"),
            null("shift of an item in a language", "shifts", "shift", 0.0, item="a1", language="de"),
            Statistic("any item graded B or C", "alarm", "dif", _any_graded),
            *_denials(),
        ),
    )
    yield Case(
        "invariance-null",
        "the same with many personas, items that hang together more, and a third language",
        Truth(idiosyncrasy=1.5, language_shifts=impact, seed=1),
        Design(dimensions=1, items=6, personas=250, languages=(*both, "sw")),
        (*_denials(),),
    )
    planted = {"de": {"a1": 1.5}}
    yield Case(
        "dif",
        "an item that is asked unfairly in one language",
        Truth(idiosyncrasy=1.0, item_shifts=planted, seed=1),
        Design(dimensions=1, items=6, personas=150, languages=both),
        (
            Statistic("the item is graded B or C", "power", "dif", _graded("a1")),
            Statistic("another item is graded B or C", "alarm", "dif", _graded("a5")),
            Statistic("scalar invariance denied", "power", "invariance", _denied("scalar")),
        ),
    )


def _denials() -> Iterator[Statistic]:
    for level in ("metric", "scalar"):
        yield Statistic(f"{level} invariance denied", "alarm", "invariance", _denied(level), withholds=True)


def _graded(item: str) -> Any:
    def read(analysis: Analysis) -> float | None:
        grade = next(row.grade for row in analysis.dif if row.item == item)
        return None if grade is None else float(grade != "A")

    return read


def _any_graded(analysis: Analysis) -> float:
    return float(any(row.grade in {"B", "C"} for row in analysis.dif))


def _denied(level: str) -> Any:
    def read(analysis: Analysis) -> float | None:
        holds = next(row.holds for row in analysis.invariance if row.level == level)
        return None if holds is None else float(not holds)

    return read
