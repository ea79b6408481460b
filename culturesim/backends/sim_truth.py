"""What is true of the respondent ``sim/graded``: its parameters, read from its name or from a file.

The numbers are those of the likelihood in ``sim_graded``. A number that stands for many (``persona``: the standard
deviation of every effect) is the spread of normal draws; a table (``effects``) states one of them outright.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from hashlib import blake2b
from typing import Any

from culturesim.errors import BackendError, DefinitionError, Fault, UnknownNameError

NAME = "sim/graded"
MOST = 1e6
"""No parameter is larger: beyond it, floats no longer tell codes apart."""


def _number(default: float, meaning: str, low: float = -MOST, high: float = MOST) -> Any:
    return field(default=default, metadata={"meaning": meaning, "low": low, "high": high})


def _sd(meaning: str, default: float = 0.0) -> Any:
    return _number(default, f"standard deviation of {meaning}", 0.0)


def _table(depth: int, meaning: str, *, items: bool = False, low: float = -MOST, high: float = MOST) -> Any:
    told = {"meaning": meaning, "depth": depth, "items": items, "low": low, "high": high}
    return field(default_factory=dict, metadata=told)


@dataclass(frozen=True)
class Truth:
    """The parameters of a graded respondent; each has a default, at which it does nothing or something ordinary.

    An item is named ``m01`` or, where several questionnaires have one, ``mfq2.m01``.
    """

    mean: float = _number(0.0, "what the means of all dimensions are spread around")
    spread: float = _sd("the means of dimensions", 0.5)
    loading: float = _number(1.0, "what the loadings of all items are spread around")
    loading_sd: float = _sd("the loadings of items")
    difficulty: float = _sd("the difficulties of items", 0.5)
    temperature: float = _number(1.0, "noise between repeats; at 0 the likeliest option is always taken", 0.0)
    persona: float = _sd("what a level of an attribute adds to a dimension")
    idiosyncrasy: float = _sd("what a persona has of its own on a dimension")
    language: float = _sd("what a language adds to a dimension")
    dif: float = _sd("what a language adds to one item (differential item functioning)")
    dif_items: float = _number(1.0, "share of the items that `dif` holds for", 0.0, 1.0)
    wording: float = _sd("what a wording adds to its item")
    frame: float = _sd("what a frame adds to an item")
    position: float = _number(0.0, "share of answers that take the option printed first; below 0, the last", -1.0, 1.0)
    acquiescence: float = _number(0.0, "what is added to every item toward its highest code, whatever its key")
    acquiescence_sd: float = _sd("the acquiescence of personas")
    extremity: float = _number(0.0, "log odds of both ends of a scale, beyond what the location says", -50.0, 50.0)
    extremity_sd: float = _number(0.0, "standard deviation of the extremity of personas", 0.0, 10.0)
    midpoint: float = _number(0.0, "log odds of the middle of a scale that has one", -50.0, 50.0)
    refusal: float = _number(0.0, "share of answers that are refusals", 0.0, 1.0)
    unparsed: float = _number(0.0, "share of answers that say nothing readable", 0.0, 1.0)
    seed: int = _number(0, "another seed draws other numbers", -(2.0**63), 2.0**63)

    means: Mapping[str, float] = _table(1, "dimension → its mean")
    effects: Mapping[str, Mapping[str, Mapping[str, float]]] = _table(3, "attribute → level → dimension → what it adds")
    language_shifts: Mapping[str, Mapping[str, float]] = _table(2, "language → dimension → what it adds")
    item_shifts: Mapping[str, Mapping[str, float]] = _table(2, "language → item → what it adds", items=True)
    loadings: Mapping[str, float] = _table(1, "item → its loading", items=True)
    difficulties: Mapping[str, float] = _table(1, "item → its difficulty", items=True)
    refusals: Mapping[str, float] = _table(1, "topic → share of refusals", low=0.0, high=1.0)

    def __post_init__(self) -> None:
        worst = max((self.refusal, *self.refusals.values()))
        if worst + self.unparsed > 1:
            raise BackendError(
                f"{NAME}: refusals ({worst:g}) and unparsed ({self.unparsed:g}) are more than all answers"
            )

    @classmethod
    def of_query(cls, query: str) -> Truth:
        """What a name says after its question mark: ``persona=0.3&position=0.2``."""
        given: dict[str, float] = {}
        for pair in filter(None, query.split("&")):
            name, _, written = pair.partition("=")
            if name not in NUMBERS:
                raise UnknownNameError("parameter", name, NUMBERS, f"of {NAME}; see docs/respondents.md")
            if name in given:
                raise BackendError(f"{NAME} has {name} twice")
            given[name] = _read(name, written)
        return cls(**given)  # type: ignore[arg-type]

    @classmethod
    def of_file(cls, content: Mapping[str, Any], place: str) -> Truth:
        """What a TOML file says: the same names, and tables; ``DefinitionError`` with every fault."""
        faults: list[Fault] = []
        given: dict[str, Any] = {}
        for name, value in content.items():
            if name in NUMBERS:
                given[name] = value
                faults += _faults_of_number(place, name, value, NUMBERS[name])
            elif name in TABLES:
                given[name] = _flat(value, TABLES[name]["depth"]) if TABLES[name]["items"] else _words(value)
                faults += _faults_of_table(place, name, given[name], TABLES[name], TABLES[name]["depth"])
            else:
                unknown = UnknownNameError("parameter", name, {**NUMBERS, **TABLES})
                faults.append(Fault(place, name, str(unknown)))
        if faults:
            raise DefinitionError(faults)
        return cls(**given)

    @cached_property
    def query(self) -> str:
        """The numbers that are not as usual, in the order of this class: two spellings of one respondent are one."""
        return "&".join(
            f"{name}={_shown(getattr(self, name))}" for name in NUMBERS if getattr(self, name) != _DEFAULTS[name]
        )

    @cached_property
    def stated(self) -> Mapping[str, Any]:
        """What is not as usual, tables included."""
        return {name: value for name, value in asdict(self).items() if value != _DEFAULTS[name] and value != {}}

    @cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that tell any two truths apart, tables included."""
        return blake2b(json.dumps(self.stated, sort_keys=True).encode(), digest_size=16).hexdigest()


