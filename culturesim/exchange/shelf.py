"""Puts imported definitions into a folder of the user's own, for ``--path``; each is read back before it is put."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from culturesim.errors import DefinitionError, Fault
from culturesim.exchange.definitions import Definition, Imported, fail_on
from culturesim.exchange.house import battery_toml, keys_toml, texts_toml
from culturesim.questionnaire import read_questionnaire

HOME = "questionnaire.toml"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
"""Of a folder or file that a stranger's file may name."""


def put(imported: Imported, folder: Path, *, force: bool = False) -> list[Path]:
    """Writes ``folder/questionnaires/<id>/`` and batteries; gives the files that are new or changed.

    Without ``force``, a file that is there with other content, or a language that the import does not have, is a
    ``DefinitionError``, and nothing is written. With it, such a language's file goes.
    """
    names = [*(definition.id for definition in imported.definitions), *imported.batteries]
    told = "is no name for a questionnaire: letters, digits, _, - and ., a letter or digit first"
    fail_on([Fault(repr(name), "", told) for name in names if not _NAME.fullmatch(name)])
    files: dict[Path, str] = {}
    stale: list[Path] = []
    free: dict[Path, str] = {}
    for definition in imported.definitions:
        home = folder / "questionnaires" / definition.id
        content = _files(definition)
        _read_back(definition, content)
        files |= {home / name: text for name, text in content.items()}
        free |= {home / name: text for name, text in definition.shipped.items()}
        stale += sorted(set(home.glob("*.toml")) - set(files))
    batteries = folder / "questionnaires" / "batteries"
    files |= {batteries / f"{name}.toml": battery_toml(battery) for name, battery in imported.batteries.items()}
    return write_all(files, stale, free, force=force)


def write_all(
    files: Mapping[Path, str | bytes],
    stale: Sequence[Path] = (),
    free: Mapping[Path, str] | None = None,
    *,
    force: bool,
) -> list[Path]:
    """Writes files, all or none, and removes the stale ones; gives those that are new or changed.

    ``free``: what may be written over unasked, by path.
    """
    contents = {path: text.encode("utf-8") if isinstance(text, str) else text for path, text in files.items()}
    changed = {path: content for path, content in contents.items() if not _holds(path, content)}
    unasked = {path for path, text in (free or {}).items() if _holds(path, text.encode("utf-8"))}
    there = [path for path in changed if path.exists() and path not in unasked]
    faults = [Fault(str(path), "", "is there already, with other content; --force writes over it") for path in there]
    faults += [Fault(str(path), "", "is not in what is imported; --force removes it") for path in stale]
    if faults and not force:
        raise DefinitionError(faults)
    for path, content in changed.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise DefinitionError([Fault(str(path), "", f"cannot be written: {error.strerror}")]) from None
    for path in stale:
        path.unlink()
    return list(changed)


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def _files(definition: Definition) -> dict[str, str]:
    """Name → content. Files of an original stay as they are; what is new is written."""
    written = {HOME: keys_toml(definition.keys)}
    written |= {f"{tag}.toml": texts_toml(texts) for tag, texts in definition.texts.items()}
    return written | dict(definition.beside)


def _read_back(definition: Definition, content: Mapping[str, str]) -> None:
    """Makes sure that what will be written says what is meant."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / definition.id
        home.mkdir()
        for name, text in content.items():
            (home / name).write_text(text, encoding="utf-8", newline="")
        try:
            read = read_questionnaire(home)
        except DefinitionError as error:
            shown = [Fault(f"{definition.id}/{Path(f.file).name}", f.key, f.message) for f in error.faults]
            raise DefinitionError(shown) from None
    if read.keys != definition.keys or read.texts != definition.texts:
        raise DefinitionError([Fault(definition.id, "", "would not be read back as it is: please report this file")])
