from pathlib import Path

import pytest

from culturesim.errors import DefinitionError, UnknownNameError
from culturesim.questionnaire import (
    CompositeItem,
    PickItem,
    ScaleItem,
    read_battery,
    read_frame,
    read_questionnaire,
)

SHIPPED = Path(__file__).parents[1] / "questionnaires"
IW10 = read_questionnaire(SHIPPED / "iw10")
MFQ2 = read_questionnaire(SHIPPED / "mfq2")

KEYS = """
id = "mini"
version = "1.0"
title = "Mini"
wording = "adapted"
source = { citation = "Nobody (2025)" }
scales = [{ id = "agree", kind = "ordinal", codes = [1, 2, 3] }, { id = "aims", kind = "nominal", codes = [1, 2, 3] }]
dimensions = [{ id = "warmth", title = "Warmth" }]
scoring = { method = "mean" }
items = [
    { id = "m1", scale = "agree", dimensions = ["warmth"] },
    { id = "m2", scale = "agree", dimensions = ["warmth"], reverse = true },
    { id = "goals", kind = "pick", scale = "aims", max_picks = 2, min_picks = 2, ordered = true },
    { id = "sum", kind = "composite", formula = "m1 + chosen(goals, 2)", range = [1, 4] },
]
"""
ENGLISH = """
language = "en"
[scales]
agree = { instruction = "How far?", labels = ["no", "", "yes"] }
aims = { labels = ["peace", "bread", "land"] }
[items]
m1 = ["I like people.", "People please me."]
m2 = ["I avoid people."]
goals = ["Which two?"]
"""


@pytest.fixture
def mini(tmp_path):
    """A folder with a small questionnaire that is right."""
    folder = tmp_path / "mini"
    folder.mkdir()
    write(folder, "questionnaire.toml", KEYS)
    write(folder, "en.toml", ENGLISH)
    return folder


def write(folder, name, text):
    (folder / name).write_text(text, encoding="utf-8")


def edit(folder, name, old, new):
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    write(folder, name, text.replace(old, new, 1))


def faults(folder):
    with pytest.raises(DefinitionError) as caught:
        read_questionnaire(folder)
    return [(Path(fault.file).name, fault.key, fault.message) for fault in caught.value.faults]


def test_iw10_asks_ten_items_and_computes_two():
    assert len(IW10.asked) == 10
    composites = [item.id for item in IW10.items.values() if isinstance(item, CompositeItem)]
    assert composites == ["Y002", "Y003"]
    assert IW10.languages == ("ar", "en", "es", "hi", "zh")


def test_iw10_picks_are_two_ordered_goals_and_up_to_five_qualities():
    goals, qualities = IW10.items["Y002_goals"], IW10.items["Y003_qualities"]
    assert isinstance(goals, PickItem)
    assert (goals.min_picks, goals.max_picks, goals.ordered) == (2, 2, True)
    assert (qualities.min_picks, qualities.max_picks, qualities.ordered) == (1, 5, False)
    assert IW10.scale_of(qualities).codes == tuple(range(1, 12))


def test_mfq2_interleaves_six_foundations_of_six_items():
    assert len(MFQ2.asked) == 36
    foundations = ["care", "equality", "proportionality", "loyalty", "authority", "purity"]
    assert [item.dimensions for item in MFQ2.asked.values()] == [(name,) for name in foundations * 6]
    assert not any(isinstance(item, ScaleItem) and item.reverse for item in MFQ2.asked.values())


@pytest.mark.parametrize("questionnaire", [IW10, MFQ2], ids=lambda q: q.id)
def test_shipped_items_have_as_many_wordings_in_every_language(questionnaire):
    for name in questionnaire.asked:
        assert len({len(questionnaire.text(tag).items[name]) for tag in questionnaire.languages}) == 1


@pytest.mark.parametrize("questionnaire", [IW10, MFQ2], ids=lambda q: q.id)
def test_shipped_wordings_are_called_adapted_and_none_official(questionnaire):
    assert questionnaire.keys.wording == "adapted"
    assert not any(questionnaire.text(tag).provenance.official for tag in questionnaire.languages)


def test_a_small_questionnaire_is_read(mini):
    read = read_questionnaire(mini)
    assert (read.id, read.languages, list(read.asked)) == ("mini", ("en",), ["m1", "m2", "goals"])
    assert read.text("en").items["m1"] == ("I like people.", "People please me.")
    assert read.scale_of(read.asked["m1"]).codes == (1, 2, 3)


def test_an_unknown_language_names_those_there_are_and_the_file_to_add():
    with pytest.raises(UnknownNameError, match=r"language of iw10 'eo'.*add .*eo\.toml"):
        IW10.text("eo")


