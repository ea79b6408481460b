"""Texts left in another language are found in every pair of fourteen languages, and no text is taken for another's."""

from functools import cache
from itertools import permutations

import pytest

from culturesim.checks.tongues import Tongues, _name
from tests.checked import GARDEN, STRANGERS, garden, stranger, told

TAGS = sorted(path.stem for path in GARDEN.glob("??.toml"))
PAIRS = [(own, other) for own, other in permutations(TAGS, 2)]


@cache
def tongues():
    return Tongues(TAGS)


@cache
def forms(tag, folder):
    return (stranger(folder, tag) if tag in STRANGERS else garden(tag)).forms


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("languages")


@pytest.mark.parametrize("tag", TAGS)
def test_no_text_is_taken_for_another_languages(tag, folder):
    english = garden("en") if tag != "en" else None
    reading = stranger(folder, tag) if tag in STRANGERS else garden(tag)
    assert told(tongues().faults(reading, english)) == []


@pytest.mark.parametrize("own", TAGS)
def test_wordings_left_in_another_language_are_found(own, folder):
    """15 wordings in each of 13 other languages."""
    texts = [text for other in TAGS if other != own for key, (text,) in forms(other, folder).items() if "items." in key]
    assert [text for text in texts if not tongues().other(text, own)] == []


def test_labels_of_a_scale_are_told_together(folder):
    spanish = garden("es", {"scales.agreement.labels": list(garden("en").texts.scales["agreement"].labels)})
    found = dict(told(tongues().faults(spanish, None)))
    assert "reads as English (en), not as Spanish (es)" in found["scales.agreement.labels"]


def test_a_portuguese_wording_in_spanish_is_named():
    left = "As crianças deveriam aprender na escola como as plantas crescem."
    found = told(tongues().faults(garden("es", {"items.school[0]": left}), garden("en")))
    assert found == [("items.school[0]", "reads as Portuguese (pt), not as Spanish (es)")]


def test_an_english_wording_in_swahili_is_named(folder):
    left = "Schools should show children how a plant grows, and why."
    found = told(tongues().faults(stranger(folder, "sw", {"items.school[1]": left}), garden("en")))
    assert found == [("items.school[1]", "reads as English (en), not as Swahili (sw)")]


def test_what_is_the_same_as_in_english_was_not_translated():
    left = {"items.calm[0]": "I feel calm in a garden.", "scales.frequency.labels[4]": "Always"}
    found = told(tongues().faults(garden("es", left), garden("en")))
    assert found == [
        ("scales.frequency.labels[4].language", "is the same as in en: it was not translated?"),
        ("items.calm[0]", "is the same as in en: it was not translated"),
    ]


def test_languages_that_nobody_can_tell_are_left_alone():
    assert not tongues().other("Ceci est une phrase écrite en français.", "haw")
    assert not tongues().other("Oui, bien sûr", "en")
    assert tongues().other("Ceci est une phrase écrite en français.", "en-GB") == "fr"


def test_languages_have_names_where_cldr_knows_them():
    assert [_name(tag) for tag in ("pt", "nb", "gcr")] == ["Portuguese (pt)", "Norwegian Bokmål (nb)", "gcr"]
    assert not tongues().other("Hagen er et sted der jeg finner ro.", "nb")
