"""culturesim, the whole way: rendered, asked, parsed and stored. Its answers are sums over an option's spellings."""

from __future__ import annotations

import json
import math
import sys
import tempfile
from pathlib import Path

from common import measured, tell, work

from culturesim.api import open_store
from culturesim.backends import load
from culturesim.library import Library
from culturesim.prepare import prepare
from culturesim.study import make_study
from culturesim.survey import Asking

asked = work()
study = make_study(**json.loads(sys.argv[3]), model=f"hf/{asked.model}")
prepared = prepare(study, Library())
backend = load(study.model, dtype=sys.argv[4] if len(sys.argv) > 4 else "float32")
with tempfile.TemporaryDirectory() as folder:
    store = open_store(Path(folder, "survey.duckdb"))
    with measured(asked):
        before = backend.computed
        Asking(prepared, backend, store).run()
        asked.tokens = backend.computed - before
    told = store.query("select item, persona, option_order, completion.option_logprobs from completions "
                       "completion join trials on trials.id = trial_id").rows()  # fmt: skip
    found = {(item, persona, order): logprobs for item, persona, order, logprobs in told}
    for question in asked.questions:
        logprobs = found[tuple(question["place"])]
        asked.answers[question["id"]] = {str(place): math.exp(logprob) for place, logprob in enumerate(logprobs)}
tell(asked)