NUMBERS: Mapping[str, Mapping[str, Any]] = {
    each.name: each.metadata for each in fields(Truth) if "depth" not in each.metadata
}
"""Parameter → its ``meaning``, ``low`` and ``high``."""

TABLES: Mapping[str, Mapping[str, Any]] = {
    each.name: each.metadata for each in fields(Truth) if "depth" in each.metadata
}
"""Table → its ``meaning``, its ``depth``, whether its last names are ``items``, ``low`` and ``high`` of its values."""

_DEFAULTS = {each.name: each.default for each in fields(Truth)}


def default_of(name: str) -> str:
    """The default of a number, as a name has it."""
    return _shown(_DEFAULTS[name])


def _read(name: str, written: str) -> float:
    try:
        value = int(written) if name == "seed" else float(written)
    except ValueError:
        raise BackendError(f"{NAME}: {name} wants a number, not {written!r}") from None
    if why := _fault(value, NUMBERS[name]):
        raise BackendError(f"{NAME}: {name} {why}, not {written}")
    return value


def _fault(value: float, told: Mapping[str, Any]) -> str:
    if math.isfinite(value) and told["low"] <= value <= told["high"]:
        return ""
    if told["high"] >= MOST:
        return "wants a number from 0 on" if told["low"] == 0 else "wants a number of ordinary size"
    return f"wants a number from {_shown(told['low'])} to {_shown(told['high'])}"


def _shown(value: Any) -> str:
    return str(int(value)) if float(value).is_integer() else repr(value)


def _faults_of_number(place: str, key: str, value: Any, told: Mapping[str, Any]) -> Iterator[Fault]:
    whole = key == "seed"
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        yield Fault(place, key, f"wants a {'whole ' if whole else ''}number, not {value!r}")
    elif why := _fault(value, told):
        yield Fault(place, key, f"{why}, not {value!r}")


def _faults_of_table(place: str, key: str, value: Any, told: Mapping[str, Any], depth: int) -> Iterator[Fault]:
    if not depth:
        yield from _faults_of_number(place, key, value, told)
    elif not isinstance(value, Mapping):
        yield Fault(place, key, f"wants a table: {told['meaning']}")
    else:
        for name, inside in value.items():
            yield from _faults_of_table(place, f"{key}.{name}", inside, told, depth - 1)


def _words(value: Any) -> Any:
    """A table with plain dictionaries all the way down."""
    return {str(name): _words(inside) for name, inside in value.items()} if isinstance(value, Mapping) else value


def _flat(value: Any, depth: int) -> Any:
    """A table whose last names are items; TOML makes a table of its own of the dot in ``mfq2.m01``."""
    if not isinstance(value, Mapping):
        return value
    if depth > 1:
        return {name: _flat(inside, depth - 1) for name, inside in value.items()}
    return dict(_dotted("", value))


def _dotted(before: str, value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, inside in value.items():
        if isinstance(inside, Mapping):
            yield from _dotted(f"{before}{name}.", inside)
        else:
            yield f"{before}{name}", inside
