"""The layers of the house, and the one home each third party has, read off the syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "culturesim"

LEVELS = {
    "errors": 0,
    "records": 5,
    "results": 10, "resources": 10, "language": 10, "shuffle": 10, "formula": 10, "definition": 10,
    "country": 15,
    "journal": 20, "lexicon": 20, "questionnaire": 20, "persona": 20, "population": 20, "study": 20, "pricing": 20,
    "limits": 20,
    "migrations": 20, "inversion": 10, "society": 22,
    "library": 25,
    "design": 30, "render": 30, "parse": 30, "score": 30, "backends": 30, "store": 30, "stats": 30,
    "prepare": 35, "flow": 35, "retrying": 35, "pending": 36, "intake": 36, "adoption": 37, "batches": 38, "usage": 36,
    "briefing": 36, "patience": 10,
    "plan": 40, "survey": 40, "claims": 35, "answers": 35, "fetch": 36, "leaks": 35, "checks": 36, "analyse": 40,
    "check": 40, "exchange": 40,
    "report": 50, "validation": 50,
    "api": 55, "serve": 55,
    "cli": 60, "__main__": 70,
}  # fmt: skip

ONLY = {"backends": {"errors", "records"}, "store": {"errors", "records", "journal", "migrations"}, "stats": {"errors"}}
"""Modules that see less than their level allows."""

HOMES = {
    "duckdb": {"store", "migrations"}, "jinja2": {"render", "report", "backends", "checks"}, "rich": {"cli"},
    "typer": {"cli"}, "babel": {"language", "exchange"}, "openpyxl": {"exchange"}, "tomlkit": {"exchange"},
    "statsmodels": {"stats"}, "scipy": {"stats"}, "pandas": {"stats"}, "threadpoolctl": {"stats"},
    "openai": {"backends"}, "anthropic": {"backends"}, "aiohttp": {"backends", "serve"},
    "orjson": {"backends", "journal", "serve"}, "py3langid": {"checks"}, "httpx2": {"backends"},
    "xllamacpp": {"backends"}, "transformers": {"backends"}, "torch": {"backends"}, "genai_prices": {"pricing"},
    "tomllib": {"definition"},
}  # fmt: skip

HEAVY = {
    "openai", "anthropic", "aiohttp", "transformers", "torch", "xllamacpp", "py3langid", "openpyxl", "tomlkit", "scipy",
    "statsmodels", "pandas",
}  # fmt: skip
"""SDKs that are imported when used, never with a module."""


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE)
        if place.parts != ("__init__.py",) and place.parts[0] != "_data":
            yield place.parts[0].removesuffix(".py"), path


def imports(path: Path, *, top_level: bool = False) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


MODULES = list(modules())


@pytest.mark.parametrize(("module", "path"), MODULES, ids=[str(path.relative_to(PACKAGE)) for _, path in MODULES])
def test_a_module_imports_only_from_lower_levels(module: str, path: Path) -> None:
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "culturesim" or parts[1] in {module, "__version__"}:
            continue
        assert LEVELS[parts[1]] < LEVELS[module], f"{path} imports {name}"
        assert parts[1] in ONLY.get(module, LEVELS), f"{path} may not see {parts[1]}"


@pytest.mark.parametrize(("module", "path"), MODULES, ids=[str(path.relative_to(PACKAGE)) for _, path in MODULES])
def test_third_parties_have_one_home(module: str, path: Path) -> None:
    for name in imports(path):
        package = name.split(".")[0]
        assert module in HOMES.get(package, {module}), f"{path} imports {name}"


@pytest.mark.parametrize(("module", "path"), MODULES, ids=[str(path.relative_to(PACKAGE)) for _, path in MODULES])
def test_sdks_are_imported_when_used(module: str, path: Path) -> None:
    assert not HEAVY & {name.split(".")[0] for name in imports(path, top_level=True)}


def test_every_module_has_a_level() -> None:
    assert {module for module, _ in MODULES} <= set(LEVELS)


def test_analysis_holds_no_python() -> None:
    assert not list((PACKAGE.parent / "analysis").rglob("*.py"))
