"""Wordings that are too alike, items that read the same, and endings unlike the others are planted and found."""

import pytest

from culturesim.checks.wordings import wording_faults
from tests.checked import GARDEN, STRANGERS, garden, stranger, told

SAME = "are the same but for case, spaces or punctuation"

PLANTED = [
    ("en", {"items.calm[1]": "I feel CALM, in a garden!"}, "items.calm", f"wordings 0 and 1 {SAME}"),
    ("es", {"items.calm[2]": "En un jardín, siento calma!"}, "items.calm", f"wordings 0 and 2 {SAME}"),
    ("zh", {"items.calm[1]": "在花园里我感到平静！"}, "items.calm", f"wordings 0 and 1 {SAME}"),
    ("es", {"items.calm[1]": "{{ g('En un jardín siento calma', 'En la playa siento calma') }}."}, "items.calm", SAME),
    ("en", {"items.calm[1]": "I feel calm in the garden."}, "items.calm.wordings", "one small word only: "),
    ("ar", {"items.calm[1]": "قد أشعر بالهدوء في الحديقة."}, "items.calm.wordings", "one small word only: قد"),
    ("zh", {"items.calm[1]": "在花园里，我也感到平静。"}, "items.calm.wordings", "one small word only: 也"),
    ("en", {"items.calm[1]": "I do not feel calm in a garden."}, "items.calm", "nothing but a negation"),
    ("en", {"items.calm[1]": "I don't feel calm in a garden."}, "items.calm", "nothing but a negation"),
    ("es", {"items.calm[1]": "En un jardín no siento calma."}, "items.calm", "nothing but a negation"),
    ("ar", {"items.calm[1]": "لا أشعر بالهدوء في الحديقة."}, "items.calm", "nothing but a negation"),
    ("zh", {"items.calm[1]": "在花园里，我不感到平静。"}, "items.calm", "nothing but a negation"),
    ("ja", {"items.soil[1]": "土をいじる仕事は、好きではない。"}, "items.soil", SAME),
    ("en", {"items.soil[1]": "I feel calm in a garden!"}, "items.soil[1]", "is the same as items.calm[0]"),
    ("en", {"items.water[1]": "I feel calm in a garden?"}, "items.water[1].wordings", "on another scale"),
    ("en", {"items.calm[1]": "Being in a garden makes me calm"}, "items.calm[1].ending", "without a closing mark"),
    ("zh", {"items.calm[1]": "待在花园里会让我平静下来."}, "items.calm[1].ending", "ends with ., most others with 。"),
    ("hi", {"items.calm[1]": "बगीचे में रहने से मेरा मन शांत होता है."}, "items.calm[1].ending", "most others with ।"),
    ("es", {"items.calm": ["En un jardín siento calma."]}, "items.count", "than in en: calm (1, not 3)"),
]  # fmt: skip


def read(tag, tmp_path, planted=None):
    return stranger(tmp_path, tag, planted) if tag in STRANGERS else garden(tag, planted)


@pytest.mark.parametrize(("tag", "planted", "key", "message"), PLANTED, ids=[f"{p[0]} {p[3]}" for p in PLANTED])
def test_what_is_planted_is_found(tag, planted, key, message, tmp_path):
    found = told(wording_faults(read(tag, tmp_path, planted), garden("en") if tag != "en" else None))
    assert [name for name, _ in found] == [key]
    assert message in found[0][1]
    assert found[0][1].endswith("?") is (key.rpartition(".")[2] in {"wordings", "ending", "count"})


@pytest.mark.parametrize("tag", sorted(path.stem for path in GARDEN.glob("??.toml")))
def test_wordings_in_many_languages_are_clean(tag, tmp_path):
    assert told(wording_faults(read(tag, tmp_path), garden("en") if tag != "en" else None)) == []


def test_texts_that_never_end_with_a_mark_are_left_alone():
    bare = {
        f"items.{name}": [wording.rstrip(".?") for wording in wordings]
        for name, wordings in garden("en").texts.items.items()
    }
    assert told(wording_faults(garden("en", bare), None)) == []


def test_a_language_with_one_wording_of_everything_was_meant_to_have_it():
    bare = {f"items.{name}": [wordings[0]] for name, wordings in garden("es").texts.items.items()}
    assert told(wording_faults(garden("es", bare), garden("en"))) == []
