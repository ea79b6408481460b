"""The mixed-model equations of crossed random effects, at survey size.

The levels of one grouping, persona as a rule, are independent of one another given all effects that are not within
them. The mixed-model equations are therefore a block for each of its levels, bordered by a small dense block of the
rest (items, languages, fixed effects). Eliminating block by block gives the deviance, its exact gradient and the
information in dense matrix products: no sparse factorisation with its fill-in, and the cost grows with the personas
and no faster.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.inference import Floats, Integers

_LARGEST = 6.0e7
"""Numbers in the border of all blocks, of which there are two: half a gigabyte each."""

_CHUNK = 4_000_000
_LONGEST = 4.0
"""Step in the logarithm of a variance ratio."""


@dataclass(frozen=True, slots=True)
class Solved:
    """The equations at given variance ratios. K is their matrix; ``inverse`` that of its border."""

    log_determinant: float
    residual: float
    local: Floats
    border: Floats
    local_diagonal: Floats
    inverse: Floats
    through: Floats
    blocks: Floats


class Equations:
    """The mixed-model equations of one data set: cross products made once, solved at any variance ratios."""

    def __init__(self, values: Floats, groups: Sequence[Integers], design: Floats) -> None:
        self.values, self.groups, self.design = values, groups, design
        self.levels = [int(group.max()) + 1 for group in groups]
        self.block, inside = _blocks(groups, self.levels, design.shape[1])
        self.blocks = int(self.block.max()) + 1
        self.inner = [k for k in range(len(groups)) if inside[k]]
        self.outer = [k for k in range(len(groups)) if not inside[k]]
        self._place()
        self._multiply()

    def _place(self) -> None:
        """Where each row's effects stand: within its block, or in the border, where the design comes last."""
        self.local, self.local_group = [], []
        width = 0
        for k in self.inner:
            ranks, most = ranks_in(self.groups[k], self.block, self.levels[k])
            self.local.append(width + ranks)
            self.local_group += [k] * most
            width += most
        self.width, self.edges, self.border_group = width, [], []
        start = 0
        for k in self.outer:
            self.edges.append(start + self.groups[k])
            self.border_group += [k] * self.levels[k]
            start += self.levels[k]
        self.random = start
        self.border = start + self.design.shape[1]
        # Levels that no block of full width has are padding: they add nothing to determinant or trace.
        self.padding = {k: self.local_group.count(k) * self.blocks - self.levels[k] for k in self.inner}

    def _multiply(self) -> None:
        b, m, d = self.blocks, self.width, self.border
        if float(b) * m * d > _LARGEST or d > 8000:
            raise AnalysisError(
                "so many crossed effects do not fit into memory; ask for fewer interactions, or for fewer levels"
            )
        self.aa, self.ab, self.bb = np.zeros((b, m, m)), np.zeros((b, m, d)), np.zeros((d, d))
        places = [self.block * m + local for local in self.local]
        for place in places:
            for second in self.local:
                self.aa += np.bincount(place * m + second, minlength=b * m * m).reshape(b, m, m)
            for edge in self.edges:
                self.ab += np.bincount(place * d + edge, minlength=b * m * d).reshape(b, m, d)
            self.ab[:, :, self.random :] += self._sums(place, self.design, b * m).reshape(b, m, -1)
        for edge in self.edges:
            for other in self.edges:
                self.bb += np.bincount(edge * d + other, minlength=d * d).reshape(d, d)
            self.bb[:, self.random :] += self._sums(edge, self.design, d)
        self.bb[self.random :, : self.random] = self.bb[: self.random, self.random :].T
        self.bb[self.random :, self.random :] = self.design.T @ self.design
        self.yy = float(self.values @ self.values)
        self.ya, self.yb = self._project(self.values[:, None])

    def _sums(self, places: Integers, columns: Floats, size: int) -> Floats:
        return np.column_stack([np.bincount(places, column, size) for column in columns.T])

    def _project(self, columns: Floats) -> tuple[Floats, Floats]:
        """[Z X]' times columns (n, r): the part of the blocks (b, m, r) and of the border (d, r)."""
        b, m, r = self.blocks, self.width, columns.shape[1]
        local = np.zeros((b * m, r))
        for place in self.local:
            local += self._sums(self.block * m + place, columns, b * m)
        border = np.zeros((self.border, r))
        for edge in self.edges:
            border += self._sums(edge, columns, self.border)
        border[self.random :] += self.design.T @ columns
        return local.reshape(b, m, r), border

    def _scales(self, ratios: Floats) -> tuple[Floats, Floats]:
        roots = np.sqrt(ratios)
        return roots[self.local_group], np.append(roots[self.border_group], np.ones(self.design.shape[1]))

    def solve(self, ratios: Floats) -> Solved:
        """Factorise the scaled equations ``Λ'Z'ZΛ + I``, bordered by the design, and solve them for y."""
        inner, outer = self._scales(ratios)
        scaled = inner[:, None] * self.aa * inner + np.eye(self.width)
        blocks = np.asarray(np.linalg.inv(scaled), dtype=np.float64)
        through = np.empty_like(self.ab)
        schur = self.bb.copy()
        step = max(1, _CHUNK // max(1, self.width * self.border))
        for first in range(0, self.blocks, step):
            part = slice(first, first + step)
            np.matmul(blocks[part] * inner, self.ab[part], out=through[part])
            left = (self.ab[part] * inner[:, None]).reshape(-1, self.border)
            schur -= left.T @ through[part].reshape(-1, self.border)
        schur = outer[:, None] * schur * outer
        schur[range(self.random), range(self.random)] += 1
        inverse = np.asarray(np.linalg.inv(schur), dtype=np.float64)
        determinant = float(np.linalg.slogdet(scaled)[1].sum() + np.linalg.slogdet(schur)[1])
        return self._solved(ratios, determinant, blocks, through, inverse)

    def _solved(self, ratios: Floats, determinant: float, blocks: Floats, through: Floats, inverse: Floats) -> Solved:
        inner, outer = self._scales(ratios)
        local, border = self._back(blocks, through, inverse, self.ya * inner[:, None], self.yb * outer[:, None], outer)
        explained = float((local * self.ya * inner[:, None]).sum() + (border * self.yb * outer[:, None]).sum())
        diagonal = blocks.diagonal(axis1=1, axis2=2).copy()
        scaled = outer[:, None] * inverse * outer
        step = max(1, _CHUNK // max(1, self.width * self.border))
        for first in range(0, self.blocks, step):
            part = through[first : first + step].reshape(-1, self.border)
            diagonal[first : first + step] += np.einsum("ij,ij->i", part @ scaled, part).reshape(-1, self.width)
        return Solved(
            determinant,
            max(self.yy - explained, 1e-12 * self.yy),
            local[..., 0],
            border[:, 0],
            diagonal,
            inverse,
            through,
            blocks,
        )

    def _back(
        self, blocks: Floats, through: Floats, inverse: Floats, local: Floats, border: Floats, outer: Floats
    ) -> tuple[Floats, Floats]:
        """Solve K x = (local, border), both scaled: (b, m, r) and (d, r)."""
        cross = np.tensordot(through, local, axes=([0, 1], [0, 1]))
        edge = inverse @ (border - outer[:, None] * cross)
        return blocks @ local - through @ (outer[:, None] * edge), edge

    def deviance(self, logs: Floats) -> tuple[float, Floats]:
        """−2 log restricted likelihood at the logarithms of the variance ratios, and its gradient."""
        return self._deviance(self.solve(np.exp(logs)))

    def step(self, logs: Floats) -> tuple[float, Floats, Floats]:
        """As ``deviance``, and the step by average information, σ² profiled out."""
        ratios = np.exp(logs)
        at = self.solve(ratios)
        value, gradient = self._deviance(at)
        error = at.residual / (len(self.values) - self.design.shape[1])
        jacobian = error * np.diag(np.append(ratios, 1.0))
        jacobian[:-1, -1] = error * ratios
        hessian = 2 * jacobian.T @ self.information(at, ratios, error) @ jacobian
        hessian = hessian[:-1, :-1] - np.outer(hessian[:-1, -1], hessian[-1, :-1]) / hessian[-1, -1]
        return value, gradient, np.clip(-np.linalg.pinv(hessian, hermitian=True) @ gradient, -_LONGEST, _LONGEST)

    def _deviance(self, at: Solved) -> tuple[float, Floats]:
        free = len(self.values) - self.design.shape[1]
        value = at.log_determinant + free * (1 + math.log(2 * math.pi * at.residual / free))
        traces, lengths = self._by_group(at)
        gradient = np.array(self.levels) - traces - free * lengths / at.residual
        return value, gradient

    def _by_group(self, at: Solved) -> tuple[Floats, Floats]:
        """Traces of K⁻¹ and squared lengths of the scaled effects, of each grouping."""
        traces, lengths = np.zeros(len(self.groups)), np.zeros(len(self.groups))
        local, border = np.array(self.local_group, dtype=int), np.array(self.border_group, dtype=int)
        edge = at.inverse.diagonal()[: self.random]
        for k in range(len(self.groups)):
            inner, outer = local == k, border == k
            traces[k] = at.local_diagonal[:, inner].sum() + edge[outer].sum() - self.padding.get(k, 0)
            lengths[k] = np.square(at.local[:, inner]).sum() + np.square(at.border[: self.random][outer]).sum()
        return traces, lengths

    def information(self, at: Solved, ratios: Floats, error: float) -> Floats:
        """Average information ``½ y'P V_k P V_l P y`` of the variances."""
        left = self.residuals(at, ratios, self.values[:, None])[:, 0]
        moved = [np.bincount(group, left)[group] for group in self.groups]
        columns = np.column_stack([*moved, left]) / error
        inner, outer = self._scales(ratios)
        local, border = self._project(columns)
        local, border = local * inner[:, None], border * outer[:, None]
        edge_local, edge = self._back(at.blocks, at.through, at.inverse, local, border, outer)
        inside = np.tensordot(local, edge_local, axes=([0, 1], [0, 1])) + border.T @ edge
        return (columns.T @ columns - inside) / (2 * error)

    def residuals(self, at: Solved, ratios: Floats, columns: Floats) -> Floats:
        """What other answers (n, r) to the same questions leave unexplained: σ² times their projection P."""
        inner, outer = self._scales(ratios)
        local, border = self._project(columns)
        local, border = self._back(
            at.blocks, at.through, at.inverse, local * inner[:, None], border * outer[:, None], outer
        )
        local, border = local * inner[:, None], border * outer[:, None]
        fitted: Floats = self.design @ border[self.random :]
        for place in self.local:
            fitted += local[self.block, place]
        for edge in self.edges:
            fitted += border[edge]
        return columns - fitted


def _blocks(groups: Sequence[Integers], levels: Sequence[int], columns: int) -> tuple[Integers, list[bool]]:
    """The grouping whose levels become blocks, the cheapest, and which groupings lie within it."""
    if not groups:
        return np.zeros(0, dtype=np.int64), []
    best: tuple[float, Integers, list[bool]] | None = None
    for group, count in zip(groups, levels, strict=True):
        inside = [_within(other, group, n) for other, n in zip(groups, levels, strict=True)]
        width = sum(
            int(np.bincount(_owner(other, group, n)).max())
            for other, n, i in zip(groups, levels, inside, strict=True)
            if i
        )
        border = columns + sum(n for n, i in zip(levels, inside, strict=True) if not i)
        cost = count * (width**3 + width * border**2 + width**2 * border) + float(border) ** 3
        if best is None or cost < best[0]:
            best = cost, group, inside
    assert best is not None
    return best[1], best[2]


def _owner(group: Integers, block: Integers, levels: int) -> Integers:
    owner = np.zeros(levels, dtype=np.int64)
    owner[group] = block
    return owner


def _within(group: Integers, block: Integers, levels: int) -> bool:
    return bool((_owner(group, block, levels)[group] == block).all())


def ranks_in(group: Integers, block: Integers, levels: int) -> tuple[Integers, int]:
    """Where each row's level lies within its block, counted from 0; and the most levels a block has."""
    owner = _owner(group, block, levels)
    order = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[order], np.arange(int(block.max()) + 1))
    ranks = np.empty(levels, dtype=np.int64)
    ranks[order] = np.arange(levels) - starts[owner[order]]
    return ranks[group], int(ranks.max()) + 1


def levels_of(*codes: npt.ArrayLike) -> Integers:
    """Levels 0 … q − 1 of what codes hold together, such as persona and item, in order of first axis."""
    stacked = np.column_stack([np.asarray(code) for code in codes])
    found: Integers = np.unique(stacked, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return found
