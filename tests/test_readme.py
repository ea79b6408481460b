"""The README's code blocks, run as they stand, in order, in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(bash|python)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
OURS = ("Makefile", "README.md", "pyproject.toml", "culturesim", "questionnaires", "personas", "analysis")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project in a folder of its own, with this interpreter's environment as its ``.venv``."""
    folder = tmp_path_factory.mktemp("clone")
    for name in OURS:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    bin_ = folder / ".venv" / "bin"
    bin_.mkdir(parents=True)
    (bin_ / "activate").touch()
    for name, arguments in (("python", ""), ("culturesim", "-m culturesim")):
        (bin_ / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        (bin_ / name).chmod(0o755)
    for stamp in (".culturesim-run", ".culturesim-hf", ".culturesim-dev"):
        (folder / ".venv" / stamp).touch()
    return folder


def surroundings() -> dict[str, str]:
    """The environment without what a make that runs the tests says to makes inside it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}


def make(*arguments: str) -> str:
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=ROOT, env=surroundings(), capture_output=True, text=True, check=True).stdout


def run(clone: Path, *command: str) -> str:
    environment = surroundings() | {"PATH": f"{clone}/.venv/bin:{os.environ['PATH']}", "PYTHONPATH": str(clone)}
    ended = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return ended.stdout + ended.stderr


def test_the_two_commands_at_the_top() -> None:
    assert [code.strip() for _, code in BLOCKS[:2]] == ["make survey", "make test"]


@pytest.mark.slow
def test_make_survey_asks_a_real_model(clone: Path) -> None:
    pytest.importorskip("xllamacpp", reason="needs the wheel xllamacpp")
    shown = run(clone, "bash", "-euc", BLOCKS[0][1])
    assert "report/index.html" in shown
    counted = run(clone, "culturesim", "sql", "select count(*), count(distinct language), count(distinct persona_id), "
                  "count(distinct option_order), bool_and(mass is not null) from responses", "--json")  # fmt: skip
    assert re.findall(r": (\w+)", counted) == ["432", "4", "9", "2", "true"]
    page = (clone / "report" / "index.html").read_text(encoding="utf-8")
    assert "not evidence of values" in page


def test_make_test_is_what_ci_runs() -> None:
    """Not run here, where it runs already."""
    assert "make test" in (ROOT / ".ci" / "run").read_text().splitlines()[-1]
    dry = make("-n", "test")
    assert dry.strip().endswith("-m pytest")


@pytest.mark.slow
def test_the_other_blocks(clone: Path) -> None:
    for language, code in BLOCKS[2:]:
        run(clone, *(("bash", "-euc", code) if language == "bash" else (sys.executable, "-c", code)))
    assert (clone / "trial-report" / "index.html").exists()
    assert (clone / "study.duckdb").exists()


@pytest.mark.slow
def test_the_guide_to_authoring(clone: Path) -> None:
    guide = (ROOT / "docs" / "authoring.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```bash\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3
    shutil.rmtree(clone / "mine", ignore_errors=True)
    for code in blocks:
        run(clone, "bash", "-euc", code.replace("komsuluk.duckdb", "guide.duckdb"))
    assert (clone / "guide.duckdb").exists()


def test_make_help_names_every_target() -> None:
    shown = make("help")
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(targets) == {line.split()[0] for line in shown.splitlines()}
    assert len((ROOT / "Makefile").read_text().splitlines()) <= 80
