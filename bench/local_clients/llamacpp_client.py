"""llama.cpp's server as it comes, with its prompt cache, asked in the order of shared beginnings."""

from __future__ import annotations

import math
import os
import sys

import httpx2
import xllamacpp
from common import measured, tell, work

asked = work()
params = xllamacpp.CommonParams()
params.model.path = sys.argv[3]
params.n_parallel, params.n_ctx, params.verbosity = 1, 4096, -1
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = os.cpu_count()
server = xllamacpp.Server(params)
client = httpx2.Client(base_url=server.listening_address, timeout=600, trust_env=False)
with measured(asked):
    for question in asked.questions:
        body = {"prompt": question["tokens"], "n_predict": 1, "n_probs": 100, "temperature": 0, "cache_prompt": True}
        reply = client.post("/completion", json=body).raise_for_status().json()
        asked.tokens += reply["timings"]["prompt_n"]
        top = {each["id"]: each["logprob"] for each in reply["completion_probabilities"][0]["top_logprobs"]}
        labels = [path[0] for option in question["options"] for path in option if len(path) == 1]
        asked.answers[question["id"]] = {str(token): math.exp(top[token]) for token in labels if token in top}
tell(asked)
