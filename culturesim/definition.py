"""What all definition files share: strict models, and pydantic's findings told as faults with file and key."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from culturesim.errors import DefinitionError, Fault

IDENTIFIER = r"^[A-Za-z][A-Za-z0-9_]*$"
"""What an id of an item, scale or dimension looks like, so that formulas and SQL can name it."""


class Strict(BaseModel):
    """A frozen model that knows all its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Provenance(Strict):
    """How the texts of one language came to be."""

    authored: bool = False
    back_translated: bool = False
    reviewed: bool = False
    official: bool = False
    note: str = ""


M = TypeVar("M", bound=BaseModel)


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file; a ``DefinitionError`` that names file and line where it is broken or unreadable."""
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError([Fault(str(path), "", f"is not valid TOML: {error}")]) from None


def read_text(path: Path) -> str:
    """The text of a file; a ``DefinitionError`` that names it where it is not UTF-8 or cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DefinitionError([Fault(str(path), "", f"is not UTF-8 at byte {error.start}")]) from None
    except OSError as error:
        raise DefinitionError([Fault(str(path), "", f"cannot be read: {error.strerror}")]) from None


def read_model(model: type[M], path: Path) -> M:
    """A TOML file as a checked model; a ``DefinitionError`` with every fault of the file."""
    return checked(model, read_toml(path), path)


def checked(model: type[M], content: Any, path: Path) -> M:
    """What a file says as a checked model; a ``DefinitionError`` with every fault of it."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise DefinitionError([_fault(path, content, finding) for finding in error.errors()]) from None


def _fault(path: Path, content: Any, finding: Any) -> Fault:
    return Fault(str(path), _key(content, finding["loc"], finding["type"] == "missing"), _message(finding))


def _message(finding: Any) -> str:
    message = str(finding["msg"])
    match finding["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "is no known key"
        case "value_error":
            return message.removeprefix("Value error, ")
    shown = repr(finding["input"])
    return f"{message}, not {shown if len(shown) <= 60 else shown[:57] + '…'}"


def _key(content: Any, location: Sequence[str | int], missing: bool) -> str:
    """The place in words a file's author uses: ``items[m03].scale`` rather than ``items.2.ScaleItem.scale``.

    What the file does not hold is pydantic's (the member of a union, a model that gathers), but for a missing key.
    """
    key = ""
    for place, part in enumerate(location):
        inside = content[part] if _holds(content, part) else None
        if isinstance(part, int):
            name = inside.get("id", part) if isinstance(inside, dict) else part
            key += f"[{name}]"
        elif inside is not None or (missing and place == len(location) - 1):
            key += f".{part}" if key else part
        content = inside if inside is not None else content
    return key


def _holds(content: Any, part: str | int) -> bool:
    if isinstance(part, int):
        return isinstance(content, list) and part < len(content)
    return isinstance(content, dict) and part in content
