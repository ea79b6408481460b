"""The public names: few, all there, and cheap to import."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import culturesim as cs

SDKS = ("openai", "anthropic", "transformers", "torch", "statsmodels", "scipy", "duckdb", "polars", "pydantic", "rich")


def test_all_is_what_there_is() -> None:
    assert set(cs.__all__) == set(dir(cs)) <= set(cs.__all__)
    assert all(getattr(cs, name) is not None for name in cs.__all__)


def test_there_are_at_most_twenty() -> None:
    assert len(cs.__all__) <= 20


def test_typing_imports_match_all() -> None:
    tree = ast.parse(Path(cs.__file__).read_text(encoding="utf-8"))
    imported = {a.asname or a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for a in n.names}
    assert set(cs.__all__) - {"__version__"} <= imported


def test_every_public_name_is_documented() -> None:
    assert all(inspect.getdoc(getattr(cs, name)) for name in cs.__all__)


def test_functions_stay_when_modules_of_their_name_are_imported() -> None:
    code = "import culturesim as cs, culturesim.survey, culturesim.plan; print(callable(cs.survey), callable(cs.plan))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "True True\n"
    )


def test_importing_loads_no_sdk() -> None:
    code = "import sys, culturesim; print(*sorted(set(name.split('.')[0] for name in sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not set(SDKS) & set(loaded)


def test_importing_is_cheap() -> None:
    """Counted in modules, which is what import time grows with, so that no clock decides."""
    count = "import sys; before = len(sys.modules); import culturesim; print(len(sys.modules) - before)"
    loaded = subprocess.run([sys.executable, "-c", count], capture_output=True, text=True, check=True).stdout
    assert int(loaded) < 40
