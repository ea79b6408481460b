"""Whether answers stay the same when only the way of asking changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from culturesim.results.estimate import Condition, Estimate, Finding

Kind = Literal["paraphrase", "topic", "translation", "option_order", "frame", "repeat"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyRow(Finding):
    """How far the answers to one question lie apart over its wordings, languages, orders, frames or repeats.

    ``inconsistency``: the mean Jensen–Shannon distance (base e) of the members from the centroid of their group, groups
    being items (of ``topic``: topics); its interval resamples groups, that of ``over_members`` members. ``fraction``
    is the share of the largest value that so many members allow. ``chance``: what sampling alone gives where the way of
    asking makes no difference, and ``chance_high`` its 95 % quantile; ``p`` tests against it, ``q`` after Benjamini and
    Hochberg over the table. ``beyond``: the distance that is left when chance is taken out (root mean square).
    ``incomplete`` answers had no counterpart and were left out, ``singletons`` groups had one member only.
    """

    condition: Condition
    kind: Kind
    inconsistency: Estimate
    over_members: Estimate
    fraction: Estimate
    chance: float | None
    chance_high: float | None
    p: float | None
    q: float | None
    beyond: Estimate
    groups: int
    members: int
    singletons: int
    incomplete: int
