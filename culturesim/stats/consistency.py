"""Inconsistency of answers to what should be one question, and how much of it is chance.

A group is what should be answered alike, such as one item; its members are the ways it was put: wordings
(paraphrase), languages (translation), orders, frames, repeats; or the items of one topic. D is the mean distance of
the members' answer distributions from their centroid. Distributions that are estimated from n answers differ by chance,
so D > 0 even where the way of asking makes no difference: every D has its chance level here, from the same answers with
the ways of asking exchanged within a block (one persona, order, … asked in all ways).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.divergence import E, js_centroids, js_distance, largest_inconsistency
from culturesim.stats.exchange import exchanged
from culturesim.stats.inference import Bootstrap, Floats, Integers, Interval, ratio
from culturesim.stats.permutation import Permutations, p_value
from culturesim.stats.resampling import studentised_ratio

Bools = npt.NDArray[np.bool_]

ONE_BLOCK = "no chance level: it needs the same answers in two or more blocks"

_TOLERANCE = 1e-7
_CHANCE_TOLERANCE = 1e-4
"""How exactly centroids of chance are found, beyond fifty blocks; with fewer, D of several arrangements is the same."""

_FEW_BLOCKS = 50
_TIE = 1e-6


@dataclass(frozen=True, slots=True)
class GroupConsistency:
    """One group. ``note`` says why something is None.

    ``members``: ways of asking that were answered at all. ``blocks``: those answered in all of these ways, over which
    distributions are averaged; ``incomplete``: those left out. ``d``: the group's D, of the ``largest`` that so many
    members can have the ``fraction``. ``chance``, ``chance_high``: mean and 95 % quantile of D where the way of asking
    makes no difference, and ``p`` how often chance reaches D. ``beyond``: the distance beyond chance.
    """

    members: int
    blocks: int
    incomplete: int
    d: float | None = None
    largest: float | None = None
    fraction: float | None = None
    chance: float | None = None
    chance_high: float | None = None
    p: float | None = None
    beyond: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Consistency:
    """All groups together: means over members, so a group counts by its size.

    ``d`` has its interval over groups, ``d_members`` the same value with the paper's interval over members. ``beyond``
    is the distance that is left when chance is taken out; its interval is over groups. ``singletons`` and
    ``incomplete``: groups of one member, and blocks, left out.
    """

    d: Interval
    d_members: Interval
    fraction: Interval
    chance: float | None
    chance_high: float | None
    p: float | None
    beyond: Interval
    groups: tuple[GroupConsistency, ...]
    members: int
    singletons: int
    incomplete: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Measured:
    """A group with what the aggregate needs of it."""

    row: GroupConsistency
    distances: Floats
    chance: Floats | None = None
    """D of each arrangement, (R,)."""
    square: float = 0.0
    """Mean squared distance less that of chance."""
    home: int = 0
    """Its cluster."""


def consistency(
    groups: Sequence[npt.ArrayLike],
    bootstrap: Bootstrap,
    *,
    base: float = E,
    clusters: Sequence[int] | None = None,
    permutations: Permutations = Permutations(),  # noqa: B008 (frozen)
    singletons: Literal["leave_out", "zero"] = "leave_out",
) -> Consistency:
    """Inconsistency D of groups, with intervals, its share of the possible, and its chance level.

    With p_l the mean distribution of member l over the blocks that have an answer from all L members, and c* their
    Jensen–Shannon centroid, ``D = (1/L) Σ_l √JSD(p_l, c*)``; the aggregate is the mean of √JSD over the members of all
    groups.

    **Chance.** Where the way of asking makes no difference, the answers of a block could have come under any of its L
    members. D is computed again with members exchanged at random within every block: its mean is ``chance``, and
    ``p = (1 + #{D_chance ≥ D})/(1 + R)``. See ``exchange.exchanged`` for how they are drawn.

    **Beyond chance.** ``beyond = √max(0, J − J_chance)``, with J the mean of JSD(p_l, c*) over members and J_chance
    its mean under exchange: as far as JSD is quadratic in what members differ by, sampling adds as much to the one as
    to the other. In simulations of five options it is 1 to 7 % too large with 20 blocks and 1 to 4 % with 100, where √J
    itself is 60 % and 15 % too large. It is a root mean square, D a mean, and so beyond ≥ D where there is no chance at
    all. In the aggregate the squares are averaged over members before the root is taken.

    The interval of ``d`` is for what D is expected to be *at this number of blocks*; that of ``beyond`` is for the true
    distance. Both resample groups (cluster bootstrap), which takes groups for a sample of the items one could ask;
    squares are skewed, so that of ``beyond`` is ``studentised_ratio``'s, and needs four groups. The interval over
    members takes both distances of a pair, which are nearly the same, for two: in simulations of pairs it covers about
    80 % where 95 % are meant.

    Parameters
    ----------
    groups
        One array per group, (B blocks, L members, k options), each cell a distribution over the options: ``one_hot``
        of a chosen code, or probabilities; NaN where not asked or not valid. Or (L, k): distributions of members that
        are known without blocks, such as the stance on each item of a topic; then there is no chance level.
    base
        Of the logarithm.
    clusters
        For each group the number of what it hangs together with, such as the item, where every language of an item is a
        group; intervals over groups resample these. Default: each group stands for itself.
    permutations
        How many arrangements by chance, and their seed.
    singletons
        Groups of one member say nothing and are left out; "zero" counts them as D = 0, as the paper does.

    Returns
    -------
    Consistency
        D in [0, √log 2), ``fraction`` in [0, 1], ``beyond`` in [0, √log 2].

    References
    ----------
    Moore, Deshpande & Yang (2024), Are large language models consistent over value-laden questions?, Findings of EMNLP
    2024: D, its aggregate, the interval over members.
    """
    homes = range(len(groups)) if clusters is None else clusters
    if len(homes) != len(groups):
        raise AnalysisError(f"{len(groups)} groups have {len(homes)} clusters")
    found = [
        replace(_measure(np.asarray(group, dtype=np.float64), base, permutations, number), home=home)
        for number, (group, home) in enumerate(zip(groups, homes, strict=True))
    ]
    used = [one for one in found if one.row.d is not None]
    tested = [one for one in used if one.chance is not None]
    if singletons == "zero":
        alone = [replace(one, distances=np.zeros(1)) for one in found if one.row.members == 1]
        used, tested = used + alone, tested + alone * bool(tested)
    sizes, numbers = _sizes(used)
    distances = np.concatenate([one.distances for one in used]) if used else np.array([])
    means = np.array([one.distances.mean() for one in used])
    largest = np.array([one.row.largest or 0.0 for one in used])
    highest = math.sqrt(math.log(2) / math.log(base))
    chance, chance_high, p = _against_chance(tested)
    return Consistency(
        d=ratio(sizes * means, sizes, numbers, bootstrap, (0.0, highest)),
        d_members=ratio(distances, 1.0, np.arange(len(distances)), bootstrap, (0.0, highest)),
        fraction=ratio(sizes * means, sizes * largest, numbers, bootstrap, (0.0, 1.0)),
        chance=chance,
        chance_high=chance_high,
        p=p,
        beyond=_beyond(tested, bootstrap, highest),
        groups=tuple(one.row for one in found),
        members=len(distances),
        singletons=sum(one.row.members == 1 for one in found),
        incomplete=sum(one.row.incomplete for one in found),
        note=_note(used, tested),
    )


def one_hot(codes: npt.ArrayLike, options: int) -> Floats:
    """Chosen options as distributions: numbers 0 … k − 1, (…) → (…, k); −1 stands for no answer, and gives NaN."""
    numbers = np.asarray(codes, dtype=np.int64)
    if numbers.size and (numbers.min() < -1 or numbers.max() >= options):
        raise AnalysisError(f"options are numbered from 0 to {options - 1}, and −1 stands for none")
    cells: Floats = np.eye(options)[numbers]
    cells[numbers < 0] = np.nan
    return cells


def _measure(cells: Floats, base: float, permutations: Permutations, number: int) -> _Measured:
    """One group; the draws of chance differ from group to group by its number."""
    blocks, incomplete, members = _complete(cells[None] if cells.ndim == 2 else cells)
    if members < 2:
        nothing = "no answers" if not members else "one member: nothing to compare"
        return _Measured(GroupConsistency(members, len(blocks), incomplete, note=nothing), np.array([]))
    if not len(blocks):
        note = f"no block was answered by all {members} members"
        return _Measured(GroupConsistency(members, 0, incomplete, note=note), np.array([]))
    distances = _distances(blocks.mean(axis=0)[None], base)[0]
    d, largest = float(distances.mean()), largest_inconsistency(members, blocks.shape[2], base=base)
    if len(blocks) < 2:
        row = GroupConsistency(members, 1, incomplete, d, largest, d / largest, note=ONE_BLOCK)
        return _Measured(row, distances)
    rng = np.random.default_rng([permutations.seed, number, *blocks.shape])
    rough = _CHANCE_TOLERANCE if len(blocks) > _FEW_BLOCKS else _TOLERANCE
    drawn = _distances(exchanged(blocks, permutations.draws, rng), base, rough)
    chance = drawn.mean(axis=1)
    square = float((distances**2).mean() - (drawn**2).mean())
    row = GroupConsistency(
        members, len(blocks), incomplete, d, largest, d / largest, float(chance.mean()),
        float(np.quantile(chance, 0.95)), p_value(d, chance, tie=_TIE), math.sqrt(max(0.0, square)),
    )  # fmt: skip
    return _Measured(row, distances, chance, square)


def _complete(cells: Floats) -> tuple[Floats, int, int]:
    """Blocks answered by all members that were answered at all, how many others there are, and how many members."""
    if cells.ndim != 3 or cells.shape[2] < 2:
        raise AnalysisError("a group is an array of blocks by members by options, two options at least")
    sums = cells @ np.ones(cells.shape[2])
    asked: Bools = ~np.isnan(sums)
    if (cells < 0).any() or (np.abs(sums - 1) > 1e-6).any():
        raise AnalysisError("a distribution must be non-negative and sum to 1; renormalise it first, and say so")
    members: Bools = np.asarray(np.any(asked, axis=0))
    complete: Bools = np.asarray(np.all(asked[:, members], axis=1)) & bool(members.any())
    blocks = cells if complete.all() and members.all() else cells[np.ix_(complete, members)]
    return blocks, int((np.asarray(np.any(asked, axis=1)) & ~complete).sum()), int(members.sum())


def _distances(members: Floats, base: float, tolerance: float = _TOLERANCE) -> Floats:
    """Distance of each member from its centroid: (R, L, k) → (R, L)."""
    return js_distance(members, js_centroids(members, tolerance=tolerance)[:, None, :], base=base)


def _against_chance(tested: Sequence[_Measured]) -> tuple[float | None, float | None, float | None]:
    """Mean and 95 % quantile of the aggregate under chance, and the p-value of what was found in the same groups."""
    if not tested:
        return None, None, None
    distances = np.concatenate([one.distances for one in tested])
    drawn: Floats = np.sum([len(one.distances) * one.chance for one in tested if one.chance is not None], axis=0)
    d, drawn = float(distances.mean()), drawn / len(distances)
    return float(drawn.mean()), float(np.quantile(drawn, 0.95)), p_value(d, drawn, tie=_TIE)


def _beyond(tested: Sequence[_Measured], bootstrap: Bootstrap, highest: float) -> Interval:
    sizes, homes = _sizes(tested)
    squares = np.array([one.square for one in tested])
    sums = [np.bincount(homes, weights=each).astype(np.float64) for each in (sizes * squares, sizes)]
    found = studentised_ratio(sums[0], sums[1], bootstrap)
    return found.mapped(lambda square: min(highest, math.sqrt(max(0.0, square))))


def _sizes(used: Sequence[_Measured]) -> tuple[Floats, Integers]:
    """How many members each group counts for, and its cluster."""
    homes = np.unique(np.array([one.home for one in used], dtype=np.int64), return_inverse=True)[1]
    return np.array([len(one.distances) for one in used], dtype=np.float64), homes


def _note(used: Sequence[_Measured], tested: Sequence[_Measured]) -> str:
    if not used:
        return "no group has two members to compare"
    return ONE_BLOCK if not tested else f"chance is of {len(tested)} of {len(used)} groups" * (len(tested) < len(used))
