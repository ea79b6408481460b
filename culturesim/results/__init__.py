"""The typed result tables of an analysis: what ``analyse`` computes and ``report`` shows. Standard library only.

Every estimate carries an interval and its n. Missing is None, never a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from culturesim.results.asked import CoverageRow, DesignRow, DistributionRow, QuestionnaireResult
from culturesim.results.biases import EffectRow, PositionRow, Style, StyleRow, Verdict
from culturesim.results.comparability import (
    CongruenceRow,
    DifRow,
    InvarianceRow,
    ItemTotalRow,
    ReliabilityRow,
    ShiftRow,
)
from culturesim.results.consistency import ConsistencyRow, Kind
from culturesim.results.estimate import Condition, Estimate, Finding
from culturesim.results.scores import ComparisonRow, ScoreRow
from culturesim.results.stability import AgreementRow, AttributeRow, CurveRow, OddsRow, ProfileRow, StabilityRow
from culturesim.results.variance import CoefficientRow, ComponentRow, NeededRow

__all__ = [
    "TABLES",
    "AgreementRow",
    "Analysis",
    "AttributeRow",
    "CoefficientRow",
    "ComparisonRow",
    "ComponentRow",
    "Condition",
    "CongruenceRow",
    "ConsistencyRow",
    "CoverageRow",
    "CurveRow",
    "DecisionRow",
    "DesignRow",
    "DifRow",
    "DistributionRow",
    "EffectRow",
    "Estimate",
    "Finding",
    "InvarianceRow",
    "ItemTotalRow",
    "Kind",
    "NeededRow",
    "OddsRow",
    "PositionRow",
    "ProfileRow",
    "QuestionnaireResult",
    "ReliabilityRow",
    "ScoreRow",
    "ShiftRow",
    "StabilityRow",
    "Style",
    "StyleRow",
    "Verdict",
]

TABLES: Mapping[str, str] = {
    "design": "what each run asked, factor by factor",
    "questionnaires": "the questionnaires asked, and whose words they were in",
    "coverage": "planned and asked trials by language, and how the answers came out",
    "distributions": "how the answers to each item fall on its codes",
    "scores": "scores of dimensions by language, of personas and of the model as itself",
    "comparisons": "differences between models in each dimension",
    "effects": "what option order and frame do to the answers",
    "positions": "place on the list against content",
    "styles": "acquiescence, extremity, midpoint, straight-lining, refusal",
    "consistency": "inconsistency over wordings, topics, languages, orders, frames and repeats, against chance",
    "stability": "inertia, steerability and test-retest of each dimension over personas",
    "agreement": "whether personas order the dimensions alike",
    "profiles": "whether a persona keeps its profile over languages, wordings, orders, frames and repeats",
    "curves": "how far scores would vary between draws of so many personas",
    "attributes": "what each attribute of the persona does to each dimension",
    "odds": "odds ratios of each attribute's levels, by ordinal regression",
    "components": "variance components of persona, item, language, wording, order, frame and repeat",
    "coefficients": "how well scores tell personas and languages apart, at these sizes and at others",
    "needed": "how many personas, items, wordings and repeats are enough",
    "reliability": "alpha and omega of each dimension",
    "items": "item-total correlations",
    "congruence": "Tucker's phi between languages",
    "dif": "differential item functioning between languages",
    "shifts": "how much more readily each item is agreed to in one language than in the others",
    "invariance": "configural, metric and scalar invariance over languages",
}
"""The tables of an analysis, and what each shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """All tables of one analysis (those not asked for are empty), and what they do not support."""

    database: str
    created: str
    package: str
    confidence: float
    replicates: int
    seed: int
    tables: tuple[str, ...] = tuple(TABLES)
    """Those that were asked for."""
    design: tuple[DesignRow, ...]
    questionnaires: tuple[QuestionnaireResult, ...]
    coverage: tuple[CoverageRow, ...] = ()
    distributions: tuple[DistributionRow, ...] = ()
    scores: tuple[ScoreRow, ...] = ()
    comparisons: tuple[ComparisonRow, ...] = ()
    effects: tuple[EffectRow, ...] = ()
    positions: tuple[PositionRow, ...] = ()
    styles: tuple[StyleRow, ...] = ()
    consistency: tuple[ConsistencyRow, ...] = ()
    stability: tuple[StabilityRow, ...] = ()
    agreement: tuple[AgreementRow, ...] = ()
    profiles: tuple[ProfileRow, ...] = ()
    curves: tuple[CurveRow, ...] = ()
    attributes: tuple[AttributeRow, ...] = ()
    odds: tuple[OddsRow, ...] = ()
    components: tuple[ComponentRow, ...] = ()
    coefficients: tuple[CoefficientRow, ...] = ()
    needed: tuple[NeededRow, ...] = ()
    reliability: tuple[ReliabilityRow, ...] = ()
    items: tuple[ItemTotalRow, ...] = ()
    congruence: tuple[CongruenceRow, ...] = ()
    dif: tuple[DifRow, ...] = ()
    shifts: tuple[ShiftRow, ...] = ()
    invariance: tuple[InvarianceRow, ...] = ()
    withheld: Mapping[str, str]
    """Claims the data do not support ("model / questionnaire" → reason): their rankings are not shown."""
