"""What a model has been seen to use: tokens per byte of prompt, by language, from the answers in a store."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from culturesim.store import Store
from culturesim.study import Sampling, Study

_MEASURED = """
    select t.language, count(*) as calls,
        sum(octet_length(encode(p.system)) + octet_length(encode(p."user")))::bigint as prompt_bytes,
        sum(c.tokens_in)::bigint as tokens_in, sum(c.tokens_out)::bigint as tokens_out,
        coalesce(var_samp(c.tokens_out), 0) as variance_out
    from completions c
    join trials t on t.id = c.trial_id
    join prompts p on p.id = t.prompt
    where list_contains(?, c.run) and t.elicitation = ? and c.error_kind is null and c.tokens_in > 0
        and c.tokens_out is not null
    group by t.language order by t.language"""


@dataclass(frozen=True, slots=True)
class Measured:
    """What answered calls of a model in one language took; ``variance_out`` is that of a call's generated tokens."""

    language: str
    calls: int
    prompt_bytes: int
    tokens_in: int
    tokens_out: int
    variance_out: float


def measured(store: Store, study: Study) -> list[Measured]:
    """What the model's answers in a store took, by language, when asked as this study asks."""
    store.recover()
    runs = store.query("select id, study from runs where model = ?", [study.model])
    alike = [run for run, text in runs.iter_rows() if _uses(_settings(text)) == _uses(study.settings)]
    return [Measured(**row) for row in store.query(_MEASURED, [alike, study.elicitation]).iter_rows(named=True)]


def _settings(study: str) -> Sampling:
    known: dict[str, Any] = json.loads(study).get("settings", {})
    return Sampling(**{name: value for name, value in known.items() if name in Sampling.model_fields})


def _uses(settings: Sampling) -> tuple[object, ...]:
    """The settings on which it depends what a call takes."""
    return settings.max_tokens, settings.effort, settings.thinking
