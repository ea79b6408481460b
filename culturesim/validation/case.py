"""A case of the recovery suite: who answers, what is asked, and which numbers of which table must come out true."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from culturesim.analyse import tables_of
from culturesim.answers import Answers
from culturesim.backends.sim_graded import Graded
from culturesim.backends.sim_truth import Truth
from culturesim.results import Analysis, Estimate
from culturesim.stats.inference import Bootstrap
from culturesim.validation.population import PEOPLE, Population
from culturesim.validation.surveys import Design, survey, together

Kind = Literal["interval", "test", "value", "alarm", "power", "check"]

WANTED: Mapping[Kind, tuple[float, float]] = {
    "interval": (0.92, 0.98), "test": (0.03, 0.07), "value": (0.0, 1.0), "alarm": (0.0, 0.07), "power": (0.8, 1.0),
    "check": (1.0, 1.0),
}  # fmt: skip
"""How often it is to come out: the interval holds the truth, a test rejects, a check is met."""

KINDS: Mapping[Kind, str] = {
    "interval": "the 95 % interval holds the true value",
    "test": "p ≤ .05, or the interval leaves out 0, where there is nothing to find",
    "value": "no interval is given: its bias is within 5 % of the true value, or within its error",
    "alarm": "a rule that is not a test at 5 % sees something where there is nothing",
    "power": "what was planted is found",
    "check": "what is told of a respondent is what it is",
}

LEVEL = 0.05


class Reading(NamedTuple):
    """What one survey says: an estimate with its interval, or what else came out in ``value``."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Statistic:
    """A number of a result table that is held against the truth.

    ``read`` gives it from the tables of one survey. ``truth`` gives the true value from the population; for tests it
    is what the interval of an estimate must hold, if it is one, and a p value needs none.
    """

    name: str
    kind: Kind
    table: str
    read: Callable[[Analysis], Estimate | float | None]
    truth: Callable[[Population], float] | float | None = None
    withholds: bool = False
    """Whether an alarm keeps a claim back, so that too many of them err on the side of caution."""

    known: str = ""
    """Why it is known not to hold: it is told as it is, and does not make the suite fail."""

    def reading(self, analysis: Analysis) -> Reading:
        """What one survey says."""
        found = self.read(analysis)
        return Reading(found.value, found.low, found.high) if isinstance(found, Estimate) else Reading(found)


@dataclass(frozen=True)
class Case:
    """A respondent, a design, and the statistics that it puts to the test.

    ``items_drawn``: each survey has items (wordings, languages, topics) of its own, of which those asked are a sample,
    so the true value is that over all one could ask; what is no sample, such as the mean of a dimension, must not be
    left to the seed then. ``other`` is the truth of a second model.
    """

    name: str
    shows: str
    truth: Truth
    design: Design
    statistics: tuple[Statistic, ...]
    items_drawn: bool = False
    other: Truth | None = None
    respondent: type[Graded] = Graded
    most: Mapping[str, Any] = field(default_factory=dict)
    """The design of the population, where it is another than that of a survey: more items, dimensions, languages."""
    draws: int = 1
    """How many populations are averaged."""
    people: int = PEOPLE
    """Personas of a population: fewer where little hangs on them."""

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables it needs."""
        return tuple(dict.fromkeys(one.table for one in self.statistics))

    @property
    def truth_words(self) -> str:
        """The truth as a name or a file states it."""
        return _told(self.truth) if self.respondent is Graded else "every option alike"

    @property
    def other_words(self) -> str:
        """What else makes this case: a second model, or items that are drawn."""
        if self.other is not None:
            return f"a second model: `{_told(self.other)}`"
        return "every survey has items of its own" if self.items_drawn else ""

    def answers(self, seed: int) -> Answers:
        """The answers to one survey."""
        truth = replace(self.truth, seed=seed) if self.items_drawn else self.truth
        first = survey(truth, self.design, seed, respondent=self.respondent)
        if self.other is None:
            return first
        return together(first, survey(self.other, self.design, seed, "sim/graded, other"))

    def readings(self, seed: int, replicates: int) -> list[Reading]:
        """What one survey says of every statistic."""
        found = tables_of(self.answers(seed), self.name, Bootstrap(replicates, 1 - LEVEL, seed), self.tables)
        return [one.reading(found) for one in self.statistics]

    def truths(self) -> list[float | None]:
        """The true value of every statistic."""
        several = [self._population(draw) for draw in range(self.draws)]
        return [
            sum(map(one.truth, several)) / len(several) if callable(one.truth) else one.truth for one in self.statistics
        ]

    def _population(self, draw: int) -> Population:
        truth = replace(self.truth, seed=10**9 + draw) if self.items_drawn else self.truth
        return Population(truth, replace(self.design, **dict(self.most)), other=self.other,
                          people=self.people)  # fmt: skip


def _told(truth: Truth) -> str:
    return " · ".join(f"{name} = {value}" for name, value in truth.stated.items()).replace("'", "") or "nothing set"


def field_of(table: str, name: str, **where: Any) -> Callable[[Analysis], Any]:
    """A field of the first row of a table that is as told; None where there is no such row."""

    def read(analysis: Analysis) -> Any:
        for row in getattr(analysis, table):
            if all(getattr(row, key) == value for key, value in where.items()):
                return getattr(row, name)
        return None

    return read


def interval(
    name: str, truth: Callable[[Population], float] | float, table: str, field: str, **where: Any
) -> Statistic:
    """An estimate of a table, whose interval is to hold the truth."""
    return Statistic(name, "interval", table, field_of(table, field, **where), truth)


def null(name: str, table: str, field: str, truth: float | None = None, **where: Any) -> Statistic:
    """A p value of a table, or an interval that is to hold ``truth``, where there is nothing to find."""
    return Statistic(name, "test", table, field_of(table, field, **where), truth)
