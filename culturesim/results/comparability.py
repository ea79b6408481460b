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
    item_total: float | None
    alpha_without: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CongruenceRow(Finding):
    """Tucker's φ between the loadings of a dimension's items in two languages. ``language`` is the second one's."""

    reference: str
    dimension: str
    title: str
    phi: Estimate
    verdict: Literal["equal", "fair", "poor", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DifRow(Finding):
    """Whether an item works differently in a language than in the reference, at the same level of the dimension.

    Ordinal logistic regression: ``p`` of uniform and non-uniform differences together, robust to one persona answering in
    both languages, ``q`` after Benjamini and Hochberg over the items; ``effect``: the rise of R².
    """

    reference: str
    dimension: str
    item: str
    p: float | None
    p_uniform: float | None
    p_nonuniform: float | None
    q: float | None
    effect: float | None
    size: Literal["negligible", "moderate", "large", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvarianceRow(Finding):
    """Fit of a one-factor model of a dimension over languages, at one level of equality.

    ``delta_cfi`` to the level before; a fall of more than .01 speaks against this level (Cheung & Rensvold 2002).
    """

    dimension: str
    title: str
    level: Literal["configural", "metric", "scalar"]
    languages: tuple[str, ...]
    n: int
    chi2: float | None
    df: int
    cfi: float | None
    tli: float | None
    rmsea: float | None
    srmr: float | None
    delta_cfi: float | None
    holds: bool | None
