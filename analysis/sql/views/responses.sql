-- One flat row per trial: its latest attempt, read by the newest version of the parser.
--
-- `run` and `model` are those of the run that asked; `served_model` is what the server called itself.
-- `persona` holds the persona's attributes: persona['age'].
-- `order_codes` are the codes of the options as printed, from top to bottom.
-- `value` is on the scale's own codes, reverse-keyed items turned round (lowest + highest - code); where option
-- probabilities were elicited it is the expected value. It is null unless the answer is valid and the scale ordinal:
-- what is missing is a status, never a number.
create or replace view responses as
-- Hardly any trial is asked twice, or read by two parsers: those few are sorted, all others taken as they are.
with again as (
    select trial_id from completions group by trial_id having count(*) > 1
),
latest as (
    from completions anti join again using (trial_id)
    union all by name
    from (
        from completions semi join again using (trial_id)
        qualify row_number() over (partition by trial_id order by attempt desc, started desc, run desc) = 1
    )
),
reread as (
    select run, trial_id, attempt from answers group by all having count(*) > 1
),
newest as (
    from answers anti join reread using (run, trial_id, attempt)
    union all by name
    from (
        from answers semi join reread using (run, trial_id, attempt)
        qualify row_number() over (
            partition by run, trial_id, attempt
            -- Versions are compared number by number, so that 10 follows 9.
            order by list_transform(string_split(parser, '.'), lambda part: try_cast(part as integer)) desc, parser desc
        ) = 1
    )
),
read as (
    select
        latest.*,
        newest.* exclude (run, trial_id, attempt),
        coalesce(
            list_sum(list_transform(map_entries(newest.probabilities), lambda entry: entry.key * entry.value)),
            newest.code
        ) as raw
    from latest
    left join newest using (run, trial_id, attempt)
)
select
    replace(read.trial_id::varchar, '-', '') as trial_id,
    read.run,
    coalesce(runs.model, read.model) as model,
    read.model as served_model,
    runs.simulated,
    trials.questionnaire,
    trials.version,
    trials.item,
    items.code as item_code,
    items.kind,
    items.dimensions[1] as dimension,
    items.dimensions,
    items.topic,
    trials.language,
    trials.persona as persona_id,
    personas.attributes as persona,
    personas.pool,
    trials.frame,
    trials.wording,
    trials.option_order,
    trials.realised as order_codes,
    trials.repeat,
    trials.elicitation,
    trials.seed,
    replace(trials.prompt::varchar, '-', '') as prompt,
    read.attempt,
    read.parser,
    read.status,
    read.code,
    read.codes,
    case
        when read.status = 'valid' and items.kind = 'scale' and items.scale_kind = 'ordinal' then
            if(items.reverse, list_min(items.codes) + list_max(items.codes) - read.raw, read.raw)
    end as value,
    read.probabilities,
    read.mass,
    read.text,
    read.detail,
    read.finish_reason,
    read.error_kind,
    read.started,
    read.seconds,
    read.tokens_in,
    read.tokens_out,
    read.tokens_cached,
    read.tokens_reasoning,
    read.cost
from read
join trials on trials.id = read.trial_id
left join runs on runs.id = read.run
left join items on items.questionnaire = trials.questionnaire and items.version = trials.version
    and items.item = trials.item
left join personas on personas.id = trials.persona;
