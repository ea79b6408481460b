-- The 20 latest completions: what was asked, what came, and how it was read
select
    responses.started,
    responses.run,
    responses.model,
    responses.language,
    responses.item,
    responses.persona_id,
    prompts.system,
    prompts."user",
    responses.text,
    responses.status,
    responses.codes,
    responses.detail
from responses
join prompts on prompts.id = responses.prompt::uuid
order by responses.started desc, responses.trial_id
limit 20;
