-- Version 1: the tables. Times are UTC. Ids of trials and prompts are UUIDs here, which are nine times as quick to join
-- as text, and 32 hexadecimal digits in the views: responses.trial_id::uuid = trials.id. No table has an index:
-- uniqueness is kept when rows go in.

create table meta (key varchar not null, value varchar not null);

-- One execution of a study. `created` is when it was first started, `started` when it was last (re)started;
-- `outcome` is null while it is under way or after it was killed, else done | incomplete | stopped | failed.
create table runs (
    id varchar not null,
    model varchar not null,
    simulated boolean not null,
    study json not null,
    package varchar not null,
    parser varchar not null,
    created timestamp not null,
    started timestamp not null,
    finished timestamp,
    outcome varchar,
    planned struct(questionnaire varchar, language varchar, trials bigint)[] not null
);

-- Trials a run needed and found answered by an earlier one.
create table reused (run varchar not null, trial_id uuid not null);

create table questionnaires (
    id varchar not null,
    version varchar not null,
    title varchar not null,
    wording varchar not null,
    citation varchar not null,
    scoring json not null
);

create table items (
    questionnaire varchar not null,
    version varchar not null,
    item varchar not null,
    code varchar not null,
    kind varchar not null,
    scale varchar not null,
    scale_kind varchar not null,
    codes integer[] not null,
    dimensions varchar[] not null,
    reverse boolean not null,
    topic varchar not null
);

create table personas (id varchar not null, pool varchar not null, attributes map(varchar, varchar) not null);

-- What was asked, once per trial however often it was tried. `realised` holds the codes of the options as they were
-- printed, top to bottom.
create table trials (
    id uuid not null,
    questionnaire varchar not null,
    version varchar not null,
    item varchar not null,
    language varchar not null,
    persona varchar not null,
    frame varchar not null,
    wording integer not null,
    option_order varchar not null,
    repeat integer not null,
    elicitation varchar not null,
    seed ubigint not null,
    prompt uuid not null,
    realised integer[] not null
);

-- The words of a prompt, once for all trials that share them; the id is a hash of the rest of the row.
create table prompts (
    id uuid not null,
    system varchar not null,
    "user" varchar not null,
    options struct(code integer, key varchar, label varchar, spellings varchar[])[] not null,
    min_picks integer not null,
    max_picks integer not null,
    ordered boolean not null
);

-- Every call, failed ones too: unique by (run, trial_id, attempt).
create table completions (
    run varchar not null,
    trial_id uuid not null,
    attempt integer not null,
    model varchar not null,
    text varchar,
    started timestamp not null,
    seconds double not null,
    finish_reason varchar,
    option_logprobs double[],
    token_logprobs struct(token varchar, logprob double)[][],
    tokens_in bigint,
    tokens_out bigint,
    tokens_cached bigint,
    cost double,
    error_kind varchar,
    error_message varchar,
    retry_after double
);

-- What each completion says, once per version of the parser: unique by (run, trial_id, attempt, parser).
create table answers (
    run varchar not null,
    trial_id uuid not null,
    attempt integer not null,
    parser varchar not null,
    status varchar not null,
    code integer,
    codes integer[] not null,
    probabilities map(integer, double),
    mass double,
    detail varchar not null
);

-- Human reference figures.
create table populations (
    id varchar not null,
    country varchar,
    year integer,
    variable varchar not null,
    value double,
    sd double,
    n bigint,
    source varchar not null
);
