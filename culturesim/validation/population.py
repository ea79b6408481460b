"""What is true of a respondent: the values that statistics estimate, from the likelihood and not from answers.

Values over all personas are means over ``PEOPLE`` of them; values over all items are means over as many items as the
design has. Only where a statistic ranks or correlates the scores of single personas are answers drawn, one each.
"""

from __future__ import annotations

from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from culturesim.backends.sim_graded import Asked, Graded, sample
from culturesim.backends.sim_truth import Truth
from culturesim.records import NO_PERSONA, ItemRow
from culturesim.stats.divergence import entropy, js_centroids, js_distance, jsd, largest_inconsistency
from culturesim.stats.factors import minres, one_factor
from culturesim.stats.inference import Bootstrap, Floats
from culturesim.stats.variance import components
from culturesim.validation.surveys import QUESTIONNAIRE, Design

PEOPLE = 20_000
_CELLS = 400_000
"""Personas by questions: those of a population of many items are fewer."""

_SEED = 987_654_321
"""Of the personas of a population: no survey has it."""

Way = tuple[str, str, int, str]
"""Language, frame, wording, option order."""


class Population:
    """Everybody who could be asked, and all that one respondent would answer as them.

    The design says what is asked; only W depends on its number of personas, which is that of a survey.
    """

    def __init__(self, truth: Truth, design: Design, *, other: Truth | None = None, people: int = PEOPLE) -> None:
        self.truth, self.design, self.other_truth = truth, design, other
        self.graded = Graded(truth, design.rows)
        self.size = max(200, min(people, _CELLS // (len(design.rows) * len(self.ways))))
        self.people = design.people(_SEED, self.size)
        self._known: dict[tuple[str, Way, bool], Floats] = {}

    @cached_property
    def other(self) -> Population:
        """The second model, as the same personas."""
        assert self.other_truth is not None
        return Population(self.other_truth, self.design)

    @property
    def ways(self) -> list[Way]:
        """Every way of asking."""
        design = self.design
        return list(product(design.languages, design.frames, range(design.wordings), design.orders))

    def items(self, dimension: str = "a") -> list[ItemRow]:
        """The items of a dimension."""
        return [row for row in self.design.rows if row.dimensions == (dimension,)]

    # Distributions

    def printed(self, row: ItemRow, way: Way, *, alone: bool = False) -> Floats:
        """(personas, options): how everybody answers, by code; ``alone``: the model as itself, in one row."""
        key = (row.item, way, alone)
        if key not in self._known:
            language, frame, wording, order = way
            listed = row.codes[::-1] if order == "reversed" else row.codes
            asked = Asked(QUESTIONNAIRE, row.item, language, frame=frame, wording=wording)
            people = [(NO_PERSONA, {})] if alone else self.people
            found = self.graded.distributions(asked, people, listed)
            self._known[key] = found[:, ::-1] if order == "reversed" else found
        return self._known[key]

    def keyed(self, row: ItemRow, *, alone: bool = False, **only: Any) -> Floats:
        """(personas, options) over all ways of asking, or some, of the code after keying."""
        told = [self.printed(row, way, alone=alone) for way in self._only(**only)]
        mean: Floats = sum(told[1:], start=told[0]) / len(told)
        return mean[:, ::-1] if row.reverse else mean

    def _only(self, **only: Any) -> list[Way]:
        places = {"language": 0, "frame": 1, "wording": 2, "order": 3}
        return [way for way in self.ways if all(way[places[name]] == value for name, value in only.items())]

    # Scores

    @cached_property
    def codes(self) -> Floats:
        """The codes of the scale."""
        return np.arange(1.0, self.design.codes + 1)

    def values(self, dimension: str = "a", *, alone: bool = False, **only: Any) -> Floats:
        """(personas, items): the expected value of each item."""
        return np.column_stack([self.keyed(row, alone=alone, **only) @ self.codes for row in self.items(dimension)])

    def noise(self, dimension: str = "a", **only: Any) -> Floats:
        """(personas, items): the variance of one answer, the way of asking being one."""
        told = [self.keyed(row, **only) for row in self.items(dimension)]
        return np.column_stack([p @ self.codes**2 - (p @ self.codes) ** 2 for p in told])

    def score(self, dimension: str = "a", *, alone: bool = False, **only: Any) -> float:
        """The mean of the items' values."""
        return float(self.values(dimension, alone=alone, **only).mean())

    def ahead(self, dimension: str = "a") -> float:
        """How far it is ahead of the other model."""
        return self.score(dimension) - self.other.score(dimension)

    def spread(self, dimension: str = "a") -> float:
        """The variance of a persona's score, with what sampling adds."""
        return float(self.values(dimension).mean(axis=1).var() + self._of_sampling(dimension).mean())

    def _of_sampling(self, dimension: str) -> Floats:
        noise = self.noise(dimension)
        return np.asarray(noise.sum(axis=1) / noise.shape[1] ** 2 / self.design.repeats)

    def spread_of_centred(self, dimension: str = "a") -> float:
        """The variance of a persona's score less its mean over the dimensions."""
        names = self.design.names
        means = np.column_stack([self.values(name).mean(axis=1) for name in names])
        noise = np.column_stack([self._of_sampling(name) for name in names])
        weights = np.eye(len(names))[names.index(dimension)] - 1 / len(names)
        return float((means @ weights).var() + (noise @ weights**2).mean())

    def retest(self, dimension: str = "a") -> float:
        """ICC(1) of scores over repeats."""
        noise = self.noise(dimension)
        within = float((noise.sum(axis=1) / noise.shape[1] ** 2).mean())
        between = float(self.values(dimension).mean(axis=1).var())
        return between / (between + within)

    # Attributes

    def _levels(self, attribute: str, dimension: str) -> tuple[Floats, float]:
        """The mean of each level, in their order, and the variance within levels."""
        of = np.array([attributes[attribute] for _, attributes in self.people])
        scores, sampling = self.values(dimension).mean(axis=1), self._of_sampling(dimension)
        own = [of == level for level in sorted(set(of))]
        within = np.mean([scores[at].var() + sampling[at].mean() for at in own])
        return np.array([scores[at].mean() for at in own]), float(within)

    def cohen(self, attribute: str, dimension: str = "a") -> float:
        """d of the second level less the first."""
        means, within = self._levels(attribute, dimension)
        return float((means[1] - means[0]) / np.sqrt(within))

    def explained(self, attribute: str, dimension: str = "a") -> float:
        """The share of the variance of scores that lies between levels."""
        means, within = self._levels(attribute, dimension)
        return float(means.var() / (means.var() + within))

    # Whole distributions

    def pooled(self, dimension: str = "a", *, alone: bool = False) -> Floats:
        """How all answers to a dimension fall on the codes after keying."""
        return np.asarray(np.mean([self.keyed(row, alone=alone).mean(axis=0) for row in self.items(dimension)], axis=0))

    def inertia(self, dimension: str = "a") -> float:
        """1 − entropy / log k."""
        pooled = self.pooled(dimension)
        return float(1 - entropy(pooled, base=2) / np.log2(len(pooled)))

    def steered(self, dimension: str = "a") -> float:
        """Distance between answers as personas and as itself."""
        return float(js_distance(self.pooled(dimension), self.pooled(dimension, alone=True), base=2))

    def apart(self, facet: str) -> Floats:
        """(items, members): distance of each wording (language, …) of an item from their centroid."""
        place = ("language", "frame", "wording", "order").index(facet)
        levels = list(dict.fromkeys(way[place] for way in self.ways))
        members = np.array([
            [np.mean([self.printed(row, way).mean(axis=0) for way in self._only(**{facet: level})], axis=0)
             for level in levels]
            for row in self.design.rows
        ])  # fmt: skip
        return _from_centroid(members)

    def inconsistency(self, facet: str) -> float:
        """The mean distance."""
        return float(self.apart(facet).mean())

    def fraction(self, facet: str) -> float:
        """The mean distance, as a share of the largest that so many members allow."""
        apart = self.apart(facet)
        return float(apart.mean()) / largest_inconsistency(apart.shape[1], self.design.codes)

    def beyond(self, facet: str) -> float:
        """The root of the mean squared distance."""
        return float(np.sqrt((self.apart(facet) ** 2).mean()))

    def topics_apart(self) -> float:
        """The mean distance of the stances on a topic from their centroid."""
        return float(np.mean([
            _from_centroid(np.array([[self.keyed(row).mean(axis=0) for row in self.items(name)]]))
            for name in self.design.names
        ]))  # fmt: skip

    # Order, frame and habits

    def points(self, way: Way) -> Floats:
        """(personas, items): the expected place on the scale, 0 … 1, reverse keying not applied."""
        y = (self.codes - 1) / (len(self.codes) - 1)
        return np.column_stack([self.printed(row, way) @ y for row in self.design.rows])

    def moved(self, **level: Any) -> float:
        """How much higher answers are at one level of a factor than at its first."""
        ((name, value),) = level.items()
        at = {"language": 0, "frame": 1, "wording": 2, "order": 3}[name]
        first = self.ways[0][at]
        high, low = (np.mean([self.points(way).mean() for way in self._only(**{name: v})]) for v in (value, first))
        return float(high - low)

    def position_share(self) -> float:
        """The share of place in where expected answers lie."""
        content, position = self._split()
        return float(position / (content + position))

    def position_distance(self) -> float:
        """How far expected answers lie from the middle of the scale."""
        return float(2 * np.sqrt(sum(self._split())))

    def _split(self) -> tuple[float, float]:
        y, turned = (self.points(way) for way in (self.ways[0], (*self.ways[0][:3], "reversed")))
        return float((((y + turned - 1) / 2) ** 2).mean()), float((((y - turned) / 2) ** 2).mean())

    def shares(self, *places: int) -> float:
        """How much of all answers lies on these places of the scale."""
        return float(np.mean([self.printed(row, way)[:, places].sum(axis=1).mean()
                              for row in self.design.rows for way in self.ways]))  # fmt: skip

    def first(self) -> float:
        """How much of all answers lies on the option listed first."""
        places = [0 if way[3] == "printed" else -1 for way in self.ways]
        told = [
            self.printed(row, way)[:, place].mean()
            for row in self.design.rows
            for way, place in zip(self.ways, places, strict=True)
        ]
        return float(np.mean(told))

    def longest(self) -> float:
        """The mean longest run of one code, as a share of the items."""
        rng = np.random.default_rng([_SEED, 3])
        codes = np.column_stack([sample(self.printed(row, self.ways[0]), rng) for row in self.design.rows])
        run = np.ones(len(codes))
        most = run.copy()
        for before, after in zip(codes.T[:-1], codes.T[1:], strict=True):
            run = np.where(before == after, run + 1, 1)
            most = np.maximum(most, run)
        return float(most.mean() / len(self.design.rows))

    def acquiescence(self) -> float:
        """Agreement with both poles."""
        y, rows = self.points(self.ways[0]).mean(axis=0), self.design.rows
        poles = [
            np.mean([y[at] for at, row in enumerate(rows) if row.dimensions == (name,) and row.reverse is reverse])
            for name in self.design.names for reverse in (False, True)
        ]  # fmt: skip
        return float(np.mean(poles) - 0.5)

    def straight_lines(self) -> float:
        """How often all items get one code."""
        told = np.stack([self.printed(row, self.ways[0]) for row in self.design.rows])
        return float(told.prod(axis=0).sum(axis=1).mean())

    # What correlates

    def covariance(self, dimension: str = "a", **only: Any) -> Floats:
        """Covariance of single answers to the items of a dimension."""
        found: Floats = np.cov(self.values(dimension, **only).T) + np.diag(self.noise(dimension, **only).mean(axis=0))
        return found

    def alpha(self, dimension: str = "a") -> float:
        """Cronbach's α."""
        s = self.covariance(dimension)
        return float(len(s) / (len(s) - 1) * (1 - np.trace(s) / s.sum()))

    def omega(self, dimension: str = "a") -> float:
        """McDonald's ω of one factor."""
        fit = one_factor(self.covariance(dimension))
        common = fit.loadings.sum() ** 2
        return float(common / (common + fit.uniques.sum()))

    def item_total(self, item: int = 0, dimension: str = "a") -> float:
        """Correlation of an item with the sum of the others."""
        s = self.covariance(dimension)
        rest = np.arange(len(s)) != item
        return float(s[item, rest].sum() / np.sqrt(s[item, item] * s[np.ix_(rest, rest)].sum()))

    def congruence(self, first: str, second: str) -> float:
        """Tucker's φ of loadings in two languages."""
        loadings = []
        for language in (first, second):
            s = self.covariance(language=language)
            sds = np.sqrt(np.diag(s))
            loadings.append(minres((s / np.outer(sds, sds))[None], 1)[0][:, 0])
        a, b = loadings
        return float(abs(a @ b) / np.sqrt((a @ a) * (b @ b)))

    def drawn(self, seed: int, **only: Any) -> Floats:
        """(personas, dimensions): scores of one filling each."""
        rng = np.random.default_rng([_SEED, seed])
        return np.column_stack([
            np.mean([self.codes[sample(self.keyed(row, **only), rng)] for row in self.items(name)], axis=0)
            for name in self.design.names
        ])  # fmt: skip

    def spearman(self) -> float:
        """The mean rank correlation of two personas' orders of dimensions."""
        ranks = _ranks(self.drawn(0))
        ranks = ranks[np.ptp(ranks, axis=1) > 0]
        return float(((ranks / np.linalg.norm(ranks, axis=1, keepdims=True)).mean(axis=0) ** 2).sum())

    def kendall(self) -> float:
        """W that is to be expected of as many personas as a survey has: chance adds to it."""
        ranks = _ranks(self.drawn(0))
        ranks = ranks[np.ptp(ranks, axis=1) > 0]
        everybody = float((ranks.mean(axis=0) ** 2).sum() / (ranks**2).sum(axis=1).mean())
        return everybody + (1 - everybody) / self.design.personas

    def kept(self, **levels: tuple[object, object]) -> float:
        """The mean correlation of a persona's profiles at two levels of a factor, or of two repeats."""
        pairs = [{name: pair[side] for name, pair in levels.items()} for side in (0, 1)]
        one, two = (self.drawn(1 + side, **only) for side, only in enumerate(pairs))
        one, two = one - one.mean(axis=1, keepdims=True), two - two.mean(axis=1, keepdims=True)
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(two, axis=1)
        apart = lengths > 1e-9
        return float(((one * two).sum(axis=1)[apart] / lengths[apart]).mean())

    # Components

    @cached_property
    def components(self) -> dict[str, float]:
        """Variance components of one answer over personas, items and languages."""
        languages, rows = self.design.languages, self.items()
        told = np.stack([[self.keyed(row, language=tag) for tag in languages] for row in rows])
        values = told @ self.codes
        noise = (told @ self.codes**2 - values**2).mean()
        places = dict(zip(("item", "language", "persona"), np.indices(values.shape).reshape(3, -1), strict=True))
        found = components(values.ravel(), places, bootstrap=Bootstrap(100))
        named = {one.name: one.estimated for one in found.components}
        return named | {"residual": named["residual"] + float(noise)}

    def share(self, name: str) -> float:
        """Of the variance of one answer."""
        return self.components[name] / sum(self.components.values())

    def generalizability(self, items: int, languages: int) -> float:
        """Eρ² of personas' means over items and languages."""
        found = {frozenset(name.split(":")): value for name, value in self.components.items()}
        error = (found[frozenset({"persona", "item"})] / items + found[frozenset({"persona", "language"})] / languages
                 + self.components["residual"] / (items * languages))  # fmt: skip
        own = self.components["persona"]
        return own / (own + error)

    def dependability(self, items: int, languages: int) -> float:
        """Φ of personas' means over items and languages."""
        own, found = self.components["persona"], self.components
        levels = (found["item"] / items + found["language"] / languages
                  + found["item:language"] / (items * languages))  # fmt: skip
        return own / (own / self.generalizability(items, languages) + levels)


def _from_centroid(members: Floats) -> Floats:
    """(groups, members, options) → (groups, members)."""
    centres = js_centroids(members)[:, None, :]
    return np.sqrt(np.maximum(0.0, jsd(members, centres, base=np.e)))


def _ranks(x: Floats) -> Floats:
    """Ranks within rows, less their mean; ties share theirs."""
    above = (x[:, :, None] > x[:, None, :]).sum(axis=2) + 0.5 * (x[:, :, None] == x[:, None, :]).sum(axis=2)
    return np.asarray(above - x.shape[1] / 2)
