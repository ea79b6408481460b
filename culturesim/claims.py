"""What an analysis does not support: which findings, which rankings of languages, and why, in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypedDict, TypeVar

from culturesim.results import CongruenceRow, CoverageRow, DifRow, Estimate, Finding, InvarianceRow, PositionRow

R = TypeVar("R", bound=Finding)

FEWEST_VALID = 0.8
"""The share of valid answers below which nothing is claimed of a language."""

LEAST_MASS = 0.1
"""The mean probability on the options below which nothing is claimed of a language."""

UNTESTED = "comparability across languages has not been tested (it takes personas asked in each language)"


class Judged(TypedDict):
    """The two fields in which a row says whether it is supported, and why not."""

    supported: bool
    reason: str


def judged(doubts: Iterable[str], *estimates: Estimate) -> Judged:
    """Whether a finding is supported: no doubt about the answers, and every estimate has its interval."""
    reasons = list(doubts)
    for one in estimates:
        if one.value is None or one.low is None:
            reasons.append(one.note or "no interval")
    return {"supported": not reasons, "reason": "; ".join(dict.fromkeys(reasons))}


def doubts_of(coverage: CoverageRow, position: PositionRow | None) -> tuple[str, ...]:
    """Why the content of the answers in one language is not to be claimed; nothing where it may be."""
    place = _doubts_of_position(position) if position else ()
    return (*_doubts_of_coverage(coverage), *place)


def withheld_claims(
    coverage: Iterable[CoverageRow], positions: Iterable[PositionRow], congruence: Sequence[CongruenceRow] = (),
    dif: Sequence[DifRow] = (), invariance: Sequence[InvarianceRow] = (),
) -> dict[str, str]:  # fmt: skip
    """Why languages are not ranked, by "model / questionnaire"; only where more than one language was asked.

    Low coverage, little probability on the options and answers by place come first. Then comparability: a ranking needs
    that every dimension's loadings are alike (φ ≥ .85), that intercepts are equal over languages (scalar invariance)
    and that no item works differently to more than a negligible degree. What could not be tested withholds, too.
    """
    reasons: dict[tuple[str, str], list[str]] = {}
    languages: dict[tuple[str, str], set[str]] = {}
    for row in coverage:
        languages.setdefault((row.model, row.questionnaire), set()).add(row.language)
        reasons.setdefault((row.model, row.questionnaire), []).extend(_doubts_of_coverage(row))
    for position in positions:
        reasons.setdefault((position.model, position.questionnaire), []).extend(_doubts_of_position(position))
    withheld = {}
    for (model, questionnaire), tags in languages.items():
        if len(tags) < 2:
            continue
        place = (model, questionnaire)
        doubts = _doubts_of_comparability(_of(place, congruence), _of(place, dif), _of(place, invariance))
        said = [*reasons[place], *doubts]
        if said:
            withheld[f"{model} / {questionnaire}"] = "; ".join(said)
    return withheld


def _of(place: tuple[str, str], rows: Iterable[R]) -> list[R]:
    """The rows of one model and questionnaire."""
    return [row for row in rows if (row.model, row.questionnaire) == place]


def _doubts_of_comparability(
    congruence: Sequence[CongruenceRow], dif: Sequence[DifRow], invariance: Sequence[InvarianceRow]
) -> Iterator[str]:
    known = {row.verdict for row in congruence} - {"unknown"}
    graded = [row for row in dif if row.grade]
    tested = [row for row in invariance if row.holds is not None]
    if not known or not graded or not tested:
        yield UNTESTED
        return
    poor = sorted({f"{row.dimension} in {row.language} and {row.other}" for row in congruence if row.verdict == "poor"})
    if poor:
        yield f"loadings differ between languages (φ below .85): {_few(poor)}"
    failed = sorted({f"{row.dimension} ({row.level})" for row in tested if row.holds is False})
    if failed:
        yield f"not invariant over languages: {_few(failed)}"
    moved = sorted({row.item for row in graded if row.grade != "A"})
    if moved:
        yield f"items work differently: {_few(moved)}"


def _few(names: Sequence[str], most: int = 6) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


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
