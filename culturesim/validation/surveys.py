"""Surveys of respondents whose truth is known, made without prompts: answers are drawn from the likelihood itself.

What a survey by text would bring, but for the reading of the text, which has tests of its own;
``tests/test_validation.py`` asks one respondent both ways and compares.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np
import polars as pl

from culturesim.answers import Answers, as_categories
from culturesim.backends.sim_graded import Asked, Graded, sample
from culturesim.backends.sim_truth import Truth
from culturesim.records import NO_PERSONA, STATUSES, ItemRow
from culturesim.stats.inference import Floats

QUESTIONNAIRE, VERSION = "made", "1"
Person = tuple[str, Mapping[str, str]]


@dataclass(frozen=True)
class Design:
    """What is asked: ``dimensions`` of ``items`` each on scales of ``codes`` points, every other one keyed in reverse.

    ``attributes`` are drawn for each persona, each level alike. Everything is crossed with everything.
    """

    dimensions: int = 3
    items: int = 4
    codes: int = 5
    keyed: bool = True
    """Whether every other item is keyed in reverse."""
    personas: int = 60
    include_none: bool = False
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    languages: Sequence[str] = ("en",)
    frames: Sequence[str] = ("form",)
    wordings: int = 1
    orders: Sequence[str] = ("printed",)
    repeats: int = 1
    probabilities: bool = False

    @property
    def rows(self) -> tuple[ItemRow, ...]:
        """The items. Item ``b3`` is the third of dimension ``b``."""
        return tuple(
            ItemRow(QUESTIONNAIRE, VERSION, f"{dimension}{number}", f"{dimension}{number}", "scale", "scale", "ordinal",
                    tuple(range(1, self.codes + 1)), (dimension,), self.keyed and number % 2 == 0, dimension)
            for dimension in self.names for number in range(1, self.items + 1)
        )  # fmt: skip

    @property
    def names(self) -> tuple[str, ...]:
        """The dimensions."""
        return tuple("abcdefghijkl"[: self.dimensions])

    @property
    def asked(self) -> int:
        """Answers of one survey."""
        ways = len(self.languages) * len(self.frames) * self.wordings * len(self.orders) * self.repeats
        return len(self.rows) * (self.personas + self.include_none) * ways

    @property
    def words(self) -> str:
        """What is asked, in a line."""
        counted = [
            (self.personas, "personas"), (self.dimensions, "dimensions"), (self.items, "items each"),
            (len(self.languages), "languages"), (len(self.frames), "frames"), (self.wordings, "wordings"),
            (len(self.orders), "orders"), (self.repeats, "repeats"),
        ]  # fmt: skip
        told = [f"{number} {name}" for number, name in counted if number > 1 or name in {"dimensions", "items each"}]
        told = [one.replace("1 dimensions", "1 dimension") for one in told]
        itself = ["the model as itself"] if self.include_none else []
        how = "option probabilities" if self.probabilities else "sampled answers"
        return f"{', '.join([*told, *itself])}: {self.asked:,} answers, {how}"

    def people(self, seed: int, count: int | None = None) -> list[Person]:
        """Personas as they are drawn for a survey of this seed."""
        rng = np.random.default_rng([seed, 77])
        drawn: list[Person] = []
        for number in range(self.personas if count is None else count):
            attributes = {name: levels[int(rng.integers(len(levels)))] for name, levels in self.attributes.items()}
            drawn.append((f"p{seed}-{number:05d}", attributes))
        return drawn


class Uniform(Graded):
    """``sim/uniform``: every option as often as any other."""

    def distributions(self, asked: Asked, personas: Sequence[Person], order: Sequence[int] = ()) -> Floats:  # type: ignore[override]
        """One over the number of options."""
        return np.full((len(personas), len(order)), 1 / len(order))


def survey(
    truth: Truth, design: Design, seed: int, name: str = "sim/graded", respondent: type[Graded] = Graded
) -> Answers:
    """The answers to one survey: personas and answers are new with every seed, the truth is not.

    Respondents of another ``name`` answer as the same personas with a chance of their own.
    """
    graded, people = respondent(truth, design.rows), design.people(seed)
    rng = np.random.default_rng([seed, 78, *name.encode()])
    asked = [*people, *([(NO_PERSONA, {})] if design.include_none else [])]
    cells = list(_cells(graded, design, asked, rng))
    length = len(asked)
    names: dict[str, Sequence[str]] = {
        "model": [name], "questionnaire": [QUESTIONNAIRE], "version": [VERSION],
        "item": [row.item for row in design.rows], "language": list(design.languages),
        "persona_id": [who for who, _ in asked], "frame": list(design.frames), "option_order": list(design.orders),
        "elicitation": ["probabilities" if design.probabilities else "choice"], "status": list(STATUSES),
    }  # fmt: skip
    places = {column: np.repeat([cell.places.get(column, 0) for cell in cells], length) for column in names}
    places["persona_id"] = np.tile(np.arange(length), len(cells))
    places["status"] = np.concatenate([cell.statuses for cell in cells])
    frame = pl.DataFrame(
        places
        | {
            "wording": np.repeat([cell.wording for cell in cells], length).astype(np.int32),
            "repeat": np.repeat([cell.repeat for cell in cells], length).astype(np.int32),
        }
    ).with_columns(_answered(cells, design))
    frame = as_categories(frame, names).with_row_index("trial_id")
    personas = pl.DataFrame([{"persona_id": who} | dict(attributes) for who, attributes in people] or
                            {"persona_id": []}, schema_overrides={"persona_id": pl.String})  # fmt: skip
    runs, members = _runs(name, design, len(frame)), _members(name, design, len(frame))
    return Answers(runs, members, _questionnaires(design), _items(design), frame, personas)


def together(one: Answers, other: Answers) -> Answers:
    """The answers of two models to the same survey, as one store would hold them."""
    names = [*one.runs["model"], *other.runs["model"]]
    responses = [each.responses.with_columns(pl.col("model").cast(pl.String)) for each in (one, other)]
    both = pl.concat(responses).with_columns(pl.col("model").cast(pl.Enum(names))).drop("trial_id")
    return replace(one, runs=pl.concat([one.runs, other.runs]), members=pl.concat([one.members, other.members]),
                   responses=both.with_row_index("trial_id"))  # fmt: skip


@dataclass(frozen=True)
class _Cell:
    """One question asked of everybody. ``printed``: (personas, options) distributions in printed order."""

    places: Mapping[str, int]
    wording: int
    repeat: int
    order: tuple[int, ...]
    printed: Floats
    chosen: np.ndarray
    statuses: np.ndarray


def _cells(graded: Graded, design: Design, people: Sequence[Person], rng: np.random.Generator) -> Iterator[_Cell]:
    codes = tuple(range(1, design.codes + 1))
    orders = {"printed": codes, "reversed": codes[::-1]}
    crossing = product(enumerate(design.rows), enumerate(design.languages), enumerate(design.frames),
                       range(design.wordings), enumerate(design.orders))  # fmt: skip
    for (item, row), (language, tag), (frame, form), wording, (order, listed) in crossing:
        asked = Asked(QUESTIONNAIRE, row.item, tag, frame=form, wording=wording)
        printed = graded.distributions(asked, people, orders[listed])
        places = {"item": item, "language": language, "frame": frame, "option_order": order}
        refused, unparsed = graded.refusal(asked), graded.truth.unparsed
        for repeat in range(design.repeats):
            chosen = printed.argmax(axis=1) if design.probabilities else sample(printed, rng)
            chance = rng.random(len(people))
            statuses = np.where(chance < refused, STATUSES.index("refused"), STATUSES.index("valid"))
            statuses[(chance >= refused) & (chance < refused + unparsed)] = STATUSES.index("unparsed")
            yield _Cell(places, wording, repeat, orders[listed], printed, chosen, statuses)


def _answered(cells: Sequence[_Cell], design: Design) -> list[pl.Series]:
    """The columns of what was answered; null where no answer is valid."""
    valid = np.concatenate([cell.statuses for cell in cells]) == STATUSES.index("valid")
    code = np.concatenate([np.asarray(cell.order)[cell.chosen] for cell in cells]).astype(np.int32)
    entries = pl.List(pl.Struct({"key": pl.Int32, "value": pl.Float64}))
    if design.probabilities:
        orders = np.repeat([cell.order for cell in cells], len(cells[0].chosen), axis=0).astype(np.int32)
        p = np.concatenate([cell.printed for cell in cells])
        flat = pl.DataFrame({"key": orders.ravel(), "value": p.ravel()}).to_struct("entry")
        elicited = flat.reshape((len(p), design.codes)).cast(entries).alias("probabilities")
    else:
        elicited = pl.Series("probabilities", [None] * len(code), dtype=entries)
    missing = pl.Series([None] * len(code), dtype=pl.List(pl.Int32))
    frame = pl.DataFrame([pl.Series("code", code), elicited, pl.Series("valid", valid)]).select(
        pl.when("valid").then("code"),
        pl.when("valid").then("probabilities"),
        pl.when("valid").then(pl.lit(1.0 if design.probabilities else None, pl.Float64)).alias("mass"),
    )
    return [*frame, missing.alias("picks"), missing.alias("shuffled")]


def _runs(name: str, design: Design, trials: int) -> pl.DataFrame:
    planned = [{"questionnaire": QUESTIONNAIRE, "language": tag, "trials": trials // len(design.languages)}
               for tag in design.languages]  # fmt: skip
    return pl.DataFrame([{
        "id": name, "model": name, "simulated": True, "outcome": "done", "started": "", "finished": None,
        "package": "", "parser": "", "study": "{}", "planned": planned, "backend": "{}",
    }])  # fmt: skip


def _members(name: str, design: Design, trials: int) -> pl.DataFrame:
    return pl.DataFrame([
        {"run": name, "questionnaire": QUESTIONNAIRE, "asked_as": QUESTIONNAIRE, "version": VERSION, "language": tag,
         "asked": trials // len(design.languages)}
        for tag in design.languages
    ])  # fmt: skip


def _questionnaires(design: Design) -> pl.DataFrame:
    scoring = {"method": "mean", "formulas": {}, "composites": {},
               "dimensions": [{"id": name, "title": name} for name in design.names]}  # fmt: skip
    return pl.DataFrame([{"id": QUESTIONNAIRE, "version": VERSION, "title": "Made", "wording": "official",
                          "citation": "", "scoring": json.dumps(scoring)}])  # fmt: skip


def _items(design: Design) -> pl.DataFrame:
    return pl.DataFrame([
        {"questionnaire": row.questionnaire, "version": row.version, "item": row.item, "code": row.code,
         "kind": row.kind, "scale": row.scale, "scale_kind": row.scale_kind, "codes": list(row.codes),
         "dimensions": list(row.dimensions), "reverse": row.reverse, "topic": row.topic}
        for row in design.rows
    ])  # fmt: skip
