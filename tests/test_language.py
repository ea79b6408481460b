"""Languages: what CLDR says of them, digits and list marks, scripts, and the plain form of a text."""

import re
import unicodedata

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from culturesim.errors import StudyError, UnknownNameError
from culturesim.language import (
    WORD_CHAR,
    WORD_END,
    Language,
    ascii_digits,
    country,
    fold,
    foreign_letters,
    in_word,
    language,
    number,
    option_keys,
    plain,
    plain_pattern,
    script_of,
    words,
)


@pytest.mark.parametrize(
    ("tag", "english", "own", "direction", "script"),
    [
        ("en", "English", "English", "ltr", "Latn"),
        ("es", "Spanish", "español", "ltr", "Latn"),
        ("zh", "Chinese", "中文", "ltr", "Hans"),
        ("ar", "Arabic", "العربية", "rtl", "Arab"),
        ("ja", "Japanese", "日本語", "ltr", "Jpan"),
        ("hi", "Hindi", "हिन्दी", "ltr", "Deva"),
    ],
)
def test_languages(tag, english, own, direction, script):
    assert language(tag) == Language(tag, english, own, direction, script)


def test_tags_with_script_or_region():
    assert language("zh-Hant").script == language("zh-TW").script == "Hant"
    assert language("sr-Latn").script == "Latn"
    assert language("pt-BR").own_name == "português (Brasil)"


@pytest.mark.parametrize("tag", ["", "xx", "english", "en_US", "../es", "e", "zh-xx"])
def test_unknown_tags_are_named(tag):
    with pytest.raises(UnknownNameError, match="unknown language"):
        language(tag)


def test_a_near_miss_suggests_the_tag():
    with pytest.raises(UnknownNameError, match="did you mean 'pt-"):
        language("pt-BX")


@pytest.mark.parametrize(
    ("tag", "written"),
    [("en", "1034"), ("zh", "1034"), ("ar", "١٠٣٤"), ("ar-AE", "1034"), ("fa", "۱۰۳۴"), ("mr", "१०३४"), ("hi", "1034")],
)
def test_numbers_have_the_digits_of_the_language_and_no_grouping(tag, written):
    assert number(tag, 1034) == written
    assert ascii_digits(written) == "1034"


@pytest.mark.parametrize(
    "tag", ["ar-EG", "bn", "ckb", "dz", "ff-Adlm", "ks", "mni", "my", "ne", "nqo", "sat", "ccp", "hnj"]
)
def test_every_numbering_system_is_known(tag):
    system = Locale.parse(tag, sep="-").default_numbering_system
    assert system != "latn"
    assert number(tag, 90).isdecimal()
    assert not number(tag, 90).isascii()


def test_number_keys_are_printed_in_the_language_and_read_in_ascii_too():
    assert option_keys("en", "numbers", [0, 1, 10]) == [("0", ("0",)), ("1", ("1",)), ("10", ("10",))]
    assert option_keys("ar", "numbers", [9, 10]) == [("٩", ("٩", "9")), ("١٠", ("١٠", "10"))]


def test_letter_keys_go_by_place():
    assert option_keys("es", "letters", [0, 5]) == [("A", ("A", "a")), ("B", ("B", "b"))]
    assert [key for key, _ in option_keys("zh", "letters", range(3))] == ["A", "B", "C"]
    assert [key for key, _ in option_keys("ar", "letters", range(11))] == [
        "أ",
        "ب",
        "ج",
        "د",
        "هـ",
        "و",
        "ز",
        "ح",
        "ط",
        "ي",
        "ك",
    ]


@pytest.mark.parametrize(("tag", "most"), [("en", 26), ("ar", 28)])
def test_keys_are_distinct_and_letters_run_out_with_advice(tag, most):
    spellings = [fold(plain(text)) for _, texts in option_keys(tag, "letters", range(most)) for text in set(texts)]
    owners = {fold(plain(texts[0])) for _, texts in option_keys(tag, "letters", range(most))}
    assert len(owners) == most
    assert set(spellings) == owners
    with pytest.raises(StudyError, match="--keys numbers"):
        option_keys(tag, "letters", range(most + 1))


def test_countries():
    assert (country("es", "SE"), country("zh", "SE"), country("ar", "SE")) == ("Suecia", "瑞典", "السويد")
    for unknown in ("XX", "se", "001", "Sweden"):
        with pytest.raises(UnknownNameError, match="unknown country"):
            country("en", unknown)


