"""Negations that were lost or slipped in are planted and found; those that belong are left alone."""

import pytest

from culturesim.checks.polarity import polarity_faults
from culturesim.checks.reading import Reading
from culturesim.library import Library
from tests.checked import GARDEN, STRANGERS, garden, stranger, told

ADDED = [
    ("en", {"items.fruit[1]": "The fruit of a tree should not be shared among neighbours."}, "denies 'shared'"),
    ("es", {"items.fruit[0]": "Los vecinos no deberían compartir la fruta de sus árboles."}, "denies 'deberían'"),
    ("zh", {"items.school[1]": "学校不应该让孩子看到植物怎样生长。"}, "wording 1 denies '应该'"),
    ("ar", {"items.school[0]": "لا ينبغي أن يتعلم الأطفال في المدرسة كيف تنمو النباتات."}, "denies 'ينبغي'"),
    ("pl", {"items.school[0]": "Dzieci nie powinny uczyć się w szkole, jak rosną rośliny."}, "denies 'powinny'"),
    ("pt", {"items.school[1]": "A escola não deveria mostrar às crianças como uma planta cresce."}, "denies 'deveria'"),
    ("ru", {"items.fruit[1]": "Плодами дерева не следует делиться с соседями."}, "denies 'следует'"),
]  # fmt: skip
LOST = [
    ("es", {"items.soil[0]": "Me gusta trabajar la tierra."}, "that of en does: 'not'"),
    ("es", {"items.soil[2]": "Siempre encuentro placer en el trabajo de la tierra."}, "that of en does: 'never'"),
    ("zh", {"items.soil[0]": "我喜欢摆弄泥土。"}, "that of en does: 'not'"),
    ("ar", {"items.soil[0]": "أحب العمل في التراب."}, "that of en does: 'not'"),
    ("de", {"items.soil[0]": "Ich arbeite gern in der Erde."}, "that of en does: 'not'"),
    ("ja", {"items.soil[0]": "土をいじる仕事が好きだ。"}, "that of en does: 'not'"),
]  # fmt: skip


def read(tag: str, tmp_path, planted=None) -> Reading:
    return stranger(tmp_path, tag, planted) if tag in STRANGERS else garden(tag, planted)


@pytest.mark.parametrize(("tag", "planted", "message"), ADDED + LOST, ids=[f"{p[0]} {p[2]}" for p in ADDED + LOST])
def test_a_planted_flip_names_its_item(tag, planted, message, tmp_path):
    found = told(polarity_faults(read(tag, tmp_path, planted), garden("en") if tag != "en" else None))
    (item,) = (key.partition("[")[0] for key in planted)
    assert f"{item}.negation" in [key for key, _ in found]
    assert any(message in told for _, told in found)
    assert all(told.endswith("?") for _, told in found)


def test_one_wording_alone_is_compared_with_most_items():
    alone = {"items.fruit": ["Los vecinos no deberían compartir la fruta de sus árboles."]}
    others = {
        "items.calm": ["Los jardines deberían estar en silencio."], "items.soil": ["No me gusta trabajar la tierra."],
        "items.school": ["Los niños deberían aprender en la escuela cómo crecen las plantas."],
        "items.water": ["¿Con qué frecuencia riega usted plantas?"],
    }  # fmt: skip
    planted = others | alone
    found = told(polarity_faults(garden("es", planted), garden("en")))
    assert found == [("items.fruit.negation", "wording 0 denies 'deberían', that of en denies nothing?")]


@pytest.mark.parametrize("tag", sorted(path.stem for path in GARDEN.glob("??.toml")))
def test_negations_in_many_languages_are_left_alone(tag, tmp_path):
    assert told(polarity_faults(read(tag, tmp_path), garden("en") if tag != "en" else None)) == []


@pytest.mark.parametrize(
    ("tag", "before", "after", "found", "planted"),
    [("en", "should", "should not", 46, 46), ("es", "deber", "no deber", 41, 47),
     ("zh", "应该", "不应该", 43, 50), ("ar", "ينبغي", "لا ينبغي", 43, 50)],
)  # fmt: skip
def test_most_flips_of_should_in_a_shipped_questionnaire_are_found(
    library: Library, tag, before, after, found, planted
):
    """Of those missed, English denies something else in the same wording, which hides them."""
    questionnaire = library.questionnaire("mfq2")
    readings = {name: _read(library, name) for name in {tag, "en"}}
    english = readings["en"] if tag != "en" else None
    flipped = [
        (key, text.replace(before, after, 1)) for key, (text, *_) in readings[tag].forms.items()
        if key.startswith("items.") and before in text
    ]  # fmt: skip
    hits = 0
    for key, text in flipped:
        forms = {**readings[tag].forms, key: (text,)}
        doubts = polarity_faults(Reading(questionnaire, tag, library.lexicon(tag), forms), english)
        hits += any(doubt.key == f"{key.partition('[')[0]}.negation" for doubt in doubts)
    assert len(flipped) == planted
    assert hits >= found


def _read(library: Library, tag: str) -> Reading:
    questionnaire = library.questionnaire("mfq2")
    forms = {
        f"items.{name}[{place}]": (wording,)
        for name, wordings in questionnaire.text(tag).items.items()
        for place, wording in enumerate(wordings)
    }
    return Reading(questionnaire, tag, library.lexicon(tag), forms)
