"""The typed result tables of an analysis: what ``analyse`` computes and ``report`` shows. Standard library only.

Every estimate carries an interval and its n. Missing is None, never a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["content", "position", "undecided", "too_few"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval. ``n``: answers; ``clusters``: independent units resampled; ``unit`` names them.

    ``low`` and ``high`` are None where no interval can be had, and ``note`` says why.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int
    unit: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class DesignRow:
    """What one run asked, factor by factor. ``study`` is the study as JSON, ``backend`` what exactly answered."""

    run: str
    model: str
    simulated: bool
    outcome: str
    started: str
    finished: str | None
    package: str
    parser: str
    study: str
    planned: int
    asked: int
    backend: str = "{}"


@dataclass(frozen=True, slots=True)
class QuestionnaireResult:
    """A questionnaire of the analysed answers.

    ``wording`` is "adapted" or "official", or where it was asked in both, "official in de, adapted in en and es".
    """

    questionnaire: str
    version: str
    title: str
    wording: str
    citation: str


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """Planned and asked trials of one language, and how their answers came out."""

    model: str
    questionnaire: str
    language: str
    planned: int
    asked: int
    statuses: Mapping[str, int]
    valid_share: Estimate
    mass: float | None
    """Mean raw probability that lay on the options; None where none was elicited."""


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """The score of a dimension in one language. ``condition``: "personas" (clusters: personas) or "none".

    ``checked`` fillings of the questionnaire answered an attention item; ``excluded`` of them failed it, and nothing
    else they answered is in the score.
    """

    model: str
    questionnaire: str
    dimension: str
    title: str
    language: str
    condition: Literal["personas", "none"]
    score: Estimate
    items: int
    scale: str
    """The range the score lives on, such as "1–5", or "map coordinate"."""
    flag: str = ""
    checked: int = 0
    excluded: int = 0


@dataclass(frozen=True, slots=True)
class EffectRow:
    """What turning one factor does to the answers, all else equal (paired within persona, item, wording, …).

    ``factor``: "option_order" or "frame"; ``difference`` = mean(level) − mean(base) in units of the scale's range
    (−1 … 1; reverse keying not applied); ``absolute`` = mean absolute paired difference, same units.
    """

    model: str
    questionnaire: str
    language: str
    factor: str
    base: str
    level: str
    difference: Estimate
    absolute: Estimate


@dataclass(frozen=True, slots=True)
class PositionRow:
    """How far answers go by the place on the list, and how far by what the option says.

    From pairs of a printed and a reversed order: y in [0, 1] is the answered point of the scale in each,
    content c = (y_printed + y_reversed) / 2 − 1/2, position d = (y_printed − y_reversed) / 2;
    share = Σd² / Σ(c² + d²), position's part of the answers' squared distance from the middle of the scale. Answers
    drawn by chance alone give 1/2. ``distance`` = 2 √(Σ(c² + d²) / n), what the share is a share of: 0 where every
    answer is in the middle, 1 where every answer is at an end. ``first_share`` and ``last_share``: how much of the
    answers fell on the option listed first, and on the one listed last. Over orders in which every option is as often
    first as last, both are the same where place does not matter.
    """

    model: str
    questionnaire: str
    language: str
    share: Estimate
    distance: Estimate
    first_share: Estimate
    last_share: Estimate
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class DistributionRow:
    """How the answers to one item fall on its codes. ``shares`` by code; ``n`` valid of ``asked``."""

    model: str
    questionnaire: str
    item: str
    topic: str
    language: str
    condition: Literal["personas", "none"]
    kind: str
    shares: Mapping[int, float]
    n: int
    asked: int


@dataclass(frozen=True, slots=True)
class Analysis:
    """All tables of one analysis, and what they do not support."""

    database: str
    created: str
    package: str
    confidence: float
    replicates: int
    seed: int
    design: tuple[DesignRow, ...]
    questionnaires: tuple[QuestionnaireResult, ...]
    coverage: tuple[CoverageRow, ...]
    scores: tuple[ScoreRow, ...]
    effects: tuple[EffectRow, ...]
    positions: tuple[PositionRow, ...]
    distributions: tuple[DistributionRow, ...]
    withheld: Mapping[str, str]
    """Claims the data do not support ("model / questionnaire" → reason): their rankings are not shown."""
