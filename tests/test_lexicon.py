"""Files of words for the parser: reading, faults, and the shipped ones."""

from pathlib import Path

import pytest

from culturesim.errors import DefinitionError
from culturesim.language import foreign_letters
from culturesim.lexicon import read_lexicon
from tests.conftest import LANGUAGES

SHIPPED = sorted((Path(__file__).parent.parent / "questionnaires" / "languages").glob("*.toml"))

GOOD = """
language = "es"
function_words = ["el", "La"]
number_words = [["cero"], ["uno", "una"], ["dos"]]
refusals = ["no puedo"]
dont_know = ["no (lo )?sé"]
answer_cues = ["mi respuesta es"]
negations = ["no"]
"""


def write(folder, text, name="es.toml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def faults(folder, text, name="es.toml"):
    with pytest.raises(DefinitionError) as caught:
        read_lexicon(write(folder, text, name))
    return {fault.key: fault.message for fault in caught.value.faults}


def test_a_file_becomes_a_lexicon(tmp_path):
    lexicon = read_lexicon(write(tmp_path, GOOD))
    assert (lexicon.language, lexicon.spaced) == ("es", True)
    assert lexicon.function_words == {"el", "la"}
    assert lexicon.number_words == {"cero": 0, "uno": 1, "una": 1, "dos": 2}
    assert lexicon.refusals[0].search("NO PUEDO")


def test_words_stand_alone_where_words_have_spaces(tmp_path):
    lexicon = read_lexicon(write(tmp_path, GOOD))
    assert lexicon.negations.search("yo no diría")
    assert not lexicon.negations.search("noche")


def test_words_of_unspaced_scripts_are_found_anywhere(tmp_path):
    lexicon = read_lexicon(write(tmp_path, GOOD.replace('"es"', '"zh"').replace('"no"', '"不"'), "zh.toml"))
    assert not lexicon.spaced
    assert lexicon.negations.search("我不同意")


def test_words_end_after_their_vowel_signs(tmp_path):
    text = GOOD.replace('"es"', '"hi"').replace('negations = ["no"]', 'negations = ["न"]\ndenials = ["नहीं"]')
    lexicon = read_lexicon(write(tmp_path, text, "hi.toml"))
    assert lexicon.spaced
    assert lexicon.negations.search("न सहमत")
    assert not lexicon.negations.search("ना नि दिन")
    assert lexicon.denials.match("नहीं हूं")
    assert not lexicon.denials.search("नहींं")


@pytest.mark.parametrize(("tag", "joiner", "glued"), [("ar", "و", True), ("es", "e", False), ("hi", "व", False)])
def test_only_arabic_glues_its_and_to_the_next_word(tmp_path, tag, joiner, glued):
    text = GOOD.replace('"es"', f'"{tag}"') + f'joiners = ["{joiner}"]'
    joiners = read_lexicon(write(tmp_path, text, f"{tag}.toml")).joiners
    assert joiners.match(f"{joiner} ")
    assert bool(joiners.match(f"{joiner}{joiner}")) == glued


def test_what_is_left_out_never_matches(tmp_path):
    lexicon = read_lexicon(write(tmp_path, GOOD))
    assert not lexicon.joiners.search("")
    assert not lexicon.denials.search("no")
    assert not lexicon.label_suffixes.search("")
    assert lexicon.scale_phrases == lexicon.variants == ()
    assert lexicon.ordinals == {}


def test_variants_are_a_pattern_and_plain_words(tmp_path):
    lexicon = read_lexicon(write(tmp_path, GOOD + r"variants = [['o$', '＼1']]"))
    [(pattern, other)] = lexicon.variants
    assert pattern.sub(other, "mucho") == r"much\1"


def test_what_is_glued_to_a_label_ends_a_word(tmp_path):
    text = GOOD.replace('"es"', '"ko"') + 'label_suffixes = ["과", "이?라고(?= 답)"]'
    lexicon = read_lexicon(write(tmp_path, text, "ko.toml"))
    assert lexicon.label_suffixes.match("과 끈기")
    assert lexicon.label_suffixes.match("이라고 답")
    assert not lexicon.label_suffixes.match("과학")


def test_words_that_check_texts_are_read(tmp_path):
    lexicon = read_lexicon(
        write(tmp_path, GOOD + 'negation_words = ["no"]\nprivations = ["sin"]\ndegrees = [["nada"], ["muy"]]')
    )
    assert lexicon.negation_words.search("yo no diría")
    assert lexicon.privations.search("café sin leche")
    assert [bool(row.search("muy bien")) for row in lexicon.degrees] == [False, True]


def test_negations_serve_where_no_others_are_given(tmp_path):
    lexicon = read_lexicon(write(tmp_path, GOOD))
    assert lexicon.negation_words is lexicon.negations
    assert lexicon.degrees == ()
    assert not lexicon.privations.search("sin")


def test_full_width_signs_are_found_in_plain_text(tmp_path):
    lexicon = read_lexicon(write(tmp_path, GOOD.replace("mi respuesta es", "respuesta（？：final）？：")))
    assert lexicon.answer_cues[0].search("respuesta(?:final)?:")


def test_a_bad_pattern_is_named_with_key_and_index(tmp_path):
    found = faults(tmp_path, GOOD.replace('["no puedo"]', '["no puedo", "(sin"]').replace("mi respuesta", "[mi"))
    assert set(found) == {"refusals[1]", "answer_cues[0]"}
    assert "is not a regular expression: missing )" in found["refusals[1]"]


def test_every_fault_is_told_at_once(tmp_path):
    text = GOOD.replace('["el", "La"]', "[]").replace('negations = ["no"]', "extra = 1").replace('"es"', '"xx"')
    assert set(faults(tmp_path, text)) == {"function_words", "negations", "extra", "language"}


def test_a_word_for_two_numbers_is_a_fault(tmp_path):
    assert "both 1 and 2" in faults(tmp_path, GOOD.replace('["dos"]', '["Una"]'))["number_words"]


def test_the_file_is_named_by_its_language(tmp_path):
    assert "named fr.toml" in faults(tmp_path, GOOD, "fr.toml")["language"]


@pytest.mark.parametrize("text", ["language = ", None])
def test_unreadable_files_are_named(tmp_path, text):
    path = write(tmp_path, text) if text else tmp_path / "none.toml"
    with pytest.raises(DefinitionError, match=path.name):
        read_lexicon(path)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_files_are_complete(path):
    lexicon = read_lexicon(path)
    assert set(lexicon.number_words.values()) >= set(range(12))
    assert set(lexicon.ordinals.values()) >= {1, 2, 3}
    assert len(lexicon.refusals) > 10
    assert lexicon.negation_words is not lexicon.negations
    assert len(lexicon.degrees) == 5
    assert not any(pattern.search("") for pattern in (*lexicon.refusals, *lexicon.dont_know, *lexicon.answer_cues))
    assert not any(foreign_letters(path.stem, word) for word in (*lexicon.function_words, *lexicon.number_words))


def test_every_language_is_shipped():
    assert [path.stem for path in SHIPPED] == list(LANGUAGES)