@pytest.mark.parametrize(
    ("patterns", "selected"),
    [
        (["m*"], ["m1", "m2"]),
        (["*"], ["m1", "m2", "goals"]),
        (["sum"], ["m1", "goals"]),
        (["m2", "m1"], ["m1", "m2"]),
        (["goals", "g*"], ["goals"]),
    ],
)
def test_select_takes_globs_and_brings_what_a_composite_needs(mini, patterns, selected):
    assert [item.id for item in read_questionnaire(mini).select(patterns)] == selected


def test_select_names_the_nearest_item():
    with pytest.raises(UnknownNameError, match="did you mean 'Y002"):
        IW10.select(["F063", "Y02"])


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("I like people.", "I love people.", {"m1"}),
        ('"no", ""', '"never", ""', {"m1", "m2"}),
        ("How far?", "How much?", {"m1", "m2"}),
        ("Which two?", "Which?", {"goals"}),
    ],
)
def test_a_changed_word_changes_the_fingerprints_of_its_prompts_only(mini, old, new, changes):
    before = read_questionnaire(mini)
    edit(mini, "en.toml", old, new)
    after = read_questionnaire(mini)
    changed = {n for n, i in before.asked.items() if before.fingerprint(i, "en", 0) != after.fingerprint(i, "en", 0)}
    assert changed == changes
    assert before.version == after.version


def test_a_changed_key_changes_the_version(mini):
    before = read_questionnaire(mini)
    edit(mini, "questionnaire.toml", ", reverse = true", "")
    after = read_questionnaire(mini)
    assert before.version != after.version
    assert before.version.startswith("1.0+")


