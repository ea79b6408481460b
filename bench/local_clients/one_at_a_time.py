"""One prompt at a time: ``generate`` for one token, with the scores it gives.

Labels of two tokens are looked at afterwards, unmeasured, so that there is something to compare with.
"""

from __future__ import annotations

import torch
from common import counted, measured, tell, work

asked = work()
model = counted(asked)
with measured(asked), torch.inference_mode():
    for question in asked.questions:
        ids = torch.tensor([question["tokens"]])
        told = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=1, do_sample=False, pad_token_id=0,
            output_logits=True, return_dict_in_generate=True,
        )  # fmt: skip
        asked.keep(question, told.logits[0][0].log_softmax(-1))

tokens = asked.tokens
with torch.inference_mode():
    for question in asked.questions:
        known = asked.answers[question["id"]]
        for first in {path[0] for option in question["options"] for path in option if len(path) == 2}:
            ids = torch.tensor([[*question["tokens"], first]])
            before, after = model(input_ids=ids, use_cache=False, logits_to_keep=2).logits[0].log_softmax(-1)
            for option in question["options"]:
                for second in (path[1] for path in option if len(path) == 2 and path[0] == first):
                    known[f"{first},{second}"] = float((before[first] + after[second]).exp())
tell(asked, tokens)
