"""What whoever imports says beyond what the source does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Wishes:
    """Options of an import; each kind takes some of them.

    ``language``: tag of the words. ``questionnaire``: id of what is made, or of what words are for. ``labels``: of
    the one scale, from the lowest code up. ``scales``: a table of scales. ``official``: the words are the instrument's
    own. ``keep_labels``: official items over our answer options. ``mend``: turn stances round that are swapped.
    """

    language: str = ""
    questionnaire: str = ""
    title: str = ""
    labels: tuple[str, ...] = ()
    instruction: str = ""
    scales: Path | None = None
    official: bool = False
    keep_labels: bool = False
    mend: bool = False

    @property
    def wording(self) -> Literal["adapted", "official"]:
        """What the words are to be called."""
        return "official" if self.official else "adapted"
