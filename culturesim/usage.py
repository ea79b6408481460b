"""What a model has been seen to use: tokens per byte of prompt, by language, from the answers in a store."""

from __future__ import annotations

from dataclasses import dataclass

from culturesim.store import Store

_MEASURED = """
    select t.language, count(*) as calls,
        sum(octet_length(encode(p.system)) + octet_length(encode(p."user")))::bigint as prompt_bytes,
        sum(c.tokens_in)::bigint as tokens_in, sum(c.tokens_out)::bigint as tokens_out,
        coalesce(var_samp(c.tokens_out), 0) as variance_out
    from completions c
    join trials t on t.id = c.trial_id
    join prompts p on p.id = t.prompt
    join runs r on r.id = c.run
    where r.model = ? and t.elicitation = ? and c.error_kind is null and c.tokens_in > 0 and c.tokens_out is not null
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


def measured(store: Store, model: str, elicitation: str) -> list[Measured]:
    """What the model's answers in a store took, by language, when asked in this way."""
    store.recover()
    return [Measured(**row) for row in store.query(_MEASURED, [model, elicitation]).iter_rows(named=True)]
