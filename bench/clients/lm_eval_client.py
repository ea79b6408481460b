"""lm-evaluation-harness: its local-chat-completions model, asked to generate until."""

from __future__ import annotations

import os

from measure import arguments, measured, questions

url, path, concurrency, _ = arguments()
os.environ |= {"OPENAI_API_KEY": "none"}

from lm_eval.api.instance import Instance  # noqa: E402
from lm_eval.models.openai_completions import LocalChatCompletion  # noqa: E402

asked = questions(path)
model = LocalChatCompletion(model="served", base_url=f"{url}/chat/completions", num_concurrent=concurrency,
                            tokenized_requests=False, tokenizer_backend=None, max_retries=5,
                            eos_string="<none>")  # fmt: skip
requests = [
    Instance(request_type="generate_until", doc={}, idx=number, metadata=("t", number, 1),
             arguments=(model.apply_chat_template(body["messages"]), {"until": [], "max_gen_toks": 32}))
    for number, body in enumerate(asked)
]  # fmt: skip
with measured(len(asked)):
    answers = model.generate_until(requests, disable_tqdm=True)
assert len([answer for answer in answers if answer]) == len(asked)
