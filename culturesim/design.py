"""Study + definitions → the trials: deterministic, lazy, counted without being enumerated."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from typing import Literal, NamedTuple

from culturesim.errors import StudyError
from culturesim.persona import NOBODY, Persona
from culturesim.questionnaire import AskedItem, Frame, PickItem, Questionnaire
from culturesim.records import Elicitation, Trial
from culturesim.shuffle import Permutation, derive, digest, shuffled
from culturesim.study import Study

Asking = Literal["shuffled", "grouped"]
"""``shuffled``: any beginning is an unbiased sample. ``grouped``: prompts that share a prefix follow one another."""

Telling = Callable[[Persona, str, str], Sequence[str]]
"""(persona, frame, language) → every description of the persona that the frame may show."""

TRIAL_FORMAT = "trial/2"
_CIRCLE = 1 << 64
# Fractional parts of the square roots of the first seven primes, in 64 bits: one irrational step per factor.
_STEPS = (0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1, 0x510E527FADE682D1,
          0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ask:
    """One wording of one item in one language."""

    questionnaire: Questionnaire
    item: AskedItem
    language: str
    wording: int
    elicitation: Elicitation
    fingerprint: bytes


class Cell(NamedTuple):
    """Places of a trial's levels in the factors of its design."""

    ask: int
    persona: int
    frame: int
    order: int
    repeat: int


