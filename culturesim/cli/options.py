"""The arguments commands share, and how they become a study."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from culturesim.api import Reach
from culturesim.errors import StudyError
from culturesim.library import Library
from culturesim.limits import Limits
from culturesim.study import DEFAULT_MODEL, Draw, Study, make_study, read_study

Models = Annotated[list[str] | None, typer.Argument(metavar="MODEL…", help=f"provider/name [default: {DEFAULT_MODEL}]")]
StudyFile = Annotated[Path | None, typer.Option("--study", help="a study as TOML; other options override it")]
Battery = Annotated[str | None, typer.Option(help="a named set of questionnaires")]
Questionnaires = Annotated[str | None, typer.Option("--questionnaire", help="names or folders, comma-separated")]
Items = Annotated[str | None, typer.Option(help="item ids or globs, comma-separated")]
Languages = Annotated[str | None, typer.Option(help="language tags, comma-separated")]
Personas = Annotated[str | None, typer.Option(help="POOL:N, such as world:8 or census:SE:200; or none")]
Told = Annotated[
    str | None,
    typer.Option("--rendering", help="how personas are told: second_person, first_person, third_person, biography"),
]
IncludeNone = Annotated[bool | None, typer.Option("--with-none/--without-none", help="also ask the model as itself")]
Frames = Annotated[str | None, typer.Option(help="how the question is put, comma-separated")]
Wordings = Annotated[str | None, typer.Option(help="numbers of wordings, comma-separated, or all")]
Orders = Annotated[str | None, typer.Option(help="printed, reversed, shuffled; comma-separated")]
Keys = Annotated[str | None, typer.Option(help="marks of the options: numbers or letters")]
Repeats = Annotated[int | None, typer.Option(min=1, help="how often each trial is asked")]
Elicit = Annotated[str | None, typer.Option(help="choice (sampled text), probabilities, or probabilities_or_choice")]
Fraction = Annotated[float | None, typer.Option(help="a balanced random part of the full crossing, 0 < f ≤ 1")]
Temperature = Annotated[float | None, typer.Option(min=0, help="sampling temperature")]
MaxTokens = Annotated[int | None, typer.Option(min=1, help="most tokens of a sampled answer")]
Effort = Annotated[str | None, typer.Option(help="how hard a reasoning model thinks: none, minimal, low, medium, …")]
Thinking = Annotated[int | None, typer.Option(min=0, help="most tokens of its thoughts, beyond those of the answer")]
Seed = Annotated[int | None, typer.Option(help="drives personas, option shuffles, sampling and the order of asking")]
Db = Annotated[Path, typer.Option(help="the DuckDB file")]
Json = Annotated[bool, typer.Option("--json", help="machine output on stdout")]
Paths = Annotated[list[Path] | None, typer.Option("--path", help="a folder with definitions of your own")]
BaseUrl = Annotated[str | None, typer.Option(help="an OpenAI-compatible server, such as http://localhost:8000/v1")]
Device = Annotated[str, typer.Option(help="where hf/ models run: cpu, cuda, cuda:1, mps [default: the best]")]
Dtype = Annotated[str | None, typer.Option(help="precision of hf/ models: float32, bfloat16, float16")]
TrustRemoteCode = Annotated[bool, typer.Option("--trust-remote-code", help="run the code that an hf/ model brings")]
Concurrency = Annotated[int, typer.Option(min=1, help="most calls at a time; fewer where the server pushes back")]
CallsPerMinute = Annotated[float | None, typer.Option("--rpm", min=0.1, help="most calls per minute")]
TokensPerMinute = Annotated[float | None, typer.Option("--tpm", min=1, help="most tokens per minute")]
Timeout = Annotated[
    float | None, typer.Option(min=0.1, help="seconds one call may take [default: 60 for APIs, more for thought]")
]
Retries = Annotated[int, typer.Option(min=0, help="how often a call that failed in passing is made again")]
Patience = Annotated[float, typer.Option(min=0, help="seconds a server may be down before the run stops")]
MaxCost = Annotated[float | None, typer.Option(min=0, help="stop before this many US dollars are passed")]
PriceFile = Annotated[Path | None, typer.Option("--prices", help="a TOML file of your own prices")]
Batch = Annotated[bool, typer.Option("--batch", help="hand in by batch: half the price, within a day")]
Limit = Annotated[int | None, typer.Option(min=1, help="ask at most this many trials, a random sample")]
Shard = Annotated[str, typer.Option(metavar="I/N", help="ask the I-th of N parts")]
RunName = Annotated[str | None, typer.Argument(metavar="[RUN]", help="one run; all answers where left out")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="show what would be asked, and ask nothing")]

DEFAULT_DB = Path("survey.duckdb")
DEFAULT_BATTERY = "first"


def library(paths: list[Path] | None) -> Library:
    """The definitions of the given folders and ours."""
    return Library(paths or [])


def split(text: str | None) -> tuple[str, ...] | None:
    """A comma-separated option as a tuple; None where it was not given."""
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())


def shard(text: str) -> tuple[int, int]:
    """``i/n`` as (i, n)."""
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise StudyError(f"--shard wants I/N with 1 ≤ I ≤ N, such as 2/8; not {text!r}")
    return int(part), int(parts)


def studies(
    models: Models = None,
    study: StudyFile = None,
    battery: Battery = None,
    questionnaire: Questionnaires = None,
    items: Items = None,
    languages: Languages = None,
    personas: Personas = None,
    rendering: Told = None,
    with_none: IncludeNone = None,
    frames: Frames = None,
    wordings: Wordings = None,
    orders: Orders = None,
    keys: Keys = None,
    repeats: Repeats = None,
    elicit: Elicit = None,
    fraction: Fraction = None,
    temperature: Temperature = None,
    max_tokens: MaxTokens = None,
    effort: Effort = None,
    thinking: Thinking = None,
    seed: Seed = None,
    dtype: Dtype = None,
) -> list[Study]:
    """One study per model: the file's, or the default's, with what was given on the command line over it."""
    base: dict[str, Any] = read_study(study).model_dump() if study else {}
    chosen = _given(temperature=temperature, max_tokens=max_tokens, effort=effort, thinking=thinking, seed=seed)
    settings = base.get("settings", {}) | chosen
    if battery or questionnaire:
        base = {name: value for name, value in base.items() if name not in {"battery", "questionnaires"}}
    factors = _given(
        battery=battery, questionnaires=split(questionnaire), items=split(items), languages=split(languages),
        personas=personas and Draw.parse(personas, settings.get("seed", 0)), include_none=with_none,
        frames=split(frames), wordings=wordings if wordings == "all" else split(wordings), option_orders=split(orders),
        keys=keys, repeats=repeats, elicitation=elicit, fraction=fraction, dtype=dtype,
        rendering=rendering,
    )  # fmt: skip
    merged = {"battery": "" if questionnaire or base else DEFAULT_BATTERY, **base, **factors, "settings": settings}
    file_model = merged.pop("model", DEFAULT_MODEL)
    return [make_study(**merged, model=model) for model in models or [file_model]]


def _given(**options: object) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def limits(
    concurrency: Concurrency = 64,
    rpm: CallsPerMinute = None,
    tpm: TokensPerMinute = None,
    timeout: Timeout = None,
    retries: Retries = 8,
    patience: Patience = 600.0,
    max_cost: MaxCost = None,
    prices: PriceFile = None,
    limit: Limit = None,
    batch: Batch = False,
) -> Limits:
    """How fast to ask and when to stop, as the run loop takes it."""
    return Limits(
        concurrency=concurrency, calls_per_minute=rpm, tokens_per_minute=tpm, timeout=timeout, retries=retries,
        patience=patience, max_cost=max_cost, prices=prices, max_trials=limit, batch=batch,
    )  # fmt: skip


def reach(base_url: BaseUrl = None, device: Device = "", trust_remote_code: TrustRemoteCode = False) -> Reach:
    """How models are reached, as the API takes it."""
    return Reach(base_url=base_url, device=device, trust_remote_code=trust_remote_code)


def with_studies(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command all options that make studies, in place of its parameter ``chosen``."""
    return _with_options_of(studies, "chosen", command)


def with_limits(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command all options that limit the asking, in place of its parameter ``limits``."""
    return _with_options_of(limits, "limits", command)


def with_reach(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command all options that say how models are reached, in place of its parameter ``reach``."""
    return _with_options_of(reach, "reach", command)


def _with_options_of(make: Callable[..., object], name: str, command: Callable[..., None]) -> Callable[..., None]:
    """The command with the parameters of ``make`` in place of ``name``, which gets what ``make`` makes of them."""
    own, shared = signature(command).parameters, signature(make).parameters

    @wraps(command)
    def typed(**arguments: Any) -> None:
        made = make(**{option: arguments.pop(option) for option in shared})
        command(**{name: made}, **arguments)

    hints = get_type_hints(make, include_extras=True) | get_type_hints(command, include_extras=True)
    listed = [part for each in own.values() for part in (shared.values() if each.name == name else [each])]
    parameters = [each.replace(annotation=hints[each.name], kind=each.KEYWORD_ONLY) for each in listed]
    typed.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    typed.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return typed
