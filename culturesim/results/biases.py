"""What moves answers beside what is asked: order, frame, place on the list, and habits of answering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from culturesim.results.estimate import Condition, Estimate, Finding

Verdict = Literal["content", "position", "undecided", "too_few"]


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


Style = Literal[
    "acquiescence", "extremity", "midpoint", "straight_lining", "longest_string", "same_place", "position_coefficient",
    "refused", "unparsed",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleRow(Finding):
    """One habit of answering.

    ``acquiescence``: agreement with both poles, −1/2 … 1/2. ``extremity``, ``midpoint``: shares of answers at the ends
    and in the middle of their scales. ``straight_lining``: share of fillings that give all items of a scale the same
    code; ``same_place``: the same place on the list; ``longest_string``: the longest run of one code, as a share of the
    items. ``position_coefficient``: log odds of the first place on the list against the last, content held constant.
    ``refused``, ``unparsed``: shares of the trials asked.
    """

    condition: Condition
    style: Style
    estimate: Estimate
