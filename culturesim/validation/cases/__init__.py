"""All cases of the recovery suite. Surveys are small, of a size people ask; what they show, each says in a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from culturesim.errors import UnknownNameError
from culturesim.validation.case import Case
from culturesim.validation.cases.comparability import comparability, reliability
from culturesim.validation.cases.habits import habits
from culturesim.validation.cases.respondents import respondents
from culturesim.validation.cases.scores import attributes, scores
from culturesim.validation.cases.ways import consistency, stability, variance

_MAKING = (scores, attributes, habits, consistency, stability, variance, reliability, comparability, respondents)

CASES: Mapping[str, Case] = {case.name: case for make in _MAKING for case in make()}
"""Every case by its name."""


def cases_of(names: Sequence[str]) -> list[Case]:
    """The cases named; all of them where none is."""
    for name in names:
        if name not in CASES:
            raise UnknownNameError("case", name, CASES, "see: culturesim validate --list")
    return [CASES[name] for name in names or CASES]
