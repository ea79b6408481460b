"""The exceptions culturesim raises, each with the way out in its message.

::

    CulturesimError
    ├── DefinitionError      files of definitions are wrong: every fault, with file and key
    ├── UnknownNameError     a name that nothing answers to; suggests the nearest
    ├── StudyError           a study that cannot be designed as asked
    ├── RenderError          a template that cannot become a prompt
    ├── BackendError         no completions can be had from this model
    │   ├── MissingPartError     an optional package or a file of weights is not installed
    │   └── BatchError           a batch service did not do what it was asked
    │       └── BatchLostError       no answers will come of a batch
    ├── StoreError           the DuckDB file cannot be used
    │   ├── StoreBusyError       another process holds it for longer than we wait
    │   └── StoreVersionError    it was written by a newer culturesim
    ├── RunError             a run that ended without what it was started for
    └── AnalysisError        the answers in the store do not allow what was asked of them

A single failed trial is not an exception but a value: a ``Completion`` with ``error`` set.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal


class CulturesimError(Exception):
    """Base of everything culturesim raises on purpose."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in one file: where, under which key, and what was expected.

    ``doubtful``: whether it only looks wrong, so that somebody should look; such a key ends with the kind of doubt.
    """

    file: str
    key: str
    message: str
    doubtful: bool = False

    def __str__(self) -> str:
        place = f"{self.file}: {self.key}" if self.key else self.file
        return f"{place}: {self.message}"


class DefinitionError(CulturesimError):
    """Files of definitions are wrong; ``faults`` holds every fault found, not just the first."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class UnknownNameError(CulturesimError):
    """A name of a known kind that nothing answers to; the message names the nearest."""

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = "") -> None:
        self.kind, self.name = kind, name
        self.known = tuple(sorted(known))
        begun = [known for known in self.known if name and known.startswith(name)]
        nearest = begun[:1] or difflib.get_close_matches(name, self.known, n=1, cutoff=0.4)
        message = f"unknown {kind} {name!r}"
        if nearest:
            message += f"; did you mean {nearest[0]!r}?"
        elif self.known:
            message += f"; known: {', '.join(self.known[:12])}{' …' if len(self.known) > 12 else ''}"
        if hint:
            message += f" ({hint})"
        super().__init__(message)


class StudyError(CulturesimError):
    """A study that cannot be designed as asked."""


class RenderError(CulturesimError):
    """A template that cannot become a prompt: undefined name, forbidden access, broken syntax."""


class BackendError(CulturesimError):
    """No completions can be had from this model: no key, no server, no such model."""


class MissingPartError(BackendError):
    """An optional package or a file of weights is not installed; the message names the command."""


class BatchError(BackendError):
    """A batch service did not do what it was asked, as far as we heard.

    ``passing`` where it may a little later; ``unclear`` where it may have done it all the same.
    """

    def __init__(
        self, message: str, *, passing: bool = False, unclear: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.passing, self.unclear, self.retry_after = passing, unclear, retry_after


class BatchLostError(BatchError):
    """No answers will come of a batch.

    ``why``: the provider had no room for it ("full"), knows nothing of it any more ("gone"), or would turn the same
    one down again ("refused").
    """

    def __init__(self, message: str, *, why: Literal["full", "gone", "refused"]) -> None:
        super().__init__(message)
        self.why = why


class StoreError(CulturesimError):
    """The DuckDB file cannot be opened, read or written."""


class StoreBusyError(StoreError):
    """Another process holds the DuckDB file for longer than we wait."""


class StoreVersionError(StoreError):
    """The DuckDB file was written by a newer culturesim."""


class RunError(CulturesimError):
    """A run that ended without what it was started for; answers it got are kept."""


class AnalysisError(CulturesimError):
    """The answers in the store do not allow what was asked of them."""
