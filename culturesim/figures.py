"""The published figures that a simulated respondent answers from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from culturesim.backends.base import Figures
from culturesim.library import Library
from culturesim.population import country_figures, read_population
from culturesim.questionnaire import AskedItem, PickItem, Questionnaire

RESPONDENT = "sim/country"


def figures_for(
    model: str, selection: Iterable[tuple[Questionnaire, Sequence[AskedItem]]], library: Library
) -> dict[str, Figures]:
    """The figures of the country in ``sim/country:ISO``, for the items it will be asked; none for any other model."""
    respondent, _, country = model.partition(":")
    if respondent != RESPONDENT:
        return {}
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
