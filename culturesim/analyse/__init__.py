"""Store → scores → statistics → the typed tables of ``results``. Computes, and formats nothing.

A table is a function of the answers of one model to one questionnaire, in one language (``Part``) or in all of them
(``Whole``). Intervals resample personas, the model as itself (no persona) counting as one of them, where at least three
answered; with fewer they resample items, and say so in ``unit``. Fillings that failed an attention item enter no score;
tables of how the model answers have them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import polars as pl

from culturesim import __version__
from culturesim.analyse import (
    asked,
    attributes,
    comparability,
    consistency,
    effects,
    regression,
    scores,
    stability,
    styles,
    variance,
)
from culturesim.analyse.comparisons import comparison_rows
from culturesim.analyse.parts import Arrays, people_of
from culturesim.answers import Answers, Part, Whole
from culturesim.claims import doubts_of, withheld_claims
from culturesim.errors import UnknownNameError
from culturesim.fetch import read_answers
from culturesim.results import TABLES, Analysis, CoverageRow, DifRow, PositionRow
from culturesim.stats.inference import Bootstrap
from culturesim.stats.threads import one_thread
from culturesim.store import Store

Tables = dict[str, list[Any]]

_PARTS_AT_ONCE = 2
_OF_VARIANCE = frozenset({"components", "coefficients", "needed"})
_OF_LANGUAGES = frozenset({"odds", "congruence", "dif", "shifts", "invariance"})
_OF_PEOPLE = _OF_LANGUAGES | {
    "comparisons", "stability", "agreement", "profiles", "curves", "attributes", "reliability", "items",
}  # fmt: skip
"""The tables that are made of item values of all languages, of languages side by side, of values by persona."""


def analyse(
    store: Store, run: str | None = None, *, tables: Collection[str] = (), seed: int = 0, replicates: int = 2000,
    confidence: float = 0.95,
) -> Analysis:  # fmt: skip
    """The result tables of a store, or of one run with the earlier answers it reused; all, or those named.

    Raises ``UnknownNameError`` for a run or a table that is not there and ``AnalysisError`` where there is nothing to
    analyse.
    """
    for name in tables:
        if name not in TABLES:
            raise UnknownNameError("table", name, TABLES, "see: culturesim list tables")
    answers = read_answers(store, run)
    return tables_of(answers, str(store.path), Bootstrap(replicates, confidence, seed), tables)


def tables_of(answers: Answers, database: str, bootstrap: Bootstrap, tables: Collection[str] = ()) -> Analysis:
    """The result tables of answers; ``database`` is what the analysis calls their source."""
    wanted = frozenset(tables or TABLES)
    work = _Work(answers, bootstrap, wanted)
    with one_thread():
        found = work.tables()
    known = ("congruence", "dif", "invariance")
    return Analysis(
        database=database,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        package=__version__,
        confidence=bootstrap.confidence,
        replicates=bootstrap.replicates,
        seed=bootstrap.seed,
        tables=tuple(name for name in TABLES if name in wanted),
        design=asked.design_rows(answers),
        questionnaires=asked.questionnaire_rows(answers),
        withheld=withheld_claims(work.coverage.values(), filter(None, work.positions.values()),
                                 *(found.get(name, ()) for name in known)),
        **{name: tuple(rows) for name, rows in found.items() if name in wanted},
    )  # fmt: skip


@dataclass
class _Work:
    """The tables on their way, one part after another, so that only one part's frames are ever there."""

    answers: Answers
    bootstrap: Bootstrap
    wanted: frozenset[str]
    coverage: dict[asked.Group, CoverageRow] = field(default_factory=dict)
    positions: dict[asked.Group, PositionRow | None] = field(default_factory=dict)
    doubts: dict[asked.Group, tuple[str, ...]] = field(default_factory=dict)
    scored: dict[tuple[str, str], dict[str, stability.Scored]] = field(default_factory=dict)

    @cached_property
    def planned(self) -> Mapping[asked.Group, int]:
        """Trials planned, by group."""
        return asked.planned_trials(self.answers)

    def tables(self) -> Tables:
        """Every table that is wanted."""
        found: Tables = {name: [] for name in TABLES if name not in {"design", "questionnaires"}}
        for whole in self.answers.wholes():
            self._whole(whole, found)
        for group, planned in self.planned.items():
            if group not in self.coverage:
                self.coverage[group] = asked.never_asked(group, planned)
        found["coverage"] = [self.coverage[group] for group in sorted(self.coverage)]
        found["positions"] = [row for _, row in sorted(self.positions.items()) if row]
        if "comparisons" in self.wanted:
            found["comparisons"] = comparison_rows(self.scored, self.doubts, self.bootstrap)
        return found

    def _whole(self, whole: Whole, found: Tables) -> None:
        own: Tables = {"consistency": []}
        values, languages = [], []
        for tables, told in self._told(whole):
            for name, rows in tables.items():
                (own if name in own else found)[name] += rows
            values += told.values
            languages += told.languages
        doubts = self._doubts(whole)
        if "consistency" in self.wanted:
            everywhere = Arrays(whole.responses, whole.items)
            own["consistency"] += consistency.translation_rows(whole, everywhere, self.bootstrap, doubts)
            found["consistency"] += consistency.with_q(own["consistency"])
        if "profiles" in self.wanted:
            levels = [self.scored[whole.questionnaire, tag][whole.model] for tag in whole.languages]
            found["profiles"] += stability.profile_rows(whole, {"language": levels}, self.bootstrap, doubts)
        if values:
            for study in variance.studied(whole, pl.concat(values), self.bootstrap, doubts):
                found["components"] += variance.component_rows(whole, study)
                found["coefficients"] += variance.coefficient_rows(whole, study)
                found["needed"] += variance.needed_rows(whole, study)
        if languages and "odds" in self.wanted:
            found["odds"] += regression.odds_rows(whole, languages, self.bootstrap, doubts)
        if len(languages) > 1:
            self._compared(whole, languages, found, doubts)

    def _told(self, whole: Whole) -> Iterator[tuple[Tables, _Kept]]:
        """The tables of each part, and what is kept of it; two parts at a time, since polars and numpy let them."""
        with ThreadPoolExecutor(_PARTS_AT_ONCE) as pool:
            yield from pool.map(lambda part: self._part(part, whole), whole.parts())

    def _compared(
        self, whole: Whole, languages: Sequence[comparability.Language], found: Tables, doubts: Sequence[str]
    ) -> None:
        if "congruence" in self.wanted:
            found["congruence"] += comparability.congruence_rows(whole, languages, self.bootstrap, doubts)
        if self.wanted & {"dif", "shifts"}:
            for row in comparability.dif_rows(whole, languages, self.bootstrap, doubts):
                found["dif" if isinstance(row, DifRow) else "shifts"].append(row)
        if "invariance" in self.wanted:
            found["invariance"] += comparability.invariance_rows(whole, languages, doubts)

    def _doubts(self, whole: Whole) -> list[str]:
        """The doubts about any of its languages."""
        said = [self.doubts[whole.model, whole.questionnaire, tag] for tag in whole.languages]
        return list(dict.fromkeys(doubt for one in said for doubt in one))

    def _part(self, part: Part, whole: Whole) -> tuple[Tables, _Kept]:
        group = (part.model, part.questionnaire, part.language)
        self.coverage[group] = asked.coverage_row(part, self.planned.get(group, 0), self.bootstrap)
        self.positions[group] = effects.position_row(part, self.bootstrap)
        doubts = self.doubts[group] = doubts_of(self.coverage[group], self.positions[group])
        people = people_of(part.values if self.wanted & _OF_PEOPLE else part.values.clear())
        scored = stability.scored(part.key, people)
        self.scored.setdefault((part.questionnaire, part.language), {})[part.model] = scored
        arrays, how = Arrays(part.responses, part.items), self.bootstrap
        making: Mapping[str, Callable[[], Iterable[Any]]] = {
            "distributions": lambda: asked.distribution_rows(part),
            "scores": lambda: scores.score_rows(part, how, doubts),
            "effects": lambda: effects.effect_rows(part, how),
            "styles": lambda: styles.style_rows(part, how),
            "consistency": lambda: consistency.part_rows(part, arrays, how, doubts),
            "stability": lambda: stability.stability_rows(part, arrays, scored, how, doubts),
            "agreement": lambda: stability.agreement_rows(part, scored, how, doubts),
            "profiles": lambda: stability.profile_rows(part, stability.contexts(part), how, doubts),
            "curves": lambda: stability.curve_rows(part, scored, how, doubts),
            "reliability": lambda: comparability.reliability_rows(part, people, how, doubts),
            "items": lambda: comparability.item_rows(part, people, how, doubts),
            "attributes": lambda: attributes.attribute_rows(part, scored, whole.personas, how, doubts),
        }
        tables = {name: list(rows()) for name, rows in making.items() if name in self.wanted}
        return tables, _Kept(
            [variance.kept(part.values, whole)] if self.wanted & _OF_VARIANCE else [],
            [comparability.language_of(part, people)] if people.names and self.wanted & _OF_LANGUAGES else [],
        )


@dataclass(frozen=True)
class _Kept:
    """What tables over all languages need of a part, where they are wanted."""

    values: list[pl.DataFrame]
    languages: list[comparability.Language]
