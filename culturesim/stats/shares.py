"""Distributions of answers to questions, brought to one form: what does not sum to 1, and options put together.

Shares are arrays (…, questions, options), NaN for options a question does not have and for questions a group was not
asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.inference import Floats

Booleans = npt.NDArray[np.bool_]

Sums = Literal["renormalise", "residual", "drop"]
"""What is made of shares that do not sum to 1, be it for rounding or for answers not listed. ``renormalise``: divide by
their sum. ``residual``: what is lacking is an option of its own. ``drop``: leave the question out for that group."""

_SAME = 1e-12


@dataclass(frozen=True, slots=True)
class Shares:
    """Distributions (…, q, o) that sum to 1, or are NaN as a whole; 0 for options a question does not have.

    ``off``: how many of ``given`` distributions did not sum to 1 within the tolerance, and were treated by the policy
    ``sums``.
    """

    values: Floats
    sums: Sums
    off: int
    given: int


def shares_of(values: npt.ArrayLike, *, sums: Sums = "renormalise", tolerance: float = 0.01) -> Shares:
    """Shares made to sum to 1, by a policy that is kept with them.

    Parameters
    ----------
    values : (…, questions, options)
        Not negative; counts will do with ``renormalise``. NaN as said above.
    sums
        For distributions whose sum is off 1 by more than the tolerance. Above 1 nothing is lacking: ``residual`` then
        renormalises too.
    tolerance
        Sums this near to 1 are rounded ones, and renormalised under every policy.

    Returns
    -------
    Shares
        With ``residual`` there is one option more, the last.
    """
    raw = np.asarray(values, dtype=np.float64)
    if raw.ndim < 2 or not raw.shape[-1]:
        raise AnalysisError("shares are an array of questions by options, or of groups of those")
    if sums not in {"renormalise", "residual", "drop"}:
        raise AnalysisError(f"shares that do not sum to 1: renormalise, residual or drop, not {sums!r}")
    if (raw < 0).any() or np.isinf(raw).any():
        raise AnalysisError("shares must be finite and not negative")
    there = ~np.isnan(raw)
    flat = there.reshape(-1, *raw.shape[-2:])
    if ((flat != flat.any(axis=0)) & flat.any(axis=-1, keepdims=True)).any():
        raise AnalysisError("a group has shares of some options of a question and not of others; put 0 for none")
    total = np.where(there, raw, 0.0).sum(axis=-1)
    asked = there.any(axis=-1) & (total > 0)
    given = int(asked.sum())
    off = asked & (np.abs(total - 1) > tolerance + _SAME)
    if sums == "residual":
        lacking = np.where(off, np.maximum(0.0, 1 - total), 0.0)
        raw, total = np.concatenate([raw, lacking[..., None]], axis=-1), total + lacking
    if sums == "drop":
        asked = asked & ~off
    made = np.full(raw.shape, np.nan)
    made[asked] = np.nan_to_num(raw[asked]) / total[asked][:, None]
    return Shares(made, sums, int(off.sum()), given)


def asked_of(values: Floats) -> Booleans:
    """Whether a group has shares of a question: (…, q, o) → (…, q)."""
    return np.asarray(~np.isnan(values).any(axis=-1))


def merged(values: npt.ArrayLike, options: npt.ArrayLike) -> Floats:
    """Shares of options put together, such as both that agree and both that disagree: (…, q, o) → (…, q, m).

    ``options`` (q, o) or (o,) numbers the merged option of each, from 0; negative for options a question does not have.
    """
    raw = np.asarray(values, dtype=np.float64)
    if np.shape(options)[-1:] != raw.shape[-1:] or np.ndim(options) > 2:
        raise AnalysisError(
            f"{raw.shape[-1]} options take as many numbers of merged options, for all questions or each"
        )
    home = np.broadcast_to(np.asarray(options, dtype=np.int64), raw.shape[-2:])
    names = np.arange(int(home.max(initial=0)) + 1)
    member = (home[..., None] == names).astype(np.float64)
    if (np.nan_to_num(raw) * (home < 0) > 0).any():
        raise AnalysisError("an option with a share has no merged option")
    together: Floats = np.einsum("...qo,qom->...qm", np.nan_to_num(raw), member)
    there = (~np.isnan(raw)).any(axis=-1, keepdims=True) & (member.sum(axis=-2) > 0)
    return np.where(there, together, np.nan)


def aligned(one: Floats, other: Floats) -> tuple[Floats, Floats]:
    """Both with as many options: where only one has a residual, it is 0 in the other."""
    if one.shape[-2] != other.shape[-2]:
        raise AnalysisError(
            f"{one.shape[-2]} and {other.shape[-2]} questions: they must be the same, in the same order"
        )
    options = max(one.shape[-1], other.shape[-1])

    def wide(x: Floats) -> Floats:
        more = np.repeat(np.where(np.isnan(x[..., :1]), np.nan, 0.0), options - x.shape[-1], axis=-1)
        return np.concatenate([x, more], axis=-1)

    return wide(one), wide(other)
