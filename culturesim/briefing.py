"""What a simulated respondent is told before it is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from culturesim.backends import Briefing, Figures
from culturesim.definition import read_toml
from culturesim.lexicon import Lexicon
from culturesim.library import Library
from culturesim.population import country_figures, read_population
from culturesim.prepare import Selection, item_rows
from culturesim.questionnaire import PickItem

COUNTRY, GRADED = "sim/country", "sim/graded"


def brief(model: str, selection: Selection, lexicons: Iterable[Lexicon], library: Library) -> Briefing:
    """What ``sim/…`` must know of the items it will be asked and of their languages; nothing for any other model."""
    if not model.startswith("sim/"):
        return Briefing()
    respondent, _, rest = model.partition(":")
    rows = [row for questionnaire, _ in selection for row in item_rows(questionnaire)]
    speech = {lexicon.language: lexicon.speech for lexicon in lexicons}
    figures = _figures(rest, selection, library) if respondent == COUNTRY else {}
    truth: Mapping[str, Any] = read_toml(Path(rest)) if respondent == GRADED and rest else {}
    return Briefing(figures, rows, speech, truth, rest)


def _figures(country: str, selection: Selection, library: Library) -> dict[str, Figures]:
    """The figures of a country, by its ISO code."""
    ordered = {
        (questionnaire.id, item.id)
        for questionnaire, items in selection
        for item in items
        if isinstance(item, PickItem) and item.ordered
    }
    published = country_figures(read_population(library.population("iw-projection")), country)
    # Ordered picks are drawn one after another by weight, unordered ones as a set by how often each is in it.
    picks = dict(published.picks) | {key: chances for key, chances in published.inclusion.items() if key not in ordered}
    return {country.upper(): Figures(published.scales, picks)}
