"""Finds, by trying, which engine is exact for a model: a few random tokens through both, and their numbers compared.

No list of architectures is kept. What bends attention in a way that a mask and positions do not tell (biases by
distance, recurrent states, chunks) shows as a difference, and is then asked plainly.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from culturesim.backends.hf_engines import Engine, Row, free_memory
from culturesim.backends.hf_packed import Masking, Packed
from culturesim.backends.hf_plain import Plain
from culturesim.backends.pack_size import LARGEST, LARGEST_ON_CPU, PackSize
from culturesim.backends.token_tree import TokenTree
from culturesim.errors import BackendError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

LONGEST_STEM = 1_024
"""Tokens at most that the trial sequences have in common; wider windows than that are not reached by the trial."""

SHORT_STEM = 24
BEYOND = 8
"""Tokens by which they pass the widest window that is reached."""

FLOOR = 1e-4
"""Largest difference of a log-probability, in standard deviations over the vocabulary, that counts as none; below it
the order in which single-precision numbers are added makes as much."""

ROUNDED = 0.5
"""The same where the trial must be in half precision: rounding makes 0.02 of a deviation in three layers and 0.2 in
thirty, a wrong mask more than 1."""

PLAIN_TOKENS = 2_048
"""Tokens, padding included, of a plain batch; halved where they do not fit."""

_REJECTIONS = (TypeError, ValueError, RuntimeError, AttributeError, IndexError, KeyError, NotImplementedError)
"""What models raise that do not take masks, positions or a cache of keys and values."""


@dataclass(frozen=True)
class Chosen:
    """The engine for prompts of up to ``longest`` tokens (None: of any length), the one for longer ones, and why."""

    engine: Engine
    plain: Engine
    longest: int | None
    remark: str


def choose_engine(model: PreTrainedModel) -> Chosen:
    """The fastest engine that gives a model's own numbers. ``BackendError`` where it does not read left to right."""
    with _in_single_precision(model):
        return _choose(model)


