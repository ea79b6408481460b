"""Where the weights of ``hf/NAME`` lie: a packaged name, a GGUF file, a folder, or a repository of a hub."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from culturesim.backends.gguf_header import quantisation, read_header
from culturesim.backends.packaged import PACKAGED, packaged_weights
from culturesim.errors import BackendError, UnknownNameError

_HUB_ID = re.compile(r"(?P<repo>[\w.-]+(?:/[\w.-]+)?)(?:@(?P<revision>[\w./-]+))?")
_HUB_FILE = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)/(?P<file>[\w./-]+\.gguf)(?:@(?P<revision>[\w./-]+))?")

_SMALL = ("*.json", "*.txt", "*.jinja", "*.model", "*.py")
"""What a model's folder has beside its weights: settings, vocabulary, template, and code where it is allowed."""


@dataclass(frozen=True, slots=True)
class Source:
    """A model's files: a ``folder``, and the ``gguf`` file in it if the weights are in that one.

    ``commit`` is the hub's, "" for files of the user's own. ``packing`` says how a GGUF file's weights are quantised,
    ``split`` how its tokenizer splits text.
    """

    folder: Path
    gguf: str = ""
    commit: str = ""
    packing: str = ""
    architecture: str = ""
    split: str = ""

    @property
    def weights(self) -> Sequence[Path]:
        """The files the weights are in."""
        if self.gguf:
            return (self.folder / self.gguf,)
        found = sorted(self.folder.glob("*.safetensors")) or sorted(self.folder.glob("*.bin"))
        return tuple(found)


def find_source(name: str) -> Source:
    """The files of ``hf/NAME``, fetched from the hub where they are there; ``BackendError`` says what they lack."""
    if name in PACKAGED:
        return _of_gguf(packaged_weights(name, f"hf/{name}"))
    path = Path(name).expanduser()
    if path.is_dir():
        return _of_folder(path)
    if path.is_file():
        return _of_gguf(path)
    if file := _HUB_FILE.fullmatch(name):
        return _of_gguf(*_from_hub(name, file["repo"], file["revision"], [file["file"]], file["file"]))
    if (repository := _HUB_ID.fullmatch(name)) and path.suffix != ".gguf":
        folder, commit = _from_hub(name, repository["repo"], repository["revision"], None, "")
        return _of_folder(folder, commit)
    raise BackendError(f"hf/{name}: no such folder or file, and no name a hub could have")


def _of_folder(folder: Path, commit: str = "") -> Source:
    source = Source(folder, commit=commit)
    if not (folder / "config.json").is_file():
        lone = sorted(folder.glob("*.gguf"))
        if len(lone) == 1:
            return _of_gguf(lone[0], commit)
        choice = f"; it has several GGUF files: name one, such as hf/{lone[0]}" if lone else ""
        raise BackendError(f"{folder}: no config.json in it, so it is no model's folder{choice}")
    if not source.weights:
        raise BackendError(f"{folder}: no weights in it (*.safetensors or *.bin)")
    return source


def _of_gguf(path: Path, commit: str = "") -> Source:
    header = read_header(path)
    architecture = str(header.get("general.architecture", ""))
    split = str(header.get("tokenizer.ggml.pre", ""))
    return Source(path.parent, path.name, commit, quantisation(header), architecture, split)


def _from_hub(name: str, repo: str, revision: str | None, only: Iterable[str] | None, file: str) -> tuple[Path, str]:
    """The local copy of a hub's repository (or of one file of it), and the commit it is of."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        wanted = list(only) if only else [*_SMALL, _weights_pattern(repo, revision)]
        folder = Path(snapshot_download(repo, revision=revision, allow_patterns=wanted))
    except GatedRepoError as error:
        raise BackendError(
            f"hf/{name}: its owner wants a consent first, and HF_TOKEN of who gave it: {error}"
        ) from error
    except RepositoryNotFoundError as error:
        raise UnknownNameError(
            "model", f"hf/{name}", [f"hf/{known}" for known in PACKAGED],
            "no such folder, file or hub repository; a private one needs HF_TOKEN",
        ) from error  # fmt: skip
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise BackendError(f"hf/{name}: neither a folder or file here, nor to be had from the hub: {error}") from error
    commit = folder.name if re.fullmatch(r"[0-9a-f]{40}", folder.name) else ""
    return (folder / file if file else folder), commit


def _weights_pattern(repo: str, revision: str | None) -> str:
    """Safetensors where a repository has them; they hold numbers only, and are not there twice."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        files = HfApi().list_repo_files(repo, revision=revision)
    except (HfHubHTTPError, OSError):
        return "*.safetensors"  # no network: what was fetched before will do
    return "*.safetensors" if any(name.endswith(".safetensors") for name in files) else "*.bin"
