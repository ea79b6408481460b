"""A cache of what neighbours begin with: their common prefix once, then the rest of eight prompts as a padded batch."""

from __future__ import annotations

import copy
from itertools import takewhile

import torch
from common import counted, measured, tell, work
from transformers import DynamicCache

BATCH = 8

asked = work()
model = counted(asked)
with measured(asked), torch.inference_mode():
    held: list[int] = []
    cache = DynamicCache()
    for start in range(0, len(asked.questions), BATCH):
        batch = asked.questions[start : start + BATCH]
        columns = zip(*(each["tokens"][:-1] for each in batch), strict=False)
        common = len(list(takewhile(lambda column: len(set(column)) == 1, columns)))
        prefix = batch[0]["tokens"][:common]
        known = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(held, prefix, strict=False))))
        cache.crop(known - len(held))
        if known < common:
            model(input_ids=torch.tensor([prefix[known:]]), past_key_values=cache, use_cache=True, logits_to_keep=1)
        held = prefix
        shared = copy.deepcopy(cache)
        shared.batch_repeat_interleave(len(batch))
        rests = [each["tokens"][common:] for each in batch]
        longest = max(map(len, rests))
        ids = torch.tensor([rest + [0] * (longest - len(rest)) for rest in rests])
        told = model(input_ids=ids, past_key_values=shared, use_cache=True)
        for question, rest, logits in zip(batch, rests, told.logits, strict=True):
            asked.keep(question, logits[len(rest) - 1].log_softmax(-1))
tell(asked)
