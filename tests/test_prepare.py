"""Studies with their definitions, and as a backend can be asked them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from culturesim.errors import StudyError
from culturesim.prepare import Prepared, for_backend
from culturesim.records import Elicitation
from culturesim.study import Study

Make = Callable[..., Prepared]


def study(elicitation: Elicitation) -> Study:
    return Study(model="sim/uniform", battery="first", elicitation=elicitation)


@pytest.mark.parametrize("elicitation", ["choice", "probabilities", "probabilities_or_choice"])
def test_a_backend_that_gives_probabilities_is_asked_the_study_as_it_is(elicitation: Elicitation) -> None:
    assert for_backend(study(elicitation), True) == study(elicitation)


def test_a_backend_that_gives_none_is_asked_by_choice() -> None:
    assert for_backend(study("choice"), False) == study("choice")
    assert for_backend(study("probabilities_or_choice"), False) == study("choice")


def test_a_study_of_probabilities_needs_a_backend_that_gives_them() -> None:
    with pytest.raises(StudyError, match="sim/uniform gives no option probabilities; elicit choice, or"):
        for_backend(study("probabilities"), False)


def test_what_is_asked_by_choice_in_the_end_are_the_trials_of_choice(prepared: Make) -> None:
    either, choice = (for_backend(study(how), False) for how in ("probabilities_or_choice", "choice"))
    assert prepared(**either.model_dump()).run_id == prepared(**choice.model_dump()).run_id


def test_only_exact_probabilities_are_never_repeated(prepared: Make) -> None:
    with pytest.raises(StudyError, match="do not vary"):
        prepared(elicitation="probabilities", repeats=2)
    assert prepared(elicitation="probabilities_or_choice", repeats=2).study.repeats == 2
    assert prepared(elicitation="probabilities", repeats=2, option_orders=("shuffled",)).study.repeats == 2
