"""Result tables + the templates of ``analysis/report`` → one HTML file that opens offline.

Nothing is computed here: values are formatted, counted up, or turned into a place on an axis. The words are in the
templates. Whatever came from a model or a file is escaped, and the templates, which a user may bring, run sandboxed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from pathlib import Path, PurePath
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from culturesim.errors import AnalysisError, CulturesimError, RenderError
from culturesim.language import language
from culturesim.records import STATUSES
from culturesim.results import Analysis, DesignRow, Estimate

PAGE = "index.html"
MISSING = "—"
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
STEPS = tuple(factor * 10.0**power for power in range(-2, 4) for factor in (1, 2, 5))
"""Distances between ticks that read well."""


def write_report(analysis: Analysis, templates: Path, out: Path) -> Path:
    """Writes ``index.html`` into the folder ``out`` and returns its path; ``templates`` is ``analysis/report``."""
    html = render_page(analysis, templates)
    page = out / PAGE
    try:
        out.mkdir(parents=True, exist_ok=True)
        page.write_bytes(html.encode("utf-8", "replace"))
    except OSError as error:
        raise CulturesimError(f"{page}: cannot be written ({error.strerror}); choose another folder with -o") from None
    return page


def render_page(analysis: Analysis, templates: Path) -> str:
    """The page as text; ``RenderError`` names file and line of a template that fails."""
    try:
        return _environment(templates).get_template(f"{PAGE}.j2").render(_context(analysis))
    except TemplateNotFound as error:
        raise RenderError(f"{templates}: no template {error.name}; templates must be a folder like ours") from None
    except TemplateSyntaxError as error:
        raise RenderError(f"{error.filename or templates}, line {error.lineno}: {error.message}") from None
    except TemplateError as error:
        raise RenderError(f"{_place(error) or templates}: {error.message}") from None
    except (TypeError, ValueError, LookupError, ArithmeticError) as error:
        raise RenderError(f"{_place(error) or templates}: {type(error).__name__}: {error}") from error


@lru_cache(maxsize=4)
def _environment(templates: Path) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(templates), autoescape=True, undefined=StrictUndefined, finalize=_printable,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "number": number, "signed": signed, "percent": percent, "interval": interval, "listed": listed,
        "moment": moment, "by": grouped, "study": study, "backend": backend, "step": step,
    }  # fmt: skip
    environment.globals |= {"language": language, "axis": axis, "scale_axis": scale_axis, "SHARE": SHARE}
    return environment


def _context(analysis: Analysis) -> dict[str, Any]:
    models = list(dict.fromkeys([row.model for row in analysis.design] + [row.model for row in analysis.coverage]))
    simulated = {row.model for row in analysis.design if row.simulated}
    return {
        "analysis": analysis,
        "database": PurePath(analysis.database).name,  # where it lies is nobody's business who reads the report
        "models": {model: _asked(analysis, model) for model in models},
        "simulated": [model for model in models if model in simulated],
        "adapted": [row for row in analysis.questionnaires if row.wording != "official"],
        "levels": {key: {one for row in analysis.design for one in study(row).get(key, ())}
                   for key in ("option_orders", "frames")},
        "titles": {row.questionnaire: row.title for row in analysis.questionnaires},
        "verdicts": {(row.model, row.questionnaire, row.language): row.verdict for row in analysis.positions},
        "statuses": [s for s in STATUSES if any(row.statuses.get(s) for row in analysis.coverage)],
    }  # fmt: skip


def _asked(analysis: Analysis, model: str) -> dict[str, Any]:
    """What one model was asked, counted over its rows."""
    rows = [row for row in analysis.coverage if row.model == model]
    studies = [study(row) for row in analysis.design if row.model == model]
    draws = [(draw.get("n"), draw.get("pool")) for draw in (one.get("personas") or {} for one in studies)]
    return {
        "planned": sum(row.planned for row in rows),
        "asked": sum(row.asked for row in rows),
        "valid": sum(row.statuses.get("valid", 0) for row in rows),
        "languages": list(dict.fromkeys(row.language for row in rows)),
        "draws": list(dict.fromkeys(draw for draw in draws if draw[0])),
        "alone": any(one.get("include_none", True) for one in studies),
    }


def _place(error: BaseException) -> str:
    """File and line of the innermost template in an error's traceback."""
    place, trace = "", error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename.endswith(".j2"):
            place = f"{trace.tb_frame.f_code.co_filename}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _printable(value: Any) -> Any:
    """Control characters become the replacement character: no HTML may hold them, and those of direction disguise."""
    return _CONTROL.sub("\ufffd", value) if type(value) is str else value


# ---------------------------------------------------------------- numbers and words


def number(value: float | None, digits: int = 2) -> str:
    """A number as English prints it, with a true minus sign; a dash where it is missing."""
    if value is None:
        return MISSING
    text = f"{value:,.{digits}f}"
    return text.lstrip("-") if not text.strip("-0.") else text.replace("-", "−")


