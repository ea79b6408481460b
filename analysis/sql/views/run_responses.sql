-- The responses of each run as its study sees them: those it asked itself and those it found answered by an earlier
-- run (`reused`). A trial that two runs share appears once for each, so group by run; `asked_by` is the run whose
-- completion it is.
create or replace view run_responses as
with members as (
    select run, trial_id, bool_and(reused) as reused
    from (select run, trial_id, false as reused from completions union all select run, trial_id, true from reused)
    group by run, trial_id
)
select members.run, members.reused, responses.run as asked_by, responses.* exclude (run)
from members
join responses on responses.trial_id = replace(members.trial_id::varchar, '-', '');
