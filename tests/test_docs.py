from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import ROOT


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = list(generator().pages())


@pytest.mark.parametrize(("path", "content"), PAGES, ids=[path.name for path, _ in PAGES])
def test_generated_pages_are_true(path: Path, content: str) -> None:
    """``make docs`` writes them anew."""
    assert path.read_text(encoding="utf-8") == content


def test_every_column_of_responses_is_described() -> None:
    page = (ROOT / "docs" / "store.md").read_text(encoding="utf-8")
    table = page.split("## responses")[1].split("\n## ")[0]
    assert table.count("\n| `") > 30
    assert "|  |" not in table
