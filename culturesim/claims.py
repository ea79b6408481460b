"""What an analysis does not support: which rankings of languages are withheld, and why, in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from culturesim.results import CoverageRow, PositionRow

FEWEST_VALID = 0.8
"""The share of valid answers below which languages are not ranked."""

LEAST_MASS = 0.1
"""The mean probability on the options below which languages are not ranked."""

UNTESTED = "comparability across languages has not been tested"


def withheld_claims(coverage: Iterable[CoverageRow], positions: Iterable[PositionRow]) -> dict[str, str]:
    """Why languages are not ranked, by "model / questionnaire"; only where more than one language was asked.

    Low coverage, little probability on the options and answers by place come first. That items mean the same in each
    language (equal loadings, no differential functioning) is not tested yet, so this alone withholds every ranking.
    """
    reasons: dict[tuple[str, str], list[str]] = {}
    languages: dict[tuple[str, str], set[str]] = {}
    for row in coverage:
        languages.setdefault((row.model, row.questionnaire), set()).add(row.language)
        reasons.setdefault((row.model, row.questionnaire), []).extend(_doubts_of_coverage(row))
    for position in positions:
        reasons.setdefault((position.model, position.questionnaire), []).extend(_doubts_of_position(position))
    return {
        f"{model} / {questionnaire}": "; ".join([*reasons[model, questionnaire], UNTESTED])
        for (model, questionnaire), tags in languages.items()
        if len(tags) > 1
    }


def _doubts_of_coverage(row: CoverageRow) -> Iterator[str]:
    valid = row.valid_share.value
    if valid is None:
        yield f"nothing was answered in {row.language}"
    elif valid < FEWEST_VALID:
        yield f"only {100 * valid:.0f} % of the answers in {row.language} are valid (n = {row.valid_share.n})"
    if row.mass is not None and row.mass < LEAST_MASS:
        yield f"only {100 * row.mass:.1f} % of the model's probability in {row.language} lay on the options"


def _doubts_of_position(row: PositionRow) -> Iterator[str]:
    share = row.share
    numbers = f"{share.n} pairs"
    if share.value is not None:
        numbers = f"position share {share.value:.2f}, {numbers}"
    if share.low is not None and share.high is not None:
        numbers += f", interval {share.low:.2f} to {share.high:.2f}"
    match row.verdict:
        case "position":
            yield f"answers in {row.language} follow the place on the list more than what options say ({numbers})"
        case "undecided":
            yield f"whether answers in {row.language} follow place or content is undecided ({numbers})"
        case "too_few":
            yield f"too few answers in {row.language} to tell place from content ({numbers})"
