-- The score of each respondent on each dimension: the mean value of its items, over `n_items` of the dimension's
-- `of_items`. An item asked in several wordings counts once, by its mean. Only questionnaires scored by the mean are
-- here: formulas over group means and centred scores are computed by `culturesim analyse`. A filling (one respondent,
-- language, frame, wording, order and repeat) that failed an attention item of its questionnaire is not here.
create or replace view scores as
with keyed as (
    select questionnaire, version, item, unnest(dimensions) as dimension
    from items
    join (select id as questionnaire, version from questionnaires where scoring ->> 'method' = 'mean')
        using (questionnaire, version)
    where kind = 'scale' and scale_kind = 'ordinal'
),
sizes as (
    select questionnaire, version, dimension, count(distinct item) as of_items from keyed group by all
),
failed as (
    select distinct
        run, questionnaire, version, language, persona_id, frame, wording, option_order, repeat
    from run_responses
    join (select id as questionnaire, version, scoring -> 'attention' as attention from questionnaires)
        using (questionnaire, version)
    where list_contains((attention -> item)::integer[], code)
),
item_means as (
    select
        run, model, simulated, questionnaire, version, keyed.dimension, language, persona_id, frame, option_order,
        elicitation, repeat, item, avg(value) as value
    from run_responses
    join keyed using (questionnaire, version, item)
    anti join failed using (run, questionnaire, version, language, persona_id, frame, wording, option_order, repeat)
    where value is not null
    group by all
)
select
    run, model, simulated, questionnaire, version, dimension, language, persona_id, frame, option_order, elicitation,
    repeat,
    avg(value) as score,
    count(*) as n_items,
    any_value(of_items) as of_items
from item_means
join sizes using (questionnaire, version, dimension)
group by all;
