-- Mean value of each item in each language, beside the mean of its languages
with means as (
    select
        model, questionnaire, item, language,
        count(*) as asked, count(value) as n, avg(value) as mean, stddev_samp(value) as sd
    from responses
    where kind = 'scale'
    group by all
)
select
    * replace (round(mean, 3) as mean, round(sd, 3) as sd),
    round(avg(mean) over (partition by model, questionnaire, item), 3) as mean_of_languages
from means
order by model, questionnaire, item, language;
