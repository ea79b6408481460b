"""What asks a causal language model what follows the nodes of a token tree; ``hf_packed`` and ``hf_plain`` are two."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from culturesim.backends.token_tree import TokenTree

if TYPE_CHECKING:
    import torch

Row = tuple[int, "torch.Tensor"]
"""A node, and the natural-log probability of each token of the vocabulary after it (single precision, on the CPU)."""


class Engine(Protocol):
    """What gives the log-probabilities that follow nodes of a tree. ``computed`` counts tokens of the model's work."""

    computed: int
    on_pack: Callable[[], None]

    def plant(self) -> TokenTree:
        """A new tree, which begins with what is still at hand of the last one."""

    def walk(self, tree: TokenTree, wanted: Collection[int]) -> Iterator[Row]:
        """What follows each node of ``wanted``, in the order of the tree. Raises ``MemoryError``."""

    def step(self, tree: TokenTree, nodes: Sequence[int]) -> Iterator[Row]:
        """What follows each of ``nodes``, which are then at hand for a step to nodes below them."""

    def forget(self) -> None:
        """Let go of all that is at hand."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out. On a CPU, PyTorch raises a plain ``RuntimeError``."""
    import torch

    told = isinstance(error, torch.OutOfMemoryError | MemoryError)
    return told or "can't allocate memory" in str(error) or "not enough memory" in str(error)


def release_memory(device: torch.device) -> None:
    """Give what PyTorch keeps of a GPU's memory back to it."""
    import torch

    if device.type == "cuda":
        torch.cuda.empty_cache()


def free_memory(device: torch.device) -> int:
    """Bytes of a device's memory that nobody uses; 0 where that cannot be told."""
    import torch

    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type == "cpu" and "SC_AVPHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 0
