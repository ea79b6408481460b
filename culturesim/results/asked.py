"""What was asked, and how the answers came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from culturesim.results.estimate import Condition, Estimate


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
class DistributionRow:
    """How the answers to one item fall on its codes. ``shares`` by code; ``n`` valid of ``asked``."""

    model: str
    questionnaire: str
    item: str
    topic: str
    language: str
    condition: Condition
    kind: str
    shares: Mapping[int, float]
    n: int
    asked: int
