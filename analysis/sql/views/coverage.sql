-- How far each run came, per questionnaire and language: trials planned, asked by the run, taken over from earlier
-- runs (`reused`) and still `pending`, then the number in each status. `valid_share` is over asked and reused.
create or replace view coverage as
with planned as (
    select id as run, model, simulated, unnest(planned, recursive := true) from runs
),
counted as (
    select
        run, questionnaire, language,
        count(*) filter (not reused) as asked,
        count(*) filter (reused) as reused,
        count(*) filter (status = 'valid') as valid,
        count(*) filter (status = 'refused') as refused,
        count(*) filter (status = 'ambiguous') as ambiguous,
        count(*) filter (status = 'off_scale') as off_scale,
        count(*) filter (status = 'empty') as empty,
        count(*) filter (status = 'unparsed') as unparsed,
        count(*) filter (status = 'error') as error
    from run_responses
    group by all
)
select
    run, model, simulated, questionnaire, language,
    trials as planned,
    coalesce(asked, 0) as asked,
    coalesce(reused, 0) as reused,
    greatest(trials - coalesce(asked, 0) - coalesce(reused, 0), 0) as pending,
    coalesce(valid, 0) as valid,
    coalesce(refused, 0) as refused,
    coalesce(ambiguous, 0) as ambiguous,
    coalesce(off_scale, 0) as off_scale,
    coalesce(empty, 0) as empty,
    coalesce(unparsed, 0) as unparsed,
    coalesce(error, 0) as error,
    valid / (asked + reused) as valid_share
from planned
left join counted using (run, questionnaire, language);
