"""inspect_ai: one sample per question, generated and logged."""

from __future__ import annotations

import os
import tempfile

from measure import arguments, measured, questions

url, path, concurrency, _ = arguments()
os.environ |= {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": url, "INSPECT_DISPLAY": "none"}

from inspect_ai import Task, eval  # noqa: E402
from inspect_ai.dataset import MemoryDataset, Sample  # noqa: E402
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, get_model  # noqa: E402
from inspect_ai.solver import generate  # noqa: E402

ROLES = {"system": ChatMessageSystem, "user": ChatMessageUser}
asked = questions(path)
samples = [Sample(input=[ROLES[m["role"]](content=m["content"]) for m in body["messages"]]) for body in asked]
task = Task(dataset=MemoryDataset(samples), solver=generate())
model = get_model("openai/gpt-4o-mini", base_url=url, api_key="none", responses_api=False)
with tempfile.TemporaryDirectory() as folder:
    with measured(len(asked)):
        (log,) = eval(task, model=model, max_connections=concurrency, max_samples=concurrency, log_dir=folder,
                      display="none", max_tokens=32, temperature=1.0)  # fmt: skip
    assert log.status == "success", log.error
    assert len(log.samples or []) == len(asked)
