-- What each run used, per language and questionnaire, by the completions it kept: answers and final failures. Calls that
-- failed and were made again leave no row. `cost` is null where that of any call is not known, for want of a price or
-- because the server did not tell its tokens.
create or replace view costs as
select
    run,
    coalesce(runs.model, completions.model) as model,
    language,
    questionnaire,
    count(*) as calls,
    count(*) filter (error_kind is not null) as failed,
    sum(tokens_in)::bigint as tokens_in,
    sum(tokens_out)::bigint as tokens_out,
    sum(tokens_cached)::bigint as tokens_cached,
    sum(tokens_reasoning)::bigint as tokens_reasoning,
    sum(seconds) as seconds,
    case when count(*) = count(cost) then sum(cost) end as cost
from completions
join trials on trials.id = trial_id
left join runs on runs.id = run
group by all;
