"""Labels that are doubled, out of order, missing or lopsided are planted and found."""

import pytest

from culturesim.checks.labels import label_faults
from tests.checked import GARDEN, STRANGERS, garden, stranger, told

LIKENESS = {
    "en": ["not at all like me", "a little like me", "moderately like me", "very like me", "extremely like me"],
    "es": ["nada parecido a mí", "un poco parecido a mí", "medianamente parecido a mí", "muy parecido a mí",
           "extremadamente parecido a mí"],
    "zh": ["一点都不像我", "有一点像我", "中等程度像我", "非常像我", "极其像我"],
    "ar": ["لا يشبهني على الإطلاق", "يشبهني قليلا", "يشبهني إلى حد ما", "يشبهني كثيرا", "يشبهني تماما"],
}  # fmt: skip
KEY = "scales.agreement.labels"


def planted(tag, labels):
    return garden(tag, {KEY: labels})


def found(tag, labels):
    return told(label_faults(planted(tag, labels), planted("en", LIKENESS["en"])))


@pytest.mark.parametrize("tag", ["es", "zh", "ar"])
def test_labels_in_order_are_clean(tag):
    assert found(tag, LIKENESS[tag]) == []


@pytest.mark.parametrize("tag", ["es", "zh", "ar"])
def test_reversed_labels_are_a_fault(tag):
    ((key, message),) = found(tag, LIKENESS[tag][::-1])
    assert key == KEY
    assert message == f"stand in the opposite order of those in en: {LIKENESS[tag][4]!r} is first"


@pytest.mark.parametrize("tag", ["es", "zh", "ar"])
@pytest.mark.parametrize("place", range(4))
def test_two_labels_that_changed_places_are_named(tag, place):
    labels = LIKENESS[tag].copy()
    labels[place], labels[place + 1] = labels[place + 1], labels[place]
    ((key, message),) = found(tag, labels)
    assert key == f"{KEY}.order"
    assert message.startswith(f"{place} and {place + 1} seem to have changed places: {labels[place]!r}")


@pytest.mark.parametrize("tag", ["ar", "es", "zh"])
def test_a_scale_from_disagreement_to_agreement_has_an_order_too(tag):
    labels = list(garden(tag).texts.scales["agreement"].labels)
    ((key, message),) = told(label_faults(garden(tag, {KEY: labels[::-1]}), garden("en")))
    assert key == KEY
    assert "opposite order" in message


@pytest.mark.parametrize("tag", ["ar", "es", "zh"])
@pytest.mark.parametrize("places", [(0, 1), (3, 4)])
def test_degrees_of_disagreement_have_an_order_too(tag, places):
    labels = list(garden(tag).texts.scales["agreement"].labels)
    one, other = places
    labels[one], labels[other] = labels[other], labels[one]
    ((key, message),) = told(label_faults(garden(tag, {KEY: labels}), garden("en")))
    assert key == f"{KEY}.order"
    assert message.startswith(f"{one} and {other} seem to have changed places")


def test_strong_disagreement_may_be_no_agreement_at_all():
    labels = ["nada de acuerdo", "no muy de acuerdo", "algo de acuerdo", "bastante de acuerdo", "del todo de acuerdo"]
    assert told(label_faults(garden("es", {KEY: labels}), garden("en"))) == []


def test_without_words_of_degree_negations_still_show_an_order(tmp_path):
    labels = list(garden("de", lexicon=stranger(tmp_path, "de").lexicon).texts.scales["agreement"].labels)
    ((key, message),) = told(label_faults(stranger(tmp_path, "de", {KEY: labels[::-1]}), garden("en")))
    assert key == KEY
    assert "opposite order" in message


def test_one_label_twice_is_a_fault():
    assert found("es", [*LIKENESS["es"][:4], "Muy parecido, a mí"]) == [
        (KEY, "3 and 4 are the same: 'muy parecido a mí'")
    ]
    women = "muy {{ g('parecido', 'parecida') }} a mí"
    assert found("es", [*LIKENESS["es"][:3], women, "Muy parecida a mí"])[0][0] == KEY


def test_labels_and_instructions_are_where_english_has_them():
    spanish = garden("es", {f"{KEY}[1]": "", "scales.agreement.instruction": "", "scales.frequency.instruction": "¿Y?"})
    assert told(label_faults(spanish, garden("en"))) == [
        ("scales.agreement.instruction", "is empty, unlike in en"),
        (f"{KEY}[1]", "is empty, unlike in en"),
        ("scales.frequency.instruction", "is there, unlike in en"),
    ]


def test_a_label_far_longer_than_the_others_is_doubted():
    long = "siempre, o por lo menos cada vez que hace falta y me acuerdo"
    found = told(label_faults(garden("es", {"scales.frequency.labels[4]": long}), garden("en")))
    assert found == [("scales.frequency.labels.balance", f"4 is far longer than the others: {long!r}?")]


def test_ends_that_weigh_alike_in_english_do_so_elsewhere():
    found = told(label_faults(garden("es", {f"{KEY}[4]": "de acuerdo"}), garden("en")))
    assert found == [(f"{KEY}.balance", "only 0 of both ends has a word of degree?")]


def test_scales_with_the_same_labels_run_the_same_way_as_in_english():
    english, spanish = ([*garden(tag).texts.scales["frequency"].labels] for tag in ("en", "es"))
    same = garden("en", {KEY: english})
    assert told(label_faults(garden("es", {KEY: spanish}), same)) == []
    turned = told(label_faults(garden("es", {KEY: spanish[::-1]}), same))
    assert ("scales.frequency.labels", f"run against {KEY}, in en like them") in turned


@pytest.mark.parametrize("tag", sorted(path.stem for path in GARDEN.glob("??.toml")))
def test_labels_in_many_languages_are_clean(tag, tmp_path):
    reading = stranger(tmp_path, tag) if tag in STRANGERS else garden(tag)
    assert told(label_faults(reading, garden("en") if tag != "en" else None)) == []
