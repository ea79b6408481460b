-- How the answers to an item are spread over the codes of its scale, per run, model and every way it was asked:
-- a row for each code, also for those nobody chose. `n` answers of the `valid` among the `asked` chose the code
-- (under probabilities: found it the likeliest). `share` is over the valid answers: the mean probability where
-- probabilities were elicited, else n / valid; for items with several picks the shares add up to the number of picks.
create or replace view item_distributions as
with answered as (
    select
        run_responses.*, persona_id <> 'none' as with_persona, unnest(items.codes) as option,
        list_contains(run_responses.codes, option) as chosen,
        coalesce(probabilities[option], chosen::integer) as weight
    from run_responses
    join items using (questionnaire, version, item)
)
select
    run, model, simulated, questionnaire, version, item, item_code, dimension, language, with_persona, frame, wording,
    option_order, elicitation, option as code,
    count(*) as asked,
    count(*) filter (status = 'valid') as valid,
    count(*) filter (status = 'valid' and chosen) as n,
    avg(weight) filter (status = 'valid') as share
from answered
group by all;
