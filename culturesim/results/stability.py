"""What remains when the role changes, and what moves with it."""

from __future__ import annotations

from dataclasses import dataclass

from culturesim.results.estimate import Estimate, Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class StabilityRow(Finding):
    """One dimension over personas (base 2). Lee, Lee & Cho (2024).

    ``inertia`` = 1 − entropy of the pooled answers / log₂ k: 1 where all answer alike. ``steerability``: the
    Jensen–Shannon distance between the answers of the model as itself and those of its personas; ``chance`` of it,
    ``p`` against chance. ``retest``: ICC(1) of the personas' scores over repeats.
    """

    dimension: str
    title: str
    inertia: Estimate
    steerability: Estimate
    chance: float | None
    p: float | None
    retest: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementRow(Finding):
    """Whether personas put the dimensions in the same order: Kendall's W and the mean Spearman correlation of pairs.

    ``p`` tests that they do not agree at all (Friedman's test).
    """

    dimensions: int
    kendall_w: Estimate
    spearman: Estimate
    p: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRow(Finding):
    """Whether one persona keeps its profile over a factor: the mean correlation of its scores between two levels."""

    factor: str
    levels: int
    correlation: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveRow(Finding):
    """How much a score of so many personas would vary from draw to draw.

    ``variance`` of the mean score over random subsets of the personas asked, ``expected`` over all such subsets (which
    falls to 0 at the whole of them), ``beyond`` over samples from everybody they could have been drawn from: what the
    next survey would vary by.
    """

    dimension: str
    title: str
    personas: int
    variance: float | None
    expected: float | None
    beyond: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeRow(Finding):
    """What an attribute of the persona does to a dimension: η² and ω², of two levels Cohen's d (second less first).

    ``p`` permutes the attribute among personas, ``q`` after Benjamini and Hochberg over all attributes and dimensions.
    """

    attribute: str
    levels: tuple[str, ...]
    dimension: str
    title: str
    eta2: Estimate
    omega2: Estimate
    d: Estimate | None
    p: float | None
    q: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OddsRow(Finding):
    """What an attribute does to single answers, by ordinal regression with items and languages held constant.

    ``odds_ratio``: the odds of a higher answer (reversed items turned round) as ``level`` against ``reference``, robust
    to the answers of a persona hanging together. ``p``: of this level; ``p_attribute``: of all levels of the attribute
    together, ``q`` after Benjamini and Hochberg over attributes and dimensions. ``personas``: those it was fitted to.
    """

    dimension: str
    title: str
    attribute: str
    level: str
    reference: str
    odds_ratio: Estimate
    p: float | None
    p_attribute: float | None
    q: float | None
    personas: int
