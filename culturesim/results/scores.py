"""Scores of dimensions, and how models differ in them."""

from __future__ import annotations

from dataclasses import dataclass

from culturesim.results.estimate import Condition, Estimate


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
    condition: Condition
    score: Estimate
    items: int
    scale: str
    """The range the score lives on, such as "1–5", or "map coordinate"."""
    flag: str = ""
    checked: int = 0
    excluded: int = 0
    supported: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRow:
    """How two models differ in a dimension, as the same personas in the same language.

    ``difference`` = score of ``model`` − score of ``other``, paired by persona; ``p`` of its permutation test (signs of
    the personas' differences), ``q`` after Benjamini and Hochberg over all rows of the questionnaire.
    """

    questionnaire: str
    dimension: str
    title: str
    language: str
    model: str
    other: str
    difference: Estimate
    p: float | None
    q: float | None
    supported: bool
    reason: str