def test_scripts_of_letters():
    scripts = ["Latn", "Latn", "Cyrl", "Hani", "Hira", "Kana", "Hang", "Arab", None, "Deva"]
    assert [script_of(char) for char in "aéЖ字かカ한ع अ"] == scripts
    assert {script_of(char) for char in "3٣,。 ؟ʰ̈"} <= {None, "Latn"}
    assert script_of("Ａ") == "Latn"
    assert script_of("ߐ") == "Zzzz"


def test_foreign_letters_ignore_digits_and_punctuation():
    assert foreign_letters("zh", "三个选项：3、OK？") == {"O", "K"}
    assert foreign_letters("ar", "اختر رقم ٣ أو 3، please") == set("pleas")
    assert foreign_letters("ja", "日本のテスト、アンケート、人々") == set()
    assert foreign_letters("en", "naïve café – 3 %") == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("３．５", "3.5"),
        ("3½", "3.50"),
        ("3²", "3^2"),
        ("3️⃣", "3"),
        ("⑶", "(3)"),
        ("№3", "#3"),
        ("\u200f٣\u200e", "3"),
        ("٣٫٥٪", "3.5%"),
        ("“4” ‘a’ «b» 「c」", '"4" \'a\' "b" "c"'),
        ("سعيدًا جـــدّا", "سعيدا جدا"),
        ("a\t b \r\n\u2028 c", "a b\n\nc"),
        ("👍 4 ✅", "4"),
        ("3°", "3°"),
        ("－2", "-2"),
        ("3〜4", "3~4"),
        ("हूँ।", "हूं."),
        ("\u095c", "ड"),
        ("ड\u093c", "ड"),
        ("ज़्यादा", "ज्यादा"),
        ("३½ क\u200dष", "3.50 कष"),
    ],
)
def test_plain(text, expected):
    assert plain(text) == expected


@given(st.text())
def test_plain_is_idempotent_but_for_what_it_joins(text):
    once = plain(text)
    assert plain(once).replace(" ", "") == plain(plain(once)).replace(" ", "")
    assert not any(char.isdecimal() and not char.isascii() for char in once)
    assert not any(unicodedata.category(char) == "Cf" for char in once)


@given(st.text())
def test_fold_keeps_the_length(text):
    assert len(fold(text)) == len(text)


def test_words_keep_their_marks():
    assert words("L'État, c’est moi!") == ["l", "état", "c", "est", "moi"]
    assert words("मुझे मिट्टी में काम") == ["मुझे", "मिट्टी", "में", "काम"]
    assert words("أفضّل 3 كتب") == ["أفضّل", "كتب"]
    assert words("在花园里，我感到平静。") == ["在花园里", "我感到平静"]


def test_patterns_are_made_plain_but_keep_what_is_optional():
    assert plain_pattern("答案：") == "答案:"
    assert plain_pattern("（a|b）") == r"\(a|b\)"
    assert plain_pattern("عذر[ً]?ا") == "عذر[ً]?ا"
    assert re.fullmatch(plain_pattern("ज़?्यादा हूँ।"), plain("ज्यादा हूं।"))


def test_patterns_with_vowel_signs_know_them_as_parts_of_words():
    found = re.compile(plain_pattern(r"\b(मत|राय)\b \w+\W*$"))
    assert found.search("मेरी राय नहीं.")
    assert not found.search("सहमत नहीं.")
    assert not re.search(plain_pattern(r"खुश\b"), "खुशी")
    assert not re.search(plain_pattern(r"\bखुश"), "नाखुश")
    assert plain_pattern(r"\bno\b") == r"\bno\b"
    assert re.fullmatch(plain_pattern(r"[\w ]ा"), "कa".replace("a", "ा"))


@pytest.mark.parametrize("word", ["का", "हूं", "स्थिति", "বাংলা", "தமிழ்", "తెలుగు", "ไทยที่", "e\u0323\u0301"])
def test_vowel_signs_are_parts_of_words(word):
    assert re.fullmatch(f"{WORD_CHAR}+", word)
    assert all(map(in_word, word))
    assert not re.match(word[0] + WORD_END, word)


def test_every_vowel_sign_of_south_asia_is_part_of_a_word_and_no_punctuation_of_hindi():
    marks = [chr(code) for code in range(0x900, 0xE00) if unicodedata.category(chr(code)) in {"Mn", "Mc"}]
    assert len(marks) > 200
    assert all(map(in_word, marks))
    assert not any(map(in_word, ["", " ", "।", "॥", "॰", ".", "-"]))
