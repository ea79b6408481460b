"""Where definitions live: a given path, then ``CULTURESIM_PATH``, then the checkout, then the copy in the package.

A *root* is a folder that holds any of ``questionnaires/``, ``personas/`` and ``analysis/``. Roots are overlays: a
user's own root adds to ours, and hides an entry of ours by the same name.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from culturesim.errors import UnknownNameError

PATH_VARIABLE = "CULTURESIM_PATH"
FOLDERS = ("questionnaires", "personas", "analysis")


def roots(given: Sequence[Path] = ()) -> tuple[Path, ...]:
    """Every root in order of precedence; raises ``UnknownNameError`` where a given path is no folder."""
    named = [*given, *(Path(part) for part in os.environ.get(PATH_VARIABLE, "").split(os.pathsep) if part)]
    for path in named:
        if not path.is_dir():
            raise UnknownNameError("folder of definitions", str(path), (), f"from --path or {PATH_VARIABLE}")
        if not any((path / folder).is_dir() for folder in FOLDERS):
            hint = f"it holds none of {', '.join(f'{folder}/' for folder in FOLDERS)}"
            raise UnknownNameError("folder of definitions", str(path), (), hint)
    return tuple(dict.fromkeys((*named, _shipped())))


@lru_cache(maxsize=1)
def _shipped() -> Path:
    package = Path(__file__).resolve().parent
    checkout = package.parent
    if (checkout / "pyproject.toml").is_file() and all((checkout / folder).is_dir() for folder in FOLDERS):
        return checkout
    return package / "_data"


def entries(folder: str, search: Sequence[Path], marker: str = "") -> dict[str, Path]:
    """Name → path of what lies in ``folder`` of the roots; earlier roots win.

    With ``marker``, only sub-folders that hold a file of this name; without, files, named by their stem.
    """
    found: dict[str, Path] = {}
    for root in search:
        place = root / folder
        if not place.is_dir():
            continue
        for path in sorted(place.iterdir()):
            if marker and (path / marker).is_file():
                found.setdefault(path.name, path)
            elif not marker and path.is_file() and not path.name.startswith("."):
                found.setdefault(path.stem, path)
    return found
