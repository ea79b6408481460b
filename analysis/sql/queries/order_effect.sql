-- Mean value of each item with its options printed, reversed and shuffled: what moves here is the order's doing
select
    model,
    questionnaire,
    item,
    language,
    round(avg(value) filter (option_order = 'printed'), 3) as printed,
    round(avg(value) filter (option_order = 'reversed'), 3) as reversed,
    round(avg(value) filter (option_order = 'shuffled'), 3) as shuffled,
    round(avg(value) filter (option_order = 'reversed') - avg(value) filter (option_order = 'printed'), 3) as effect,
    count(value) as n
from responses
group by all
having count(distinct option_order) > 1
order by abs(effect) desc nulls last, model, questionnaire, item, language;
