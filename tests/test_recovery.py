"""From the question to the estimate: respondents whose truth is known are surveyed, and the analysis finds it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import culturesim as cs
from culturesim.analyse import analyse
from culturesim.api import open_store
from culturesim.library import Library
from culturesim.population import read_population
from culturesim.results import Analysis

Analysed = Callable[..., Analysis]
CERTAIN = 0.999
"""The confidence of the intervals: every seed is one draw, and 95 % would miss one in twenty."""


@pytest.fixture
def analysed(tmp_path: Path, library: Library) -> Analysed:
    """Surveys a respondent and analyses the answers."""

    def survey(model: str, questionnaire: str = "mfq2", personas: str = "world:8", **factors: Any) -> Analysis:
        draw = cs.Draw.parse(personas)
        study = cs.Study(model=model, questionnaires=(questionnaire,), personas=draw, include_none=False, **factors)
        cs.survey(study, db=tmp_path / "survey.duckdb", library=library)
        return analyse(open_store(tmp_path / "survey.duckdb", library), replicates=1000, confidence=CERTAIN)

    return survey


def place_of(library: Library, country: str) -> dict[str, float]:
    """A society's published coordinates."""
    societies = read_population(library.population("iw-projection")).tables["centroids"]
    return societies.filter(iso2=country).row(0, named=True)


@pytest.mark.parametrize(("country", "language"), [("SE", "zh"), ("JO", "ar"), ("US", "es")])
@pytest.mark.parametrize(("elicitation", "width"), [("choice", 0.9), ("probabilities", 0.3)])
def test_a_country_is_found_where_its_figures_place_it(
    analysed: Analysed, library: Library, country: str, language: str, elicitation: str, width: float
) -> None:
    factors = {"languages": (language,), "elicitation": elicitation}
    found = analysed(f"sim/country:{country}", "iw10", "world:60", **factors)
    for row in found.scores:
        assert row.score.low < place_of(library, country)[row.dimension] < row.score.high
        assert row.score.high - row.score.low < width
    assert [row.verdict for row in found.positions] == ["content"]


@pytest.mark.parametrize("language", ["en", "ar"])
def test_dice_have_no_values_no_order_effect_and_no_verdict(analysed: Analysed, language: str) -> None:
    found = analysed("sim/uniform", languages=(language,))
    (place,), (effect,) = found.positions, found.effects
    assert place.verdict == "undecided"
    assert place.share.low < 0.5 < place.share.high
    assert effect.difference.low < 0 < effect.difference.high
    assert place.first_share.low < 0.2 < place.first_share.high
    assert all(row.score.low < 3 < row.score.high for row in found.scores)


def test_of_dice_three_quarters_fail_an_item_of_attention(analysed: Analysed) -> None:
    """Half of the codes of each of the two items exclude."""
    found = analysed("sim/uniform", "mfq30", "world:60", languages=("en",))
    assert {row.checked for row in found.scores} == {120}
    assert all(0.62 < row.excluded / row.checked < 0.88 for row in found.scores)


def test_who_takes_the_first_option_is_found_out_and_not_ranked(analysed: Analysed) -> None:
    found = analysed("sim/first-option", "iw10", languages=("en", "zh"))
    for place in found.positions:
        assert (place.share.value, place.verdict) == (1.0, "position")
        assert (place.first_share.value, place.last_share.value, place.distance.value) == (1.0, 0.0, 1.0)
        assert place.share.note == "every persona gives the same value"
    assert "answers in zh follow the place on the list" in found.withheld["sim/first-option / iw10"]


@pytest.mark.parametrize(
    ("questionnaire", "factors"),
    [("mfq2", {"languages": ("en", "es"), "wordings": (0, 2)}), ("mfq30", {"languages": ("en",)})],
)
def test_scores_of_the_analysis_are_those_of_the_view(
    analysed: Analysed, tmp_path: Path, library: Library, questionnaire: str, factors: dict[str, Any]
) -> None:
    found = analysed("sim/uniform", questionnaire, **factors)
    view = open_store(tmp_path / "survey.duckdb", library).query(
        "select language, dimension, avg(score) as score from scores group by all"
    )
    scores = {(language, dimension): score for language, dimension, score in view.iter_rows()}
    assert {(row.language, row.dimension): row.score.value for row in found.scores} == pytest.approx(scores)
