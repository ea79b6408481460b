"""What option order and frame do to answers, and place on the list against content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from culturesim.analyse.parts import VALID, clusters, estimate
from culturesim.answers import Part
from culturesim.results import EffectRow, Estimate, PositionRow
from culturesim.score import POINT, paired
from culturesim.stats.effects import paired_difference
from culturesim.stats.inference import Bootstrap, ratio
from culturesim.stats.position import distance, position_share, verdict


def effect_rows(part: Part, bootstrap: Bootstrap) -> list[EffectRow]:
    """What option order and frame do to answers on ordinal scales."""
    points, rows = part.points, []
    frames = sorted(points["frame"].unique(), key=lambda frame: (frame != "form", frame))
    orders = [order for order in ("reversed", "shuffled") if order in points["option_order"]]
    contrasts = [("option_order", "printed", order) for order in orders]
    contrasts += [("frame", frames[0], frame) for frame in frames[1:]]
    for factor, base, level in contrasts:
        pairs = part.turned if level == "reversed" else paired(points, factor, base, level)
        if pairs.is_empty():
            continue
        unit, who = clusters(pairs)
        both = paired_difference(pairs["base"].to_numpy(), pairs["level"].to_numpy(), who, bootstrap)
        difference, absolute = (estimate(interval, len(pairs), unit) for interval in both)
        rows.append(EffectRow(part.model, part.questionnaire, part.language, factor, base, level, difference, absolute))
    return rows


def position_row(part: Part, bootstrap: Bootstrap) -> PositionRow | None:
    """Position against content, and how often the options listed first and last are taken; None without answers."""
    valid = part.responses.filter((pl.col("kind") == "scale") & VALID)
    if valid.is_empty():
        return None
    pairs = part.turned
    unit, who = clusters(pairs)
    printed, turned = pairs["base"].to_numpy(), pairs["level"].to_numpy()
    share = position_share(printed, turned, who, bootstrap)
    if pairs.is_empty():
        share = replace(share, note="no answers to the same question in printed and reversed order")
    far = distance(printed, turned, who, bootstrap)
    first, last = _ends_taken(_in_both_orders(valid), part.shares, bootstrap)
    return PositionRow(
        part.model, part.questionnaire, part.language, estimate(share, len(pairs), unit),
        estimate(far, len(pairs), unit), first, last, verdict(share, len(pairs)),
    )  # fmt: skip


def _in_both_orders(valid: pl.DataFrame) -> pl.DataFrame:
    """Of valid answers, those that let every option stand first as often as last.

    These are the questions answered in both the printed and the reversed order, and all in shuffled order.
    """
    same = [column for column in POINT if column != "option_order"]
    turned = pl.col("option_order").filter(pl.col("option_order") != "shuffled").n_unique().over(same)
    return valid.filter((pl.col("option_order") == "shuffled") | (turned == 2))


def _ends_taken(valid: pl.DataFrame, shares: pl.DataFrame, bootstrap: Bootstrap) -> Iterator[Estimate]:
    """How much of the answers lies on the option listed first, and on the one listed last."""
    unit, who = clusters(valid)
    for end in (pl.col("order_codes").list.first(), pl.col("order_codes").list.last()):
        there = valid.select("trial_id", end.cast(pl.Int64).alias("code"))
        taken = there.join(shares, on=["trial_id", "code"], how="left", maintain_order="left")["share"].fill_null(0.0)
        yield estimate(ratio(taken.to_numpy(), 1.0, who, bootstrap, (0.0, 1.0)), len(valid), unit)
