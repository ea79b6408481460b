"""The wheel stands alone: built, installed into an empty environment, used from an empty folder."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel."""
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel. It sees this one's libraries, since no test reaches a package registry."""
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return python


def run(python: Path, folder: Path, *arguments: str) -> str:
    command = [str(python.parent / "culturesim"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def test_definitions_are_inside(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for inside in ("questionnaires/mfq2/ar.toml", "personas/pools/world.toml", "analysis/report/index.html.j2"):
        assert f"culturesim/_data/{inside}" in names
    assert not [name for name in names if name.startswith(("tests/", "docs/"))]


def test_it_is_the_wheel_that_runs(python: Path, tmp_path: Path) -> None:
    where = "import culturesim; from culturesim.library import Library; print(culturesim.__file__, Library().roots[0])"
    shown = subprocess.run([str(python), "-c", where], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    package, root = shown.split()
    assert package.startswith(str(python.parent.parent))
    assert root.endswith("culturesim/_data")


@pytest.mark.slow
def test_it_works_from_an_empty_folder(python: Path, tmp_path: Path) -> None:
    run(python, tmp_path, "check")
    run(python, tmp_path, "survey", "sim/uniform", "--languages", "en,zh", "--personas", "world:3", "--report", "out")
    assert "96" in run(python, tmp_path, "sql", "select count(*) as n from responses", "--json")
    assert (tmp_path / "out" / "index.html").exists()
