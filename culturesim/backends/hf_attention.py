"""Attention within packs at the cost of what is seen, for models that leave attention to transformers' interface.

A pack holds many lines that do not see each other; under a mask as large as the pack most products are computed to be
masked. Here a few neighbouring tokens at a time attend to the columns that one of them sees, and to no others.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

NAME = "culturesim_blocks"
"""What transformers knows this attention by."""

ROWS = 64
"""Neighbouring tokens that attend together: fewer see less in vain, more keep a processor's cores busier."""


@dataclass(frozen=True, slots=True)
class Block:
    """Rows ``first`` to ``last`` (exclusive) of a mask, with no columns but those that one of them sees."""

    first: int
    last: int
    columns: torch.Tensor
    mask: torch.Tensor


def attends_in_blocks(model: PreTrainedModel) -> bool:
    """Has a model attend in blocks where that is quicker and it can; says whether it does.

    On a processor only: a GPU masks faster than it takes many small products one after another.
    """
    if model.config._attn_implementation == "sdpa" and model.device.type == "cpu":
        import transformers
        from transformers.masking_utils import sdpa_mask

        transformers.AttentionInterface.register(NAME, _attend)
        transformers.AttentionMaskInterface.register(NAME, sdpa_mask)
        model.set_attn_implementation(NAME)
    return bool(model.config._attn_implementation == NAME)


def with_blocks(mask: torch.Tensor, rows: int) -> torch.Tensor:
    """The mask of a pack (1, 1, rows, columns; added to scores), which now carries its blocks of about ``rows``.

    Whatever a model makes of the mask does not carry them, and is then attended under as a whole.
    """
    count = max(1, round(mask.shape[2] / rows))
    edges = [mask.shape[2] * place // count for place in range(count + 1)]
    blocks = []
    for first, last in pairwise(edges):
        part = mask[:, :, first:last]
        columns = (part[0, 0] == 0).any(0).nonzero()[:, 0]
        blocks.append(Block(first, last, columns, part.index_select(3, columns)))
    mask.blocks = blocks  # type: ignore[attr-defined]
    return mask


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **more: Any,
) -> tuple[torch.Tensor, None]:
    """Shapes as in ``sdpa_attention_forward``, which computes each block."""
    import torch
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    blocks: list[Block] = getattr(attention_mask, "blocks", [])
    if len(blocks) < 2 or more.get("position_bias") is not None:
        whole: tuple[torch.Tensor, None] = sdpa_attention_forward(module, query, key, value, attention_mask, **more)
        return whole
    parts = []
    for block in blocks:
        keys, values = key.index_select(2, block.columns), value.index_select(2, block.columns)
        rows = query[:, :, block.first : block.last]
        parts.append(sdpa_attention_forward(module, rows, keys, values, block.mask, **more)[0])
    return torch.cat(parts, dim=1), None
