"""What simulated respondents say in every language, read by the parser as exactly what was meant."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from culturesim.backends.sim_speech import NOTHING_READABLE, Voice, forms, said
from culturesim.language import option_keys
from culturesim.library import Library
from culturesim.parse import parse
from culturesim.records import Answer, Completion, Option, Prompt, Speech
from culturesim.render import Renderer
from tests.conftest import LANGUAGES
from tests.parsed import trial

LIBRARY = Library()


def scales(language: str) -> Iterator[tuple[str, tuple[Option, ...]]]:
    """The options of every scale of every questionnaire, under numbers and letters, to men, women and the unknown."""
    read = [LIBRARY.questionnaire(name) for name in LIBRARY.questionnaires()]
    renderer = Renderer({each.id: each for each in read}, {}, {}, {})
    for questionnaire in (each for each in read if language in each.languages):
        for name, scale in questionnaire.scales.items():
            for keys in ("numbers", "letters"):
                if keys == "letters" and len(scale.codes) > 12:
                    continue
                printed = option_keys(language, keys, scale.codes)
                for gender in ("", "f", "m"):
                    labels = renderer._labels(questionnaire.id, name, language, gender)
                    found = zip(scale.codes, labels, printed, strict=True)
                    options = tuple(Option(code, key, label, all_) for code, label, (key, all_) in found)
                    yield f"{questionnaire.id} {name} {keys}", options


def read(language: str, options: tuple[Option, ...], text: str) -> Answer:
    completion = Completion("0" * 32, text, "m", "2026-01-01T00:00:00Z", 0.1, finish_reason="stop")
    return parse(Prompt(trial(language=language), "", "", options), completion, LIBRARY.lexicon(language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_is_read_as_it_was_meant(language):
    speech, wrong = LIBRARY.lexicon(language).speech, set()
    for place, options in dict.fromkeys(scales(language)):
        for option in options:
            for phrase, key in forms(speech, option):
                answer = read(language, options, said(phrase, key, option.label))
                if (answer.status, answer.codes) != ("valid", (option.code,)):
                    wrong.add((place, said(phrase, key, option.label), answer.status, answer.detail))
        for status, texts in (("refused", speech.refusals), ("unparsed", speech.asides)):
            wrong |= {
                (place, text, answer.status, answer.detail)
                for text in texts
                if (answer := read(language, options, text)).status != status
            }
    assert not wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_is_variety(language):
    speech = LIBRARY.lexicon(language).speech
    assert len(set(speech.answers)) >= 3
    assert len(set(speech.refusals)) >= 3
    assert len(set(speech.asides)) >= 3
    assert any("{label}" in phrase and "{key}" not in phrase for phrase in speech.answers)


def option(label="agree"):
    return Option(3, "٣", label, ("٣", "3"))


def test_half_of_all_answers_are_the_bare_key_and_the_others_vary():
    voice, random = Voice({"ar": LIBRARY.lexicon("ar").speech}), Random(1)
    texts = [voice.answer("ar", option(), random) for _ in range(2000)]
    assert texts.count("٣") == pytest.approx(1000, abs=100)
    assert {"3.", "٣.", "«agree»"} <= set(texts)


def test_an_option_without_label_is_never_named_by_it():
    voice, random = Voice({"en": Speech(("{label}", "{key}: {label}"))}), Random(1)
    assert {voice.answer("en", option(""), random) for _ in range(50)} == {"٣"}


def test_a_language_without_phrases_has_bare_keys():
    voice, random = Voice({}), Random(1)
    assert {voice.answer("eo", option(), random) for _ in range(50)} == {"٣"}
    assert (voice.refusal("eo", random), voice.aside("eo", random)) == ("", NOTHING_READABLE)
    assert read("en", (option(), Option(4, "4", "", ("4",))), NOTHING_READABLE).status == "unparsed"
