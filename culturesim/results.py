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
    """What one run asked, factor by factor. ``study`` is the study as JSON."""

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


@dataclass(frozen=True, slots=True)
class QuestionnaireResult:
    """A questionnaire of the analysed answers. ``wording`` is "adapted" or "official"."""

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
    """The score of a dimension in one language. ``condition``: "personas" (clusters: personas) or "none"."""

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
    """How much of the answers the place on the list explains, against what the option says.

    From pairs of a printed and a reversed order: y in [0, 1] is the answered point of the scale in each,
    content c = (y_printed + y_reversed) / 2 − 1/2, position d = (y_printed − y_reversed) / 2;
    share = Σd² / Σ(c² + d²). Answers drawn by chance alone give 1/2. ``first_share``: share (or probability) of the
    option listed first, next to ``first_expected`` = mean 1 / number of options.
    """

    model: str
    questionnaire: str
    language: str
    share: Estimate
    first_share: Estimate
    first_expected: float
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
