"""Whether items of a dimension measure one thing, and the same thing in every language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from culturesim.results.estimate import Estimate, Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityRow(Finding):
    """Internal consistency of a dimension over personas: Cronbach's α and McDonald's ω (one factor)."""

    dimension: str
    title: str
    items: int
    alpha: Estimate
    omega: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemTotalRow(Finding):
    """How an item goes with the others of its dimension: corrected item–total correlation, and α without it."""

    dimension: str
    item: str
    mean: float | None
    sd: float | None
    item_total: Estimate
    alpha_without: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class CongruenceRow(Finding):
    """Tucker's φ between the loadings of a dimension's items in two languages, ``language`` and ``other``."""

    other: str
    dimension: str
    title: str
    phi: Estimate
    verdict: Literal["equal", "fair", "poor", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DifRow(Finding):
    """Whether an item works differently in some language, at the same level of its dimension.

    Ordinal logistic regression, robust to one persona's answering in several languages. ``p_uniform`` (a shift),
    ``p_nonuniform`` (another slope), ``p`` (either), ``q`` after Benjamini and Hochberg over the dimension's items;
    ``effect``: the rise of Nagelkerke's R²; ``grade`` "A" (negligible), "B" (moderate) or "C" (large).
    """

    dimension: str
    item: str
    languages: tuple[str, ...]
    personas: int
    p_uniform: float | None
    p_nonuniform: float | None
    p: float | None
    q: float | None
    effect: float | None
    grade: Literal["A", "B", "C"] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftRow(Finding):
    """How much more readily an item is agreed to in a language than its dimension tells, reversed items turned round.

    ``shift``: log odds of a higher answer, against the mean of the languages.
    """

    dimension: str
    item: str
    shift: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class InvarianceRow(Finding):
    """Fit of a one-factor model of a dimension over languages, at one level of equality.

    ``delta_cfi`` to the level before; a fall of more than .01 speaks against this level (Cheung & Rensvold 2002).
    ``p`` of χ² is None where the same personas answered in several languages, since χ² supposes different ones.
    """

    dimension: str
    title: str
    level: Literal["configural", "metric", "scalar"]
    languages: tuple[str, ...]
    n: int
    chi2: float | None
    df: int
    p: float | None
    cfi: float | None
    tli: float | None
    rmsea: float | None
    srmr: float | None
    delta_cfi: float | None
    holds: bool | None
