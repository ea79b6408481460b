"""The respondent ``sim/graded``: a graded response model whose every number is known, and no language model.

**Latent values.** On dimension d, persona a asked in language l stands at

    θ(a, l, d) = mean(d) + Σ over attributes effect(attribute, level, d) + idiosyncrasy · e(a, d) + shift(l, d);

without a persona, at mean(d) + shift(l, d). An item of several dimensions asks for the mean of them; one of none has a
dimension of its own, named as the item.

**Location.** Item i in wording w and frame f is answered around

    η = loading(i) · key(i) · θ − difficulty(i) + dif(i, l) + wording(i, w) + frame(i, f) + acquiescence(a),

key(i) = −1 for reverse-keyed items and 1 for all others, acquiescence(a) = acquiescence + acquiescence_sd · e(a).

**Answer.** Over ordered codes c₁ < … < c_k (Samejima 1969, *Estimation of latent ability using a response pattern of
graded scores*, Psychometrika Monograph 17),

    P(y ≥ c_{j+1}) = logistic((η − τ_j) / temperature),  τ_j = 3 (2j / k − 1),  j = 1 … k − 1,

so that k codes cut [−3, 3] evenly; at temperature 0, the code in whose part η lies is certain. Then styles:

    P′(c) ∝ P(c) · exp(extremity(a) · [c is c₁ or c_k] + midpoint · [k is odd and c the middle one]),

extremity(a) = extremity + extremity_sd · e(a). Then position, toward the option printed first (or last, if negative):

    P″(c) = (1 − |position|) · P′(c) + |position| · [c is printed first].

**Nominal scales and picks.** Each option is a dimension and an item of its own, named ``item.code``, with a location
η_c as above, but without acquiescence and styles. P(c) ∝ exp(η_c / temperature). Picks are drawn one after another
without replacement by these weights (Plackett 1975, *The analysis of permutations*, Applied Statistics 24: utilities
with Gumbel noise, ranked), their number evenly from those allowed; a share |position| takes the options printed first
(or last) instead.

**Silence.** An answer is a refusal with the probability of its item's topic, says nothing readable with probability
``unparsed``, and is one of the above otherwise.

Where a table of ``Truth`` states no value, it is drawn: mean(d) = mean + spread · z, loading(i) = loading + loading_sd
· z, and all others their standard deviation times z; dif(i, l) is 0 but in a share ``dif_items`` of the items. Every z
and e is a standard normal draw that follows from the seed and the names it belongs to: truth is a function of names,
never of order or process.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from culturesim.backends.sim_draws import draw_in_order, normal, uniform
from culturesim.backends.sim_likelihood import Floats, graded, graded_many, placed, softmax, styled, styled_many
from culturesim.backends.sim_truth import Truth
from culturesim.records import NO_PERSONA, ItemRow, Status, Trial

SPAN = 3.0
"""The thresholds of a scale lie within this distance of 0."""

_REMEMBERED = 50_000
"""Personas, and locations of items, that are kept at most."""

Attributes = Mapping[str, str | int]

NOBODY: Attributes = {}

_K = TypeVar("_K")
_V = TypeVar("_V")


class Asked(NamedTuple):
    """A trial in short."""

    questionnaire: str
    item: str
    language: str = "en"
    persona: str = NO_PERSONA
    frame: str = "form"
    wording: int = 0


Asks = Trial | Asked
"""What tells a question from another."""


class Drawn(NamedTuple):
    """One answer: ``code`` where ``status`` is "valid"."""

    status: Status
    code: int | None = None


class _Term(NamedTuple):
    """What one location needs to know of an item, or of an option of one."""

    questionnaire: str
    name: str
    dimensions: tuple[str, ...]
    slope: float  # loading times key
    difficulty: float


class _Scale(NamedTuple):
    """An item with its codes in one printed order. ``places``: of each printed code among the ascending ones."""

    terms: tuple[_Term, ...]  # one, or one per printed code
    thresholds: tuple[float, ...]  # empty where codes have no order
    places: tuple[int, ...]


class _Person(NamedTuple):
    """What is the same of a persona in all its answers. ``values``: dimensions → mean of θ without language."""

    acquiescence: float
    extremity: float
    values: dict[tuple[str, ...], float]


class Graded:
    """The truth of one respondent; the module says its likelihood.

    ``items`` are those it may be asked; an item it does not know is taken for an ordered scale of the codes printed.
    A persona is known by its id: the same id must come with the same attributes.
    """

    def __init__(self, truth: Truth, items: Iterable[ItemRow] = ()) -> None:
        self.truth = truth
        self._rows = {(row.questionnaire, row.item): row for row in items}
        self._scales: dict[tuple[str, str, Sequence[int]], _Scale] = {}
        self._added: dict[tuple[str, str, str, str, int], float] = {}
        self._shifts: dict[tuple[str, tuple[str, ...]], float] = {}
        self._people: dict[str, _Person] = {}

    def theta(
        self, dimension: str, language: str = "", persona: str = NO_PERSONA, attributes: Attributes = NOBODY
    ) -> float:
        """Where a persona stands on a dimension in a language; "" is a language without a shift."""
        value = self._value(persona, attributes, (dimension,))
        return value + self._shift(language, (dimension,)) if language else value

    def location(self, asked: Asks, attributes: Attributes = NOBODY) -> float:
        """η of an item on an ordered scale, acquiescence included."""
        scale = self._scale(asked.questionnaire, asked.item, ())
        return self._location(scale.terms[0], asked, attributes) + self._person(asked.persona).acquiescence

    def distribution(
        self, asked: Asks, attributes: Attributes = NOBODY, order: Sequence[int] = ()
    ) -> tuple[float, ...]:
        """P″ of each code in ``order``, the codes as printed from top to bottom; () is the order of the item's row."""
        scale = self._scale(asked.questionnaire, asked.item, order)
        if scale.thresholds:
            person = self._person(asked.persona)
            eta = self._location(scale.terms[0], asked, attributes) + person.acquiescence
            by_code = graded(eta, scale.thresholds, self.truth.temperature)
            if person.extremity or self.truth.midpoint:
                by_code = styled(by_code, person.extremity, self.truth.midpoint)
            printed = [by_code[place] for place in scale.places]
        else:
            printed = softmax([self._location(term, asked, attributes) for term in scale.terms], self.truth.temperature)
        return tuple(placed(printed, self.truth.position))

    def distributions(
        self, asked: Asks, personas: Sequence[tuple[str, Attributes]], order: Sequence[int] = ()
    ) -> Floats:
        """The distributions of many personas (id, attributes) on one question: shape (personas, codes)."""
        scale, truth = self._scale(asked.questionnaire, asked.item, order), self.truth
        eta = np.array([self._locations(term, asked, personas) for term in scale.terms])
        if scale.thresholds:
            people = [self._person(name) for name, _ in personas]
            agreeing = np.array([person.acquiescence for person in people])
            by_code = graded_many(eta[0] + agreeing, np.array(scale.thresholds), truth.temperature)
            extremity = np.array([person.extremity for person in people])
            if extremity.any() or truth.midpoint:
                by_code = styled_many(by_code, extremity, truth.midpoint)
            printed = by_code[:, scale.places]
        else:
            printed = np.array([softmax(list(row), truth.temperature) for row in eta.T]).reshape(len(personas), -1)
        first = np.zeros(len(scale.places))
        first[0 if truth.position >= 0 else -1] = abs(truth.position)
        mixed: Floats = (1 - abs(truth.position)) * printed + first
        return mixed

    def refusal(self, asked: Asks) -> float:
        """The probability that a question is refused; of what is unreadable, see ``truth.unparsed``."""
        row = self._rows.get((asked.questionnaire, asked.item))
        return self.truth.refusals.get(row.topic, self.truth.refusal) if row else self.truth.refusal

    def draw(self, asked: Asks, attributes: Attributes, order: Sequence[int], random: Random) -> Drawn:
        """One answer to an item answered by one option. ``random`` is the noise of the trial, and all of it."""
        refusal = self.refusal(asked)
        if refusal or self.truth.unparsed:
            chance = random.random()
            if chance < refusal + self.truth.unparsed:
                return Drawn("refused" if chance < refusal else "unparsed")
        codes = order or self._rows[asked.questionnaire, asked.item].codes
        return Drawn("valid", random.choices(codes, self.distribution(asked, attributes, order))[0])

    def pick(
        self, asked: Asks, attributes: Attributes, order: Sequence[int], limits: tuple[int, int], random: Random
    ) -> list[int]:
        """The places in ``order`` of the options picked, in the order of picking; ``limits``: how few and how many."""
        position, count = self.truth.position, random.randint(*limits)
        if position and random.random() < abs(position):
            places = range(len(order))
            return list(places[:count] if position > 0 else places[-count:])
        terms = self._options(asked.questionnaire, asked.item, order)
        etas = [self._location(term, asked, attributes) for term in terms]
        if not self.truth.temperature:
            return sorted(range(len(order)), key=lambda place: -etas[place])[:count]
        return draw_in_order(softmax(etas, self.truth.temperature), count, random)

    # Latent values

    def _location(self, term: _Term, asked: Asks, attributes: Attributes) -> float:
        """η without acquiescence."""
        value = self._value(asked.persona, attributes, term.dimensions)
        theta = value + self._shift(asked.language, term.dimensions)
        return term.slope * theta + self._addend(term, asked)

    def _locations(self, term: _Term, asked: Asks, personas: Sequence[tuple[str, Attributes]]) -> Floats:
        values = np.array([self._value(name, attributes, term.dimensions) for name, attributes in personas])
        located: Floats = term.slope * (values + self._shift(asked.language, term.dimensions))
        return located + self._addend(term, asked)

    def _addend(self, term: _Term, asked: Asks) -> float:
        """All of η that is the same for all personas: −difficulty + dif + wording + frame."""
        key = (term.questionnaire, term.name, asked.language, asked.frame, asked.wording)
        found = self._added.get(key)
        if found is None:
            item = (term.questionnaire, term.name)
            wording = self._drawn(self.truth.wording, "wording", *item, str(asked.wording))
            frame = self._drawn(self.truth.frame, "frame", *item, asked.frame)
            found = self._dif(*item, asked.language) + wording + frame - term.difficulty
            _keep(self._added, key, found)
        return found

    def _dif(self, questionnaire: str, item: str, language: str) -> float:
        stated = _of_item(self.truth.item_shifts.get(language, {}), questionnaire, item)
        if stated is not None:
            return stated
        if self.truth.dif and uniform(self.truth.seed, "dif_items", questionnaire, item) < self.truth.dif_items:
            return self._drawn(self.truth.dif, "dif", questionnaire, item, language)
        return 0.0

    def _shift(self, language: str, dimensions: tuple[str, ...]) -> float:
        found = self._shifts.get((language, dimensions))
        if found is None:
            stated = self.truth.language_shifts.get(language, {})
            found = math.fsum(
                stated.get(each, self._drawn(self.truth.language, "language", language, each)) for each in dimensions
            ) / len(dimensions)
            self._shifts[language, dimensions] = found
        return found

    def _person(self, persona: str) -> _Person:
        person = self._people.get(persona)
        if person is None:
            truth, anyone = self.truth, persona == NO_PERSONA
            own = 0.0 if anyone else self._drawn(truth.acquiescence_sd, "acquiescence", persona)
            ends = 0.0 if anyone else self._drawn(truth.extremity_sd, "extremity", persona)
            person = _Person(truth.acquiescence + own, truth.extremity + ends, {})
            _keep(self._people, persona, person)
        return person

    def _value(self, persona: str, attributes: Attributes, dimensions: tuple[str, ...]) -> float:
        """The mean of θ over dimensions, without the language's shift."""
        values = self._person(persona).values
        found = values.get(dimensions)
        if found is None:
            found = math.fsum(self._trait(persona, attributes, each) for each in dimensions) / len(dimensions)
            values[dimensions] = found
        return found

    def _trait(self, persona: str, attributes: Attributes, dimension: str) -> float:
        truth = self.truth
        drawn = truth.mean + self._drawn(truth.spread, "mean", dimension)
        mean = truth.means.get(dimension, drawn)
        if persona == NO_PERSONA:
            return mean
        own = self._drawn(truth.idiosyncrasy, "idiosyncrasy", persona, dimension)
        effects = (self._effect(name, str(level), dimension) for name, level in attributes.items())
        return mean + own + math.fsum(effects)

    def _effect(self, attribute: str, level: str, dimension: str) -> float:
        stated = self.truth.effects.get(attribute, {}).get(level, {}).get(dimension)
        return self._drawn(self.truth.persona, "effect", attribute, level, dimension) if stated is None else stated

    def _drawn(self, sd: float, *names: str) -> float:
        return sd * normal(self.truth.seed, *names) if sd else 0.0

    # Items

    def _scale(self, questionnaire: str, item: str, order: Sequence[int]) -> _Scale:
        key = (questionnaire, item, order if type(order) is tuple else tuple(order))
        found = self._scales.get(key)
        if found is None:
            found = self._new_scale(questionnaire, item, key[2])
            _keep(self._scales, key, found)
        return found

    def _new_scale(self, questionnaire: str, item: str, order: Sequence[int]) -> _Scale:
        row = self._rows.get((questionnaire, item))
        codes = tuple(order) or (row.codes if row else ())
        if row and (row.kind == "pick" or row.scale_kind == "nominal"):
            return _Scale(tuple(self._options(questionnaire, item, codes)), (), tuple(range(len(codes))))
        ascending = sorted(codes)
        places = tuple(ascending.index(code) for code in codes)
        dimensions = (row.dimensions if row else ()) or (f"{questionnaire}.{item}",)
        term = self._term(questionnaire, item, dimensions, -1 if row and row.reverse else 1)
        count = len(codes)
        return _Scale((term,), tuple(SPAN * (2 * j / count - 1) for j in range(1, count)), places)

    def _options(self, questionnaire: str, item: str, codes: Sequence[int]) -> Iterator[_Term]:
        for code in codes:
            yield self._term(questionnaire, f"{item}.{code}", (f"{questionnaire}.{item}.{code}",), 1)

    def _term(self, questionnaire: str, name: str, dimensions: tuple[str, ...], key: int) -> _Term:
        truth = self.truth
        loading = _of_item(truth.loadings, questionnaire, name)
        if loading is None:
            loading = truth.loading + self._drawn(truth.loading_sd, "loading", questionnaire, name)
        difficulty = _of_item(truth.difficulties, questionnaire, name)
        if difficulty is None:
            difficulty = self._drawn(truth.difficulty, "difficulty", questionnaire, name)
        return _Term(questionnaire, name, dimensions, loading * key, difficulty)


def sample(distributions: Floats, rng: np.random.Generator) -> NDArray[np.intp]:
    """One draw from each row of ``distributions`` (n, k): n places from 0."""
    reached = np.cumsum(distributions, axis=1)
    chances = rng.random(len(distributions)) * reached[:, -1]
    places: NDArray[np.intp] = (reached <= chances[:, None]).sum(axis=1)
    return places


def _keep(kept: dict[_K, _V], key: _K, value: _V) -> None:
    if len(kept) >= _REMEMBERED:
        kept.clear()
    kept[key] = value


def _of_item(table: Mapping[str, float], questionnaire: str, item: str) -> float | None:
    return table.get(f"{questionnaire}.{item}", table.get(item)) if table else None
