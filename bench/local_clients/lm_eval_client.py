"""lm-evaluation-harness: its transformers model, asked for the log-likelihood of each option, as multiple choice is."""

from __future__ import annotations

import math

from common import Work, measured, tell, work
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

asked: Work = work()
harness = HFLM(pretrained=str(asked.model), dtype="float32", device="cpu", batch_size=8, add_bos_token=False)


def count(module: object, args: tuple, kwargs: dict) -> None:
    """Counts the tokens of a call."""
    asked.tokens += (args[0] if args else kwargs["input_ids"]).numel()


harness.model.register_forward_pre_hook(count, with_kwargs=True)
pairs = [
    (question, path[0])
    for question in asked.questions
    for option in question["options"]
    for path in option
    if len(path) == 1
]
requests = [
    Instance(request_type="loglikelihood", doc={}, idx=number, metadata=("t", number, 1),
             arguments=(question["text"], harness.tokenizer.decode([token])))
    for number, (question, token) in enumerate(pairs)
]  # fmt: skip
with measured(asked):
    told = harness.loglikelihood(requests, disable_tqdm=True)
    for (question, token), (logprob, _) in zip(pairs, told, strict=True):
        asked.answers.setdefault(question["id"], {})[str(token)] = math.exp(logprob)
tell(asked)