class Design:
    """All trials of a study.

    ``selection`` holds the items to ask per questionnaire; ``frames`` the template by (frame, language);
    ``told`` what a frame tells of a persona: a trial changes with these words, not with the files they come from.
    """

    def __init__(
        self,
        study: Study,
        selection: Sequence[tuple[Questionnaire, Sequence[AskedItem]]],
        personas: Sequence[Persona],
        frames: Mapping[tuple[str, str], Frame],
        told: Telling,
    ) -> None:
        self.study = study
        self.personas = ((NOBODY,) if study.include_none else ()) + tuple(personas)
        self.asks = tuple(_asks(study, selection))
        self._frames, self._told = frames, told
        self._persona_print = lru_cache(maxsize=None)(self._print_persona)
        self._sizes = Cell(
            len(self.asks), len(self.personas), len(study.frames), len(study.option_orders), study.repeats
        )
        if not self.asks:
            raise StudyError("the study asks nothing: no item has the wordings it names")
        if study.fraction < 1 and not self.count:
            raise StudyError(
                f"the study asks nothing: a fraction of {study.fraction:g} of {self.crossing} trials is none"
            )

    @cached_property
    def crossing(self) -> int:
        """How many trials the full crossing has."""
        asks, personas, frames, orders, repeats = self._sizes
        return asks * personas * frames * orders * repeats

    @cached_property
    def planned(self) -> Mapping[tuple[str, str], int]:
        """(questionnaire, language) → number of trials."""
        counts: dict[tuple[str, str], int] = {}
        for place, ask in enumerate(self.asks):
            cell = (ask.questionnaire.id, ask.language)
            counts[cell] = counts.get(cell, 0) + self._count_of_ask(place)
        return counts

    @cached_property
    def count(self) -> int:
        """How many trials there are."""
        return sum(self.planned.values())

    def trials(self, asking: Asking = "shuffled") -> Iterator[Trial]:
        """Every trial once, in constant memory."""
        cells = self._shuffled() if asking == "shuffled" else self._grouped()
        return (self._trial(cell) for cell in cells if self._kept(cell))

    def group_key(self, trial: Trial) -> tuple[str, ...]:
        """Sorts trials so that those which share a prefix stand together."""
        scale = self._scales[trial.questionnaire, trial.item]
        return (trial.persona, trial.language, trial.frame, trial.questionnaire, scale, trial.option_order, trial.item)

    @cached_property
    def _scales(self) -> Mapping[tuple[str, str], str]:
        return {(ask.questionnaire.id, ask.item.id): ask.item.scale for ask in self.asks}

    def _shuffled(self) -> Iterator[Cell]:
        walk = Permutation(self.crossing, "asking", self.study.settings.seed)
        for step in range(self.crossing):
            index = walk[step]
            places = []
            for size in reversed(self._sizes):
                index, place = divmod(index, size)
                places.append(place)
            yield Cell(*reversed(places))

    def _grouped(self) -> Iterator[Cell]:
        groups: dict[str, dict[tuple[str, str], list[int]]] = {}
        for place, asked in enumerate(self.asks):
            scales = groups.setdefault(asked.language, {})
            scales.setdefault((asked.questionnaire.id, asked.item.scale), []).append(place)
        _, personas, frames, orders, repeats = self._sizes
        for persona in shuffled(personas, "grouped", self.study.settings.seed):
            for scales in groups.values():
                for frame, asks, order in product(range(frames), scales.values(), range(orders)):
                    for ask, repeat in product(asks, range(repeats)):
                        yield Cell(ask, persona, frame, order, repeat)

    def _trial(self, cell: Cell) -> Trial:
        study, ask, persona = self.study, self.asks[cell.ask], self.personas[cell.persona]
        frame, order = study.frames[cell.frame], study.option_orders[cell.order]
        seed = derive(study.settings.seed, ask.questionnaire.id, ask.item.id, ask.language, ask.wording, persona.id,
                      frame, order, cell.repeat)  # fmt: skip
        # A frame in which no option is the next thing said shows no distribution over them either.
        elicitation = "choice" if (frame, ask.language) in self._choice_only else ask.elicitation
        persona_print = self._persona_print(cell.persona, frame, ask.language)
        # Two items in the same words are two trials: an answer counts for the item on its row.
        identity = digest(self._common, ask.questionnaire.id, ask.item.id, ask.fingerprint, elicitation, persona_print,
                          self._frame_prints[frame, ask.language], order, cell.repeat)  # fmt: skip
        return Trial(
            id=identity.hex(), questionnaire=ask.questionnaire.id, version=ask.questionnaire.version, item=ask.item.id,
            language=ask.language, persona=persona.id, frame=frame, wording=ask.wording, option_order=order,
            repeat=cell.repeat, elicitation=elicitation, seed=seed,
        )  # fmt: skip

    @cached_property
    def _common(self) -> bytes:
        study = self.study
        common = (TRIAL_FORMAT, study.model, study.base_url, study.keys, study.settings.model_dump_json())
        return digest(*common, study.dtype) if study.dtype else digest(*common)

    @cached_property
    def _frame_prints(self) -> Mapping[tuple[str, str], bytes]:
        return {place: frame.fingerprint for place, frame in self._frames.items()}

    @cached_property
    def _choice_only(self) -> frozenset[tuple[str, str]]:
        return frozenset(place for place, frame in self._frames.items() if frame.choice_only)

    def _print_persona(self, place: int, frame: str, language: str) -> bytes:
        persona = self.personas[place]
        return digest(persona.id, *self._told(persona, frame, language)) if persona.attributes else b""

    # A fraction keeps the cells whose place on a circle falls into an arc of that length. A cell's place is the sum of
    # an irrational step per factor times the (shuffled) rank of its level, so every level of every factor, and every
    # pair of levels, is kept in nearly the same share (a Kronecker lattice; Niederreiter 1992, ch. 3).

    @cached_property
    def _arc(self) -> int:
        return round(self.study.fraction * _CIRCLE)

    def _kept(self, cell: Cell) -> bool:
        return (self._ask_angles[cell.ask] + self._rest_angle(cell)) % _CIRCLE < self._arc

    @cached_property
    def _ask_angles(self) -> tuple[int, ...]:
        seed = self.study.settings.seed
        items = _ranks([(ask.questionnaire.id, ask.item.id) for ask in self.asks], seed)
        languages = _ranks([ask.language for ask in self.asks], seed)
        wordings = _ranks([ask.wording for ask in self.asks], seed)
        start = derive("fraction", seed)
        return tuple(
            (start + i * _STEPS[0] + j * _STEPS[1] + k * _STEPS[2]) % _CIRCLE
            for i, j, k in zip(items, languages, wordings, strict=True)
        )

    @cached_property
    def _rest_ranks(self) -> tuple[tuple[int, ...], ...]:
        # Orders stay together: position is told from content by the same question in both.
        return tuple(
            (0,) * size if factor == "order" else shuffled(size, "fraction", place, self.study.settings.seed)
            for place, (factor, size) in enumerate(zip(Cell._fields[1:], self._sizes[1:], strict=True))
        )

    def _rest_angle(self, cell: Cell) -> int:
        ranks = (self._rest_ranks[factor][place] for factor, place in enumerate(cell[1:]))
        return sum(rank * step for rank, step in zip(ranks, _STEPS[3:], strict=True)) % _CIRCLE

    @cached_property
    def _rest_angles(self) -> list[int]:
        return sorted(self._rest_angle(Cell(0, *places)) for places in product(*map(range, self._sizes[1:])))

    def _count_of_ask(self, place: int) -> int:
        if self.study.fraction == 1:
            return self.crossing // self._sizes.ask
        angle, rest = self._ask_angles[place], self._rest_angles
        # Kept: angle + r mod circle < arc, so r lies in [−angle, −angle + arc) on the circle.
        low = -angle % _CIRCLE
        high = low + self._arc
        inside = bisect_left(rest, min(high, _CIRCLE)) - bisect_left(rest, low)
        return inside + (bisect_left(rest, high - _CIRCLE) if high > _CIRCLE else 0)


def _ranks(levels: Sequence[object], seed: int) -> list[int]:
    distinct = sorted(set(levels), key=lambda level: digest("rank", seed, level))
    places = {level: rank for rank, level in enumerate(distinct)}
    return [places[level] for level in levels]


def _asks(study: Study, selection: Sequence[tuple[Questionnaire, Sequence[AskedItem]]]) -> Iterator[Ask]:
    for language in study.languages:
        for questionnaire, items in selection:
            for item in items:
                # An item picked from a list has no distribution over single options: it is asked by choice.
                elicitation: Elicitation = "choice" if isinstance(item, PickItem) else study.elicitation
                for wording in _wordings(study, questionnaire, item, language):
                    print_ = questionnaire.fingerprint(item, language, wording)
                    yield Ask(questionnaire, item, language, wording, elicitation, print_)


def _wordings(study: Study, questionnaire: Questionnaire, item: AskedItem, language: str) -> Sequence[int]:
    available = len(questionnaire.text(language).items[item.id])
    if study.wordings == "all":
        return range(available)
    return [wording for wording in study.wordings if wording < available]
