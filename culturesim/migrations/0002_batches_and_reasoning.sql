-- Version 2: the thought part of what was generated, and batches.

alter table completions add column tokens_reasoning bigint;

-- Prompts handed in many at a time. `key` is our mark, noted before a batch is handed in; `provider_id` the provider's,
-- null until it is known; `state` is submitting | open | ended | lost. `trials` are those in it, and `attempts` how
-- often each had been asked before.
create table batches (
    key varchar not null,
    run varchar not null,
    provider_id varchar,
    created timestamp not null,
    state varchar not null,
    trials uuid[] not null,
    attempts integer[] not null
);
