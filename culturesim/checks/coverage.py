"""How much of each questionnaire is written in each language, how it came to be, and what is doubtful about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from culturesim.errors import Fault
from culturesim.questionnaire import Questionnaire

_PROVENANCE = ("authored", "back_translated", "reviewed", "official")


@dataclass(frozen=True, slots=True)
class Written:
    """A questionnaire in one language: its items, the fewest and most wordings of one, and counts of doubts."""

    questionnaire: str
    language: str
    items: int
    fewest_wordings: int
    most_wordings: int
    provenance: tuple[str, ...]
    doubts: int
    accepted: int


def written(questionnaire: Questionnaire, language: str, told: int, accepted: int) -> Written:
    """What the file of one language holds."""
    texts = questionnaire.text(language)
    counts = [len(texts.items[name]) for name in questionnaire.asked if name in texts.items]
    provenance = tuple(name for name in _PROVENANCE if getattr(texts.provenance, name))
    return Written(
        questionnaire.id, language, len(counts), min(counts, default=0), max(counts, default=0), provenance,
        told, accepted,
    )  # fmt: skip


def sift(doubts: Iterable[Fault], accepted: Iterable[str], file: str) -> tuple[list[Fault], int]:
    """The doubts that nobody accepted, with acceptances of nothing among them, and how many keys were accepted."""
    doubts, keys = list(doubts), set(accepted)
    told = [doubt for doubt in doubts if doubt.key not in keys]
    met = {doubt.key for doubt in doubts} & keys
    stale = (Fault(file, f'accepted."{key}"', "accepts a doubt that is not there", True) for key in sorted(keys - met))
    return [*told, *stale], len(met)


def missing(rows: Sequence[Written], languages: Iterable[str]) -> dict[str, list[str]]:
    """Questionnaire → languages everything shared is written in, and this questionnaire is not."""
    names = dict.fromkeys(row.questionnaire for row in rows)
    found = {
        name: sorted(set(languages) - {row.language for row in rows if row.questionnaire == name}) for name in names
    }
    return {name: tags for name, tags in found.items() if tags}