def _choose(model: PreTrainedModel) -> Chosen:
    trial = _Trial(model)
    plain = Plain(model, PackSize(PLAIN_TOKENS), alone=trial.noise > FLOOR and model.dtype.itemsize == 4)
    why = "it keeps a state of another kind than keys and values"
    for masking in _maskings(model, trial):
        try:
            size = PackSize(first=trial.pack, largest=trial.pack)
            apart = trial.difference(Packed(model, masking, size, rows=trial.pack // 2))
        except _REJECTIONS as error:
            why = f"it does not take a tree ({type(error).__name__})"
            continue
        if apart <= trial.tolerance:
            size = PackSize(largest=LARGEST_ON_CPU if model.device.type == "cpu" else LARGEST)
            return Chosen(Packed(model, masking, size), plain, masking.longest, "")
        why = f"in a tree its numbers were off by {apart:.2g} standard deviations"
    how = "one prompt at a time" if plain.alone else "in plain batches"
    return Chosen(plain, plain, None, f"asked {how}, each prompt from its beginning on: {why}")


@contextmanager
def _in_single_precision(model: PreTrainedModel) -> Iterator[None]:
    """Widens half-precision weights where the memory holds them, and narrows them again, both exactly."""
    halves = [
        (weights, weights.dtype)
        for weights in (*model.parameters(), *model.buffers())
        if weights.is_floating_point() and weights.dtype.itemsize == 2
    ]
    wanted = 2 * sum(weights.nbytes for weights, _ in halves)
    if getattr(model, "is_quantized", False) or wanted > 0.8 * free_memory(model.device):
        halves = []
    try:
        for weights, _ in halves:
            weights.data = weights.data.float()
        yield
    finally:
        for weights, dtype in halves:
            weights.data = weights.data.to(dtype)


class _Trial:
    """Sequences of random tokens with a common stem, and what a model says alone of each."""

    def __init__(self, model: PreTrainedModel) -> None:
        windows = [width for width in _windows(model).values() if width is not None and width <= LONGEST_STEM]
        self.stem = max([SHORT_STEM, *(width + BEYOND for width in windows)])
        chance = random.Random(0)
        tokens = [chance.randrange(_text_config(model).vocab_size) for _ in range(self.stem + 10)]
        stem = tokens[: self.stem]
        self._lines = [[*stem, *tokens[-10:-4]], [*stem, *tokens[-10:-8], *tokens[-4:-2]], [*stem, tokens[-1]]]
        self.pack = max(4, self.stem // 2)
        alone = Plain(model, PackSize(), alone=True)
        self._own = self._rows(alone)
        self.noise = self.difference(Plain(model, PackSize(first=4 * len(self._lines[0]))))
        self.tolerance = FLOOR if model.dtype.itemsize == 4 else ROUNDED
        self._must_read_left_to_right(alone, stem)

    def difference(self, engine: Engine) -> float:
        """How far an engine's log-probabilities are off at most, in standard deviations of a row."""
        rows = self._rows(engine)
        return max(_apart(rows[place], own) for place, own in self._own.items())

    def _rows(self, engine: Engine) -> Mapping[int, torch.Tensor]:
        tree = engine.plant()
        wanted = [tree.add(line) for line in self._lines]
        wanted.append(tree.line(wanted[0])[-3])
        return dict(_checked(engine.walk(tree, wanted)))

    def _must_read_left_to_right(self, alone: Engine, stem: list[int]) -> None:
        found = []
        for line in self._lines[:2]:
            tree = TokenTree()
            last = tree.add(line)
            found.append(dict(alone.walk(tree, [tree.line(last)[len(stem) - 1], last]))[len(stem)])
        if _apart(*found) > self.tolerance:
            raise BackendError("the model reads in both directions: it has no words for an answer to come")


def _checked(rows: Iterator[Row]) -> Iterator[Row]:
    import torch

    for node, row in rows:
        if not torch.isfinite(row).any():
            raise ValueError("no probabilities")
        yield node, row


def _apart(row: torch.Tensor, other: torch.Tensor) -> float:
    both = row.isfinite() & other.isfinite()
    spread = float(other[both].std())
    return float((row[both] - other[both]).abs().max()) / max(spread, 1e-12)


def _maskings(model: PreTrainedModel, trial: _Trial) -> Iterator[Masking]:
    """Ways to tell a model what its tokens see, the likeliest first."""
    windows = _windows(model)
    bounds = [width for width in windows.values() if width is not None and width + BEYOND > trial.stem]
    longest = min([*bounds, *_rope_bounds(model)], default=None)
    if _kinds(model) - windows.keys():
        return
    masking = Masking(windows, by_kind=len(windows) > 1, longest=longest)
    yield masking
    yield replace(masking, by_kind=not masking.by_kind)


def _windows(model: PreTrainedModel) -> Mapping[str, int | None]:
    """How far back each kind of layer sees, of the kinds that are known here."""
    config = _text_config(model)
    window = getattr(config, "sliding_window", None)
    if getattr(config, "layer_types", None) is None:
        return {"full_attention": window}
    known = {"full_attention": None, "sliding_attention": window}
    return {kind: width for kind, width in known.items() if kind in _kinds(model)}


def _kinds(model: PreTrainedModel) -> Collection[str]:
    return set(getattr(_text_config(model), "layer_types", None) or {"full_attention"})


def _rope_bounds(model: PreTrainedModel) -> Iterator[int]:
    """Lengths at which rotary positions change for the whole sequence, and so for whatever shares a pack with it."""
    config = _text_config(model)
    scaling: Any = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
    if scaling.get("rope_type") in {"dynamic", "longrope"}:
        bound = scaling.get("original_max_position_embeddings") or getattr(config, "max_position_embeddings", None)
        if bound:
            yield int(bound)


def _text_config(model: PreTrainedModel) -> Any:
    return model.config.get_text_config()
