"""Padded batches of eight, of like lengths, left-padded as usual; only the last position's logits are computed."""

from __future__ import annotations

import torch
from common import counted, measured, tell, work

BATCH = 8

asked = work()
model = counted(asked)
with measured(asked), torch.inference_mode():
    by_length = sorted(asked.questions, key=lambda question: len(question["tokens"]))
    for start in range(0, len(by_length), BATCH):
        batch = by_length[start : start + BATCH]
        longest = len(batch[-1]["tokens"])
        ids = torch.tensor([[0] * (longest - len(each["tokens"])) + each["tokens"] for each in batch])
        mask = torch.tensor([[0] * (longest - len(each["tokens"])) + [1] * len(each["tokens"]) for each in batch])
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        told = model(input_ids=ids, attention_mask=mask, position_ids=positions, logits_to_keep=1, use_cache=False)
        for question, row in zip(batch, told.logits[:, -1].log_softmax(-1), strict=True):
            asked.keep(question, row)
tell(asked)
