"""Each distinct prefix once: what follows the nodes of a token tree, from packs of its tokens.

A pack of nodes goes through the model as if it were one sequence, in which each token sees the line above it alone (a
4-D attention mask) and stands at its depth (position ids). Packs are taken depth first, so all that later packs can
need of earlier ones is a single line of keys and values, which is also where the next prompts begin.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from culturesim.backends.hf_attention import ROWS, attends_in_blocks, with_blocks
from culturesim.backends.hf_engines import Row, is_out_of_memory, release_memory
from culturesim.backends.pack_size import PackSize
from culturesim.backends.token_tree import ROOT, TokenTree

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True)
class Masking:
    """What a model's layers see: by kind of layer, how many positions back (None: all).

    ``by_kind``: the model takes a mask for each kind. ``longest``: tokens of the longest line this is right for.
    """

    windows: Mapping[str, int | None]
    by_kind: bool
    longest: int | None = None


class Packed:
    """Computes each distinct prefix once; see the module."""

    def __init__(self, model: PreTrainedModel, masking: Masking, size: PackSize, rows: int = ROWS) -> None:
        names = inspect.signature(model.forward).parameters
        self._model, self._masking, self.size = model, masking, size
        self._rows = rows if attends_in_blocks(model) else 0
        self._cache_name = "cache" if "cache" in names else "past_key_values"
        self._few_logits = "logits_to_keep" in names
        self._tree = TokenTree()
        self._places: dict[int, int] = {}
        self._layers: list[tuple[torch.Tensor, torch.Tensor]] = []
        self.computed = 0
        self.on_pack: Callable[[], None] = lambda: None

    def plant(self) -> TokenTree:
        """A new tree, which begins with the line whose keys and values are still at hand."""
        self._keep(self._tree.line(next(reversed(self._places), ROOT)))
        tree = TokenTree()
        line = [self._tree.tokens[node] for node in self._places]
        tree.add(line)
        # Nodes are named in the order of appearance: those of the one line so far by their depth.
        self._tree, self._places = tree, {depth + 1: depth for depth in range(len(line))}
        return tree

    def walk(self, tree: TokenTree, wanted: Collection[int]) -> Iterator[Row]:
        """What follows the nodes of ``wanted``. Of what is computed only one line at a time stays at hand."""
        needed = tree.lines_of(wanted)
        # What follows a node is not kept, so a node whose line is at hand is computed again if that is wanted of it.
        again = min((self._places[node] for node in wanted if node in self._places), default=len(self._places))
        self._keep(list(self._places)[:again])
        left = [node for node in tree.depth_first() if node in needed and node not in self._places]
        while left:
            self._keep(tree.line(tree.parents[left[0]]))
            pack = left[: self.size.part(len(left))]
            yield from self._in_memory(pack, wanted)
            left = left[len(pack) :] if pack[-1] in self._places else left

    def step(self, tree: TokenTree, nodes: Sequence[int]) -> Iterator[Row]:
        """What follows each of ``nodes``; the lines of all of them stay at hand."""
        needed = tree.lines_of(nodes)
        self._keep([node for node in self._places if node in needed and node not in nodes])
        # A node is named after its parent: in the order of names all have what they need before them.
        left = sorted(needed - self._places.keys())
        while left:
            pack = left[: self.size.part(len(left))]
            yield from self._in_memory(pack, nodes)
            left = left[len(pack) :] if pack[-1] in self._places else left

    def forget(self) -> None:
        """Let go of all keys and values."""
        self._keep([])
        release_memory(self._model.device)

    def _in_memory(self, pack: Sequence[int], wanted: Collection[int]) -> Iterator[Row]:
        """The rows of a pack; nothing, with the next packs to be smaller, where the memory is too small for it."""
        self.on_pack()
        asked = [node for node in pack if node in wanted]
        began = time.perf_counter()
        try:
            rows = self._compute(pack, asked)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            rows = None
        if rows is None:
            release_memory(self._model.device)
            self.size.too_big(len(pack))
            return
        self.size.took(len(pack), time.perf_counter() - began)
        yield from zip(asked, rows, strict=True)

    def _compute(self, pack: Sequence[int], asked: Sequence[int]) -> torch.Tensor:
        import torch

        device = self._model.device
        kept = [pack.index(node) for node in asked]
        inputs: dict[str, Any] = {
            "input_ids": torch.tensor([[self._tree.tokens[node] for node in pack]], device=device),
            "position_ids": torch.tensor([[self._tree.depths[node] - 1 for node in pack]], device=device),
            "attention_mask": self._masks(pack),
            self._cache_name: (cache := self._cache()),
            "use_cache": True,
        }
        if self._few_logits:
            inputs["logits_to_keep"] = torch.tensor(kept, device=device) if kept else 1
        with torch.inference_mode():
            logits = self._model(**inputs).logits[0]
            logits = (logits if self._few_logits else logits[kept])[: len(kept)]
            rows: torch.Tensor = logits.float().log_softmax(-1).cpu()
        self._layers = [(layer.keys, layer.values) for layer in cache.layers]
        for node in pack:
            self._places[node] = len(self._places)
        self.computed += len(pack)
        return rows

    def _cache(self) -> Any:
        from transformers import DynamicCache

        # Made without the model's configuration, so that no layer drops what lies outside its window: other lines may
        # begin before it. The masks say what a layer sees.
        cache = DynamicCache()
        for place, (keys, values) in enumerate(self._layers):
            cache.update(keys, values, place)
        return cache

    def _keep(self, nodes: Sequence[int]) -> None:
        """Let go of the keys and values of all but these nodes, which are at hand, in this order."""
        import torch

        if nodes == list(self._places):
            return
        places = torch.tensor([self._places[node] for node in nodes], dtype=torch.long)
        self._layers = [
            (keys.index_select(2, places.to(keys.device)), values.index_select(2, places.to(values.device)))
            for keys, values in self._layers
        ] if nodes else []  # fmt: skip
        self._places = {node: place for place, node in enumerate(nodes)}

    def _masks(self, pack: Sequence[int]) -> torch.Tensor | dict[str, torch.Tensor]:
        import torch

        seen = self._seen(pack)
        depths = np.array([self._tree.depths[node] for node in (*self._places, *pack)])
        back = depths[-len(pack) :, None] - depths[None, :]
        hidden = torch.finfo(self._model.dtype).min
        masks = {}
        for kind, window in self._masking.windows.items():
            sees = torch.from_numpy(seen if window is None else seen & (back < window))
            mask = torch.zeros(sees.shape, dtype=self._model.dtype).masked_fill_(~sees, hidden)
            mask = mask[None, None].to(self._model.device)
            masks[kind] = with_blocks(mask, self._rows) if self._rows else mask
        return masks if self._masking.by_kind else next(iter(masks.values()))

    def _seen(self, pack: Sequence[int]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Shape (pack, at hand + pack): whether the token of a row may see that of a column."""
        n_held = len(self._places)
        seen = np.zeros((len(pack), n_held + len(pack)), dtype=bool)
        rows: dict[int, int] = {}
        for row, node in enumerate(pack):
            parent = self._tree.parents[node]
            if parent in rows:
                seen[row] = seen[rows[parent]]
            elif parent != ROOT:
                seen[row, [self._places[above] for above in self._tree.line(parent)]] = True
            seen[row, n_held + row] = True
            rows[node] = row
        return seen
