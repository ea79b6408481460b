"""Files of other projects that are at hand beside some checkouts, and are never part of this one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT

DATA = ROOT.parent / "shared" / "data"


def shared(*names: str) -> list[Path]:
    """The files of these names; skips the test where one is not there."""
    paths = [DATA / name for name in names]
    if missing := [path.name for path in paths if not path.is_file()]:
        pytest.skip(f"not beside this checkout: {', '.join(missing)}")
    return paths
