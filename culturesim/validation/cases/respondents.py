"""Four respondents who must be told for what they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from culturesim.backends.sim_truth import Truth
from culturesim.results import Analysis
from culturesim.validation.case import LEVEL, Case, Statistic
from culturesim.validation.cases.common import THREE, TWO
from culturesim.validation.surveys import Design, Uniform

RESPONDENT = Design(
    dimensions=3,
    items=4,
    personas=30,
    attributes=TWO,
    include_none=True,
    languages=("en", "de"),
    wordings=2,
    orders=("printed", "reversed"),
    repeats=2,
)

CONTENT = (
    "scores",
    "consistency",
    "stability",
    "agreement",
    "profiles",
    "curves",
    "attributes",
    "components",
    "coefficients",
    "needed",
    "reliability",
    "items",
    "congruence",
    "dif",
    "invariance",
)
"""Tables that say what a model holds, rather than how it answers."""


_MOVED = {
    attribute: {level: dict.fromkeys("abc", by) for level, by in levels.items()}
    for attribute, levels in {
        "side": {"left": -1.2, "right": 1.2},
        "age": {"old": -1.5, "middle": 0.0, "young": 1.5},
    }.items()
}


def respondents() -> Iterator[Case]:
    """First option, uniform, inert, malleable."""
    yield Case(
        "first-option",
        "always the option printed first",
        Truth(position=1.0),
        RESPONDENT,
        tuple(Statistic(f"{name}: unsupported, for position", "check", name, _by_place(name)) for name in CONTENT),
    )
    yield Case(
        "uniform",
        "every answer equally likely",
        Truth(),
        replace(RESPONDENT, include_none=False, repeats=1),
        (
            Statistic("p ≤ .05 in any table", "alarm", "consistency", _rejected),
            *(
                Statistic(f"any q ≤ .05: {name}", "alarm", name, _discovered(name))
                for name in ("consistency", "attributes", "dif")
            ),
        ),
        respondent=Uniform,
    )
    attributes = Design(items=4, personas=40, attributes=THREE, repeats=2)
    yield Case(
        "inert",
        "the same whoever it is told to be",
        Truth(temperature=0.2, difficulty=0.2, seed=1),
        attributes,
        (
            Statistic("inertia above ½", "check", "stability", lambda a: float(all(_inertia(a, above=0.5)))),
            Statistic("any q ≤ .05: attributes", "alarm", "attributes", _discovered("attributes")),
        ),
    )
    yield Case(
        "malleable",
        "whoever it is told to be",
        Truth(temperature=0.5, spread=0, difficulty=0.2, effects=_MOVED, seed=1),
        attributes,
        (
            Statistic("inertia below ¼", "check", "stability", lambda a: float(not any(_inertia(a, above=0.25)))),
            Statistic("both attributes move every dimension", "check", "attributes", _all_moved),
        ),
    )


def _by_place(name: str) -> Any:
    def read(analysis: Analysis) -> float:
        rows = [row for row in getattr(analysis, name) if getattr(row, "kind", "") != "option_order"]
        return float(
            bool(rows) and all(not row.supported and "follow the place on the list" in row.reason for row in rows)
        )

    return read


def _rejected(analysis: Analysis) -> float:
    """The share of p values of all tables that reject."""
    found = [value <= LEVEL for rows in _tables(analysis) for value in _all_p(rows)]
    return sum(found) / len(found)


def _tables(analysis: Analysis) -> list[Sequence[Any]]:
    return [value for each in fields(analysis) if isinstance(value := getattr(analysis, each.name), tuple)]


def _all_p(rows: Sequence[Any]) -> list[float]:
    return [row.p for row in rows if getattr(row, "p", None) is not None]


def _discovered(name: str) -> Any:
    """Whether anything is significant: the share of families that q is taken over in which something is."""

    def family(row: Any) -> str:
        return str(row.dimension if name == "dif" else row.language if name == "attributes" else "")

    def read(analysis: Analysis) -> float:
        rows = getattr(analysis, name)
        found = {family(row) for row in rows if row.q is not None and row.q <= LEVEL}
        return len(found) / len({family(row) for row in rows})

    return read


def _inertia(analysis: Analysis, *, above: float) -> list[bool]:
    return [row.inertia.value is not None and row.inertia.value > above for row in analysis.stability]


def _all_moved(analysis: Analysis) -> float:
    return float(all(row.q is not None and row.q <= LEVEL for row in analysis.attributes))
