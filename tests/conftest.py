"""What tests share: a library, small studies, and a network that ends at this machine."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from culturesim.library import Library
from culturesim.prepare import Prepared, prepare
from culturesim.store import Store
from culturesim.study import make_study

ROOT = Path(__file__).parent.parent

LANGUAGES = ("ar", "de", "en", "es", "fr", "hi", "ja", "ko", "pt", "ru", "sw", "zh")
"""The languages that everything is written in."""


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches another machine, and none finds a key."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if (
            isinstance(address, tuple)
            and address[0] != "localhost"
            and not ipaddress.ip_address(address[0]).is_loopback
        ):
            raise AssertionError(f"a test tried to reach {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "CULTURESIM_PATH"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def library() -> Library:
    """The definitions of this checkout."""
    return Library()


@pytest.fixture(scope="session")
def prepared(library: Library) -> Callable[..., Prepared]:
    """Makes prepared studies from factors; asks ``sim/uniform`` the battery "first" unless told otherwise."""

    def make(**factors: Any) -> Prepared:
        asked = {} if {"battery", "questionnaires"} & set(factors) else {"battery": "first"}
        return prepare(make_study(**{"model": "sim/uniform"} | asked | factors), library)

    return make


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "survey.duckdb", views=ROOT / "analysis" / "sql")
