-- The responses of each run as its study sees them: those it asked itself and those it found answered by an earlier
-- run (`reused`). A trial that two runs share appears once for each, so group by run; `asked_by` is the run whose
-- completion it is.
create or replace view run_responses as
with shared as (
    select trial_id from completions group by trial_id having min(run) <> max(run)
),
others as (
    select run, trial_id, bool_and(reused) as reused
    from (
        select run, trial_id, false as reused from completions semi join shared using (trial_id)
        union all
        select run, trial_id, true from reused
    )
    group by run, trial_id
)
select run, false as reused, run as asked_by, responses.* exclude (run) from responses
union all by name
select others.run, others.reused, responses.run as asked_by, responses.* exclude (run)
from others
join responses on responses.trial_id = replace(others.trial_id::varchar, '-', '') and responses.run <> others.run;
