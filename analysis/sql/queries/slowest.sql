-- The 20 slowest calls
select
    round(completions.seconds, 3) as seconds,
    completions.run,
    completions.model,
    trials.questionnaire,
    trials.item,
    trials.language,
    completions.attempt,
    completions.tokens_in,
    completions.tokens_out,
    completions.error_kind,
    replace(completions.trial_id::varchar, '-', '') as trial_id
from completions
join trials on trials.id = completions.trial_id
order by completions.seconds desc, completions.trial_id
limit 20;
