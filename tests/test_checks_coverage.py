"""What is written in which language, and doubts that somebody has looked at."""

from __future__ import annotations

from culturesim.checks.coverage import missing, sift, written
from culturesim.errors import Fault
from culturesim.library import Library

DOUBTS = [Fault("es.toml", f"items.{name}", "looks odd", doubtful=True) for name in ("m01.negation", "m02.ending")]


def test_an_accepted_doubt_is_not_told_again() -> None:
    told, accepted = sift(DOUBTS, ["items.m01.negation"], "es.toml")
    assert (told, accepted) == (DOUBTS[1:], 1)


def test_an_acceptance_of_nothing_is_told() -> None:
    told, accepted = sift(DOUBTS[:1], ["items.m01.negation", "items.m09.negation"], "es.toml")
    assert [(fault.key, fault.doubtful) for fault in told] == [('accepted."items.m09.negation"', True)]
    assert accepted == 1


def test_a_language_is_counted(library: Library) -> None:
    row = written(library.questionnaire("iw10"), "es", told=2, accepted=1)
    assert (row.items, row.fewest_wordings, row.most_wordings) == (10, 3, 3)
    assert row.provenance == ("authored", "back_translated", "reviewed")
    assert (row.doubts, row.accepted) == (2, 1)


def test_languages_that_are_missing_are_named(library: Library) -> None:
    rows = [written(library.questionnaire("iw10"), tag, 0, 0) for tag in ("ar", "en")]
    assert missing(rows, ["ar", "en", "es"]) == {"iw10": ["es"]}
    assert missing(rows, ["ar", "en"]) == {}
