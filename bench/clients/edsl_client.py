"""edsl, run locally with its caches off: one scenario per question."""

from __future__ import annotations

import os

from measure import arguments, measured, questions

url, path, concurrency, _ = arguments()
os.environ |= {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": url, "EDSL_MAX_CONCURRENT_TASKS": str(concurrency),
               "EDSL_SERVICE_RPM_OPENAI": "10000000", "EDSL_SERVICE_TPM_OPENAI": "100000000000",
               "EDSL_OPEN_EXCEPTION_REPORT_URL": "False"}  # fmt: skip

from edsl import Cache, Model, QuestionFreeText, Scenario, ScenarioList, Survey  # noqa: E402

asked = questions(path)
model = Model("gpt-4o-mini", service_name="openai", base_url=url, temperature=1.0, max_tokens=32, rpm=10**7, tpm=10**11)
question = QuestionFreeText(question_name="q", question_text="{{ scenario.words }}")
words = ScenarioList([Scenario({"words": "\n\n".join(m["content"] for m in body["messages"])}) for body in asked])
job = Survey([question]).by(words).by(model)
with measured(len(asked)):
    results = job.run(cache=Cache(), disable_remote_inference=True, disable_remote_cache=True, progress_bar=False,
                      print_exceptions=False, refresh_model_list=False, offload_execution=False)  # fmt: skip
answers = [answer for answer in results.select("answer.q").to_list() if answer]
assert len(answers) == len(asked), f"{len(answers)} of {len(asked)} answered"