def signed(value: float | None, digits: int = 2) -> str:
    """A number with its sign, plus or minus."""
    text = number(value, digits)
    return f"+{text}" if value is not None and value > 0 and text.strip("0.") else text


def percent(value: float | None, sign: str = "\u202f%") -> str:
    """A share in per cent; one decimal close to 0 and 100, so that nearly all never reads as all."""
    if value is None:
        return MISSING
    if 0 < value < 0.0005:
        return f"<0.1{sign}"
    if 0.9995 < value < 1:
        return f">99.9{sign}"
    return number(100 * value, 1 if 0 < value < 0.01 or 0.99 < value < 1 else 0) + sign


def interval(estimate: Estimate, style: str = "number") -> str:
    """The bounds of an estimate, as ``number``, ``signed`` or ``percent`` prints them; "" where it has none."""
    if estimate.low is None or estimate.high is None:
        return ""
    bounds = (estimate.low, estimate.high)
    if style == "percent":
        low, high = (percent(bound, sign="") for bound in bounds)
    else:
        low, high = (signed(bound) if style == "signed" else number(bound) for bound in bounds)
    return f"{low} to {high}" if style == "signed" or min(bounds) < 0 else f"{low}–{high}"


def listed(words: Iterable[object]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *rest, last = [str(word) for word in words] or [MISSING]
    return f"{', '.join(rest)} and {last}" if rest else last


def moment(text: str | None) -> str:
    """A point of time to the minute, from its ISO 8601 form; times are kept in UTC."""
    return f"{text[:16].replace('T', ' ')} UTC" if text else MISSING


def grouped(rows: Iterable[Any], *names: str) -> list[tuple[Any, list[Any]]]:
    """Rows by the values of some attributes, groups in order of first appearance; one name gives plain keys."""
    key = attrgetter(*names)
    groups: dict[Any, list[Any]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return list(groups.items())


def study(row: DesignRow) -> Mapping[str, Any]:
    """The factors of a run's study; personas are told in the second person where it does not say otherwise."""
    factors = _stored(row, "study", row.study)
    return {"rendering": "second_person"} | dict(factors) if (factors.get("personas") or {}).get("n") else factors


def backend(row: DesignRow) -> Mapping[str, Any]:
    """What exactly answered a run, as far as it is known."""
    return _stored(row, "backend", row.backend)


def _stored(row: DesignRow, name: str, text: str) -> Mapping[str, Any]:
    try:
        told = json.loads(text)
    except json.JSONDecodeError as error:
        raise AnalysisError(f"run {row.run}: its {name} in the store is not JSON ({error}); cannot report it") from None
    return told if isinstance(told, dict) else {}


# ---------------------------------------------------------------- places


@dataclass(frozen=True, slots=True)
class Axis:
    """A stretch of numbers drawn from left to right."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> str:
        """How far along the axis a value lies, as CSS and SVG want it; kept inside the axis."""
        share = (value - self.low) / (self.high - self.low)
        return f"{100 * min(1.0, max(0.0, share)):.2f}%"

    def label(self, tick: float) -> str:
        """A tick's number, with no more digits than it needs."""
        return number(tick, next(digits for digits in (0, 1, 2) if digits == 2 or round(tick, digits) == tick))


SHARE = Axis(0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0))
"""The axis of a share."""


def axis(estimates: Iterable[Estimate], *, symmetric: bool = False) -> Axis:
    """An axis that holds all estimates with their intervals, and zero."""
    bounds = [part for e in estimates for part in (e.value, e.low, e.high) if part is not None]
    low, high = min([0.0, *bounds]), max([0.0, *bounds])
    if symmetric:
        low, high = -max(-low, high), max(-low, high)
    width = high - low or 1.0
    pace = next((pace for pace in STEPS if width / pace <= 5), width)
    first, last = math.floor(low / pace + 1e-9), math.ceil(high / pace - 1e-9)
    last = max(last, first + 1)
    return Axis(first * pace, last * pace, tuple(round(tick * pace, 9) for tick in range(first, last + 1)))


def scale_axis(scale: str, estimates: Iterable[Estimate]) -> Axis:
    """The axis of a scale such as "1–5"; of any other, one that holds the estimates."""
    found = re.fullmatch(r"(-?\d+)(?:–|-)(-?\d+)", scale.replace("−", "-").replace(" ", ""))
    if not found or int(found[1]) >= int(found[2]):
        return axis(estimates)
    low, high = int(found[1]), int(found[2])
    pace = next(pace for pace in (1, 2, 5, 10, 20, 50, high - low) if (high - low) / pace <= 10)
    return Axis(low, high, tuple(float(tick) for tick in range(low, high + 1, pace)))


def step(code: int, codes: Sequence[int], steps: int = 10) -> int:
    """The colour of a code: its place among ``codes`` on a ramp of 0 … ``steps``."""
    return round(steps * codes.index(code) / max(1, len(codes) - 1))
