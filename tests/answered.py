"""Frames of answers made by hand, in the shape in which the store gives them."""

import polars as pl

from culturesim.answers import NAMES

PROBABILITIES = pl.List(pl.Struct({"key": pl.Int32, "value": pl.Float64}))
_RESPONSE = {
    "trial_id": pl.String, "model": pl.String, "questionnaire": pl.String, "version": pl.String, "item": pl.String,
    "kind": pl.String, "topic": pl.String, "language": pl.String, "persona_id": pl.String, "frame": pl.String,
    "wording": pl.Int32, "option_order": pl.String, "repeat": pl.Int32, "elicitation": pl.String, "status": pl.String,
    "codes": pl.List(pl.Int32), "order_codes": pl.List(pl.Int32), "probabilities": PROBABILITIES, "mass": pl.Float64,
}  # fmt: skip
_ITEM = {
    "questionnaire": pl.String, "version": pl.String, "item": pl.String, "code": pl.String, "kind": pl.String,
    "scale": pl.String, "scale_kind": pl.String, "codes": pl.List(pl.Int32), "dimensions": pl.List(pl.String),
    "reverse": pl.Boolean, "topic": pl.String,
}  # fmt: skip


def response(item, code=None, persona="none", **other):
    """One answer on a scale of five; no code, no valid answer. ``p`` gives probabilities by code."""
    order = other.get("option_order", "printed")
    probabilities = other.pop("p", None)
    row = {
        "model": "m", "questionnaire": "q", "version": "1", "item": item, "kind": "scale", "topic": "t",
        "language": "en", "persona_id": persona, "frame": "form", "wording": 0, "option_order": order, "repeat": 0,
        "elicitation": "choice", "status": "valid" if code or probabilities or other.get("codes") else "unparsed",
        "codes": [code] if code else [], "order_codes": [5, 4, 3, 2, 1] if order == "reversed" else [1, 2, 3, 4, 5],
        "probabilities": None, "mass": None,
    }  # fmt: skip
    if probabilities:
        row |= {"elicitation": "probabilities", "codes": [max(probabilities, key=probabilities.get)], "mass": 0.9}
        row["probabilities"] = [{"key": code, "value": p} for code, p in probabilities.items()]
    return row | other


def responses(rows):
    """The frame of answers."""
    return pl.DataFrame([{"trial_id": str(n)} | row for n, row in enumerate(rows)], schema=_RESPONSE)


def categories(frame):
    """The frame of answers with names as categories, as an analysis starts from."""
    several = pl.col("kind") == "pick"
    return frame.with_columns(
        *(pl.col(name).cast(pl.Enum(sorted(frame[name].unique()))) for name in NAMES),
        code=pl.when(~several).then(pl.col("codes").list.first()),
        picks=pl.when(several).then("codes"),
        shuffled=pl.when(pl.col("option_order") == "shuffled").then("order_codes"),
    ).drop("kind", "topic", "codes", "order_codes")


def items(*rows):
    """The frame of items: each an id, or (id, what differs from a scale of five in dimension d)."""
    made = []
    for row in rows:
        name, other = (row, {}) if isinstance(row, str) else row
        made.append({
            "questionnaire": "q", "version": "1", "item": name, "code": name, "kind": "scale", "scale": "s",
            "scale_kind": "ordinal", "codes": [1, 2, 3, 4, 5], "dimensions": ["d"], "reverse": False, "topic": "t",
        } | other)  # fmt: skip
    return pl.DataFrame(made, schema=_ITEM)
