-- Answers that are missing, and why, by model, questionnaire and language
select
    model,
    questionnaire,
    language,
    count(*) as asked,
    count(*) filter (status = 'refused') as refused,
    count(*) filter (status in ('ambiguous', 'off_scale', 'empty', 'unparsed')) as unclear,
    count(*) filter (status = 'error') as failed,
    round(avg((status = 'refused')::integer), 4) as refused_share,
    round(avg((status <> 'valid')::integer), 4) as missing_share
from responses
group by all
order by missing_share desc, model, questionnaire, language;