@pytest.mark.parametrize(
    ("old", "new", "key", "expectation"),
    [
        ('id = "m1", scale = "agree"', 'id = "m1", scale = "agre"', "items[m1].scale", "known: agree, aims"),
        ('"m1", scale = "agree", dimensions = ["warmth"]', '"m1", scale = "agree", dimensions = ["cold"]',
         "items[m1].dimensions", "unknown dimension 'cold'; known: warmth"),
        ("m1 + chosen(goals, 2)", "m9 + chosen(goals, 2)", "items[sum].formula", "'m9' is no item with a value"),
        ("m1 + chosen(goals, 2)", "chosen(m1, 2)", "items[sum].formula", "'m1' is no pick item"),
        ("m1 + chosen(goals, 2)", "chosen(goals, 7)", "items[sum].formula", "scale 'aims' has no code 7"),
        ("m1 + chosen(goals, 2)", "goals", "items[sum].formula", "'goals' is no item with a value"),
        ("m1 + chosen(goals, 2)", "m1 +", "items[sum].formula", "is no formula"),
        ("max_picks = 2", "max_picks = 4", "items[goals].max_picks", "'aims' has 3 options"),
        ("min_picks = 2", "min_picks = 3", "items[goals]", "min_picks 3 is more than max_picks 2"),
        ('kind = "pick"', 'kind = "pic"', "items[goals]", "'ScaleItem', 'PickItem', 'CompositeItem'"),
        ("codes = [1, 2, 3] }, {", "codes = [3, 2, 1] }, {", "scales[agree]", "must ascend without repetition"),
        ('version = "1.0"', "", "version", "is missing"),
        ('title = "Mini"', 'title = "Mini"\nauthor = "x"', "author", "is no known key"),
        (", reverse = true", ", revers = true", "items[m2].revers", "is no known key"),
        ('wording = "adapted"', 'wording = "mine"', "wording", "'adapted' or 'official', not 'mine'"),
        ('id = "mini"', 'id = "maxi"', "id", "is 'maxi', but the folder is called 'mini'"),
        ('id = "m2"', 'id = "m-2"', "items[m-2].id", "should match pattern"),
        ('dimensions = [{ id = "warmth", title = "Warmth" }]',
         'dimensions = [{ id = "warmth", title = "Warmth" }, { id = "warmth", title = "Warm" }]',
         "dimensions[warmth]", "is there twice"),
        ('dimensions = [{ id = "warmth", title = "Warmth" }]',
         'dimensions = [{ id = "warmth", title = "Warmth" }, { id = "cold", title = "Cold" }]',
         "dimensions[cold]", "has no item"),
        ('method = "mean"', 'method = "formula"', "scoring.formulas.warmth", "must be the same names"),
        ('method = "mean"', 'method = "mean", formulas = { warmth = "m1" }', "scoring.formulas", "uses no formulas"),
        ('method = "mean"', 'method = "formula", formulas = { warmth = "m1 + m7" }', "scoring.formulas.warmth",
         "'m7' is no item with a value"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_told_with_file_key_and_expectation(mini, old, new, key, expectation):
    edit(mini, "questionnaire.toml", old, new)
    ((file, at, message),) = faults(mini)
    assert (file, at) == ("questionnaire.toml", key)
    assert expectation in message


@pytest.mark.parametrize(
    ("old", "new", "key", "expectation"),
    [
        ('"no", "", "yes"', '"no", "yes"', "scales.agree.labels", "2 labels for 3 codes"),
        ('"no", "", "yes"', '"yes", "", "yes"', "scales.agree.labels", "has the same label twice"),
        ('"no", "", "yes"', '"", "so so", "yes"', "scales.agree.labels", "only inner points of an ordinal scale"),
        ('"peace", "bread"', '"peace", ""', "scales.aims.labels", "only inner points of an ordinal scale"),
        ('aims = { labels = ["peace", "bread", "land"] }', "", "scales.aims", "is missing"),
        ('m2 = ["I avoid people."]', "", "items.m2", "is missing"),
        ('m2 = ["I avoid people."]', 'm2 = ["I avoid people."]\nm3 = ["?"]', "items.m3", "is no asked item"),
        ('m2 = ["I avoid people."]', 'm2 = ["I avoid people."]\nsum = ["?"]', "items.sum", "is no asked item"),
        ("[items]", 'likes = { labels = ["a", "b"] }\n[items]', "scales.likes", "is no scale of questionnaire.toml"),
        ('"I like people.", "People please me."', '"Same.", "Same."', "items.m1", "the same twice"),
        ('"I like people.", "People please me."', '" "', "items.m1", "has an empty wording"),
        ('"I like people.", "People please me."', "", "items.m1", "at least 1 item"),
        ('language = "en"', 'language = "fr"', "language", "is 'fr', but the file is called en.toml"),
        ('language = "en"', 'language = "en"\nvoice = "x"', "voice", "is no known key"),
        ("[items]", "[items", "", "line 6"),
    ],
)
def test_wrong_words_are_told_with_file_key_and_expectation(mini, old, new, key, expectation):
    edit(mini, "en.toml", old, new)
    ((file, at, message),) = faults(mini)
    assert (file, at) == ("en.toml", key)
    assert expectation in message


def test_all_faults_of_all_files_are_told_at_once(mini):
    edit(mini, "questionnaire.toml", 'scale = "agree", dimensions', 'scale = "agre", dimensions')
    edit(mini, "questionnaire.toml", "max_picks = 2", "max_picks = 9")
    edit(mini, "en.toml", '"no", "", "yes"', '"no", "yes"')
    write(mini, "es.toml", "language =")
    write(mini, "fr.toml", ENGLISH.replace('"en"', '"fr"').replace("Which two?", ""))
    assert {(file, key) for file, key, _ in faults(mini)} == {
        ("questionnaire.toml", "items[m1].scale"),
        ("questionnaire.toml", "items[goals].max_picks"),
        ("en.toml", "scales.agree.labels"),
        ("es.toml", ""),
        ("fr.toml", "items.goals"),
    }


def test_languages_are_checked_even_where_the_keys_are_broken(mini):
    edit(mini, "questionnaire.toml", 'version = "1.0"', "")
    edit(mini, "en.toml", 'language = "en"', "language = 3")
    assert {(file, key) for file, key, _ in faults(mini)} == {
        ("questionnaire.toml", "version"),
        ("en.toml", "language"),
    }


def test_a_questionnaire_in_no_language_is_told(mini):
    (mini / "en.toml").unlink()
    assert faults(mini) == [("mini", "", "has no <language>.toml beside questionnaire.toml")]


@pytest.mark.parametrize("name", ["first", "quick", "full"])
def test_shipped_batteries_name_items_that_exist(name):
    battery = read_battery(SHIPPED / "batteries" / f"{name}.toml")
    known = {"iw10": IW10, "mfq2": MFQ2}
    assert all(known[part.questionnaire].select(part.items) for part in battery.parts)


def test_a_battery_without_parts_is_told(tmp_path):
    write(tmp_path, "empty.toml", 'title = "Empty"\nparts = []')
    with pytest.raises(DefinitionError, match=r"empty\.toml: parts: .*at least 1 item"):
        read_battery(tmp_path / "empty.toml")


def test_a_frame_is_read_with_its_source_and_fingerprint(tmp_path):
    write(tmp_path, "en.j2", "{% block user %}?{% endblock %}")
    frame = read_frame(tmp_path, "en")
    write(tmp_path, "en.j2", "{% block user %}!{% endblock %}")
    assert (frame.id, frame.language, frame.source) == (tmp_path.name, "en", "{% block user %}?{% endblock %}")
    assert frame.fingerprint != read_frame(tmp_path, "en").fingerprint


def test_a_frame_in_an_unknown_language_names_the_file_to_add(tmp_path):
    write(tmp_path, "en.j2", "")
    with pytest.raises(UnknownNameError, match=r"'eo'.*add .*eo\.j2"):
        read_frame(tmp_path, "eo")
