"""What is wrong, or looks wrong, with the texts of one questionnaire in one language: a module for each kind.

Every check takes a reading and the English one of the same questionnaire (None for English itself, or where there is
none) and yields faults; those that only look wrong are doubtful, and can be accepted in the language's file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from culturesim.checks.labels import label_faults
from culturesim.checks.placeholders import placeholder_faults
from culturesim.checks.polarity import polarity_faults
from culturesim.checks.reading import Reading
from culturesim.checks.signs import sign_faults
from culturesim.checks.wordings import wording_faults
from culturesim.errors import Fault

Check = Callable[[Reading, Reading | None], Iterator[Fault]]

CHECKS: tuple[Check, ...] = (sign_faults, placeholder_faults, label_faults, wording_faults, polarity_faults)
"""All but ``tongues``, which needs to know the languages there are."""
