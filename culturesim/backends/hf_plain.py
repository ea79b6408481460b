"""Whole sequences in right-padded batches: right for whatever reads from left to right."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from culturesim.backends.hf_engines import Row, is_out_of_memory, release_memory
from culturesim.backends.pack_size import PackSize
from culturesim.backends.token_tree import TokenTree

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Plain:
    """Computes whole sequences: what stands to the right of a token, padding too, says nothing about it."""

    def __init__(self, model: PreTrainedModel, size: PackSize, *, alone: bool = False) -> None:
        """``alone``: one sequence at a time, for a model that padding disturbs."""
        self._model, self.size, self.alone = model, size, alone
        self._few_logits = "logits_to_keep" in inspect.signature(model.forward).parameters
        self.computed = 0
        self.on_pack: Callable[[], None] = lambda: None

    def plant(self) -> TokenTree:
        """An empty tree."""
        return TokenTree()

    def walk(self, tree: TokenTree, wanted: Collection[int]) -> Iterator[Row]:
        """What follows the nodes of ``wanted``, from the lines that pass through all of them."""
        inner = tree.lines_of(tree.parents[node] for node in wanted)
        lines = sorted((tree.line(node) for node in wanted if node not in inner), key=len)
        told: set[int] = set()
        while lines:
            batch = lines[: 1 if self.alone else max(1, self.size.now // len(lines[0]))]
            while len(batch) > 1 and len(batch) * len(batch[-1]) > self.size.now:
                batch.pop()
            rows = self._in_memory(tree, batch, [{*line} & {*wanted} - told for line in batch])
            if rows is not None:
                told.update(node for node, _ in rows)
                yield from rows
                lines = lines[len(batch) :]

    def step(self, tree: TokenTree, nodes: Sequence[int]) -> Iterator[Row]:
        """What follows each of ``nodes``, computed from their beginnings on."""
        return self.walk(tree, nodes)

    def forget(self) -> None:
        """Nothing is at hand."""

    def _in_memory(
        self, tree: TokenTree, batch: Sequence[Sequence[int]], asked: Sequence[Collection[int]]
    ) -> list[Row] | None:
        self.on_pack()
        try:
            return list(self._compute(tree, batch, asked))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        release_memory(self._model.device)
        if len(batch) == 1:
            raise MemoryError(f"a prompt of {len(batch[0])} tokens")
        self.size.too_big(len(batch) * len(batch[-1]))
        return None

    def _compute(
        self, tree: TokenTree, batch: Sequence[Sequence[int]], asked: Sequence[Collection[int]]
    ) -> Iterator[Row]:
        import torch

        longest = max(map(len, batch))
        ids = torch.zeros((len(batch), longest), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, line in enumerate(batch):
            ids[row, : len(line)] = torch.tensor([tree.tokens[node] for node in line])
            mask[row, : len(line)] = 1
        places = sorted({tree.depths[node] - 1 for nodes in asked for node in nodes})
        device = self._model.device
        # Of a vocabulary's logits at every position, a few hundred megabytes a batch, only those asked for are made.
        few = {"logits_to_keep": torch.tensor(places, device=device)} if self._few_logits else {}
        with torch.inference_mode():
            logits = self._model(
                input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False, **few
            ).logits  # fmt: skip
        self.computed += ids.numel()
        columns = {place: column for column, place in enumerate(places)} if few else {place: place for place in places}
        given: set[int] = set()
        for row, nodes in enumerate(asked):
            for node in sorted(nodes, key=tree.depths.__getitem__):
                if node not in given:
                    given.add(node)
                    column = columns[tree.depths[node] - 1]
                    yield node, logits[row, column].float().log_softmax(-1).cpu()
