"""The arguments commands share, and how they become a study."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from culturesim.errors import StudyError
from culturesim.library import Library
from culturesim.study import DEFAULT_MODEL, Draw, Study, make_study, read_study

Models = Annotated[list[str] | None, typer.Argument(metavar="MODEL…", help=f"provider/name [default: {DEFAULT_MODEL}]")]
StudyFile = Annotated[Path | None, typer.Option("--study", help="a study as TOML; other options override it")]
Battery = Annotated[str | None, typer.Option(help="a named set of questionnaires")]
Questionnaires = Annotated[str | None, typer.Option("--questionnaire", help="names or folders, comma-separated")]
Items = Annotated[str | None, typer.Option(help="item ids or globs, comma-separated")]
Languages = Annotated[str | None, typer.Option(help="language tags, comma-separated")]
Personas = Annotated[str | None, typer.Option(help="POOL:N, or none")]
IncludeNone = Annotated[bool | None, typer.Option("--with-none/--without-none", help="also ask the model as itself")]
Frames = Annotated[str | None, typer.Option(help="how the question is put, comma-separated")]
Wordings = Annotated[str | None, typer.Option(help="numbers of wordings, comma-separated, or all")]
Orders = Annotated[str | None, typer.Option(help="printed, reversed, shuffled; comma-separated")]
Keys = Annotated[str | None, typer.Option(help="marks of the options: numbers or letters")]
Repeats = Annotated[int | None, typer.Option(min=1, help="how often each trial is asked")]
Elicit = Annotated[str | None, typer.Option(help="choice (sampled text) or probabilities")]
Fraction = Annotated[float | None, typer.Option(help="a balanced random part of the full crossing, 0 < f ≤ 1")]
Temperature = Annotated[float | None, typer.Option(min=0, help="sampling temperature")]
MaxTokens = Annotated[int | None, typer.Option(min=1, help="most tokens of a sampled answer")]
Seed = Annotated[int | None, typer.Option(help="drives personas, option shuffles, sampling and the order of asking")]
Db = Annotated[Path, typer.Option(help="the DuckDB file")]
Json = Annotated[bool, typer.Option("--json", help="machine output on stdout")]
Paths = Annotated[list[Path] | None, typer.Option("--path", help="a folder with definitions of your own")]
BaseUrl = Annotated[str | None, typer.Option(help="an OpenAI-compatible server, such as http://localhost:8000/v1")]
Concurrency = Annotated[int, typer.Option(min=1, help="most calls at a time")]
MaxCost = Annotated[float | None, typer.Option(min=0, help="stop at this many US dollars")]
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
    seed: Seed = None,
) -> list[Study]:
    """One study per model: the file's, or the default's, with what was given on the command line over it."""
    base: dict[str, Any] = read_study(study).model_dump() if study else {}
    settings = base.get("settings", {}) | _given(temperature=temperature, max_tokens=max_tokens, seed=seed)
    if battery or questionnaire:
        base = {name: value for name, value in base.items() if name not in {"battery", "questionnaires"}}
    factors = _given(
        battery=battery, questionnaires=split(questionnaire), items=split(items), languages=split(languages),
        personas=personas and Draw.parse(personas, settings.get("seed", 0)), include_none=with_none,
        frames=split(frames), wordings=wordings if wordings == "all" else split(wordings), option_orders=split(orders),
        keys=keys, repeats=repeats, elicitation=elicit, fraction=fraction,
    )  # fmt: skip
    merged = {"battery": "" if questionnaire or base else DEFAULT_BATTERY, **base, **factors, "settings": settings}
    file_model = merged.pop("model", DEFAULT_MODEL)
    return [make_study(**merged, model=model) for model in models or [file_model]]


def _given(**options: object) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def with_studies(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command all options that make studies, in place of its first parameter, ``chosen``."""
    own = list(signature(command).parameters.values())[1:]
    shared = signature(studies).parameters

    @wraps(command)
    def typed(**arguments: Any) -> None:
        command(studies(**{name: arguments.pop(name) for name in shared}), **arguments)

    hints = get_type_hints(studies, include_extras=True) | get_type_hints(command, include_extras=True)
    parameters = [parameter.replace(annotation=hints[parameter.name]) for parameter in (*shared.values(), *own)]
    typed.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    typed.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return typed
