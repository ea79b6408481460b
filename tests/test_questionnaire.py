from collections import Counter
from pathlib import Path

import pytest

from culturesim.errors import DefinitionError, UnknownNameError
from culturesim.questionnaire import (
    CompositeItem,
    FrameHead,
    PickItem,
    ScaleItem,
    read_battery,
    read_frame,
    read_questionnaire,
)
from tests.conftest import LANGUAGES

SHIPPED = Path(__file__).parents[1] / "questionnaires"
IW10 = read_questionnaire(SHIPPED / "iw10")
MFQ2 = read_questionnaire(SHIPPED / "mfq2")
PVQ21 = read_questionnaire(SHIPPED / "pvq21")
WVS = read_questionnaire(SHIPPED / "wvs-values")


MFQ30 = read_questionnaire(SHIPPED / "mfq30")
VSM2013 = read_questionnaire(SHIPPED / "vsm2013")
BIGFIVE50 = read_questionnaire(SHIPPED / "bigfive50")
ALL = (IW10, MFQ2, MFQ30, PVQ21, VSM2013, WVS, BIGFIVE50)

HEAD = FrameHead(title="a frame")

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
    assert IW10.languages == LANGUAGES


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


def of(questionnaire, dimension):
    """The numbers of a dimension's items."""
    return [int(name.strip("pq")) for name, item in questionnaire.asked.items() if dimension in item.dimensions]


PORTRAITS = {
    "conformity": [7, 16], "tradition": [9, 20], "benevolence": [12, 18], "universalism": [3, 8, 19],
    "self_direction": [1, 11], "stimulation": [6, 15], "hedonism": [10, 21], "achievement": [4, 13], "power": [2, 17],
    "security": [5, 14],
}  # fmt: skip
HIGHER_ORDER = {
    "self_transcendence": ["universalism", "benevolence"], "self_enhancement": ["achievement", "power"],
    "openness": ["self_direction", "stimulation", "hedonism"], "conservation": ["security", "conformity", "tradition"],
}  # fmt: skip


def test_pvq21_has_the_published_key():
    assert {value: of(PVQ21, value) for value in PORTRAITS} == PORTRAITS
    assert [item.code for item in PVQ21.asked.values()] == [f"PVQ21-{number}" for number in range(1, 22)]
    assert {PVQ21.scale_of(item).codes for item in PVQ21.asked.values()} == {(1, 2, 3, 4, 5, 6)}
    assert not any(item.reverse for item in PVQ21.asked.values())


@pytest.mark.parametrize("whole", HIGHER_ORDER)
def test_the_higher_order_values_of_pvq21_hold_the_items_of_their_values(whole):
    assert of(PVQ21, whole) == sorted(number for value in HIGHER_ORDER[whole] for number in PORTRAITS[value])


# Question numbers of WVS-7 by the codes of its answers, "against democracy" (0) and "not of this nationality" (5) left
# out, which are never offered.
WVS_RANGES = {
    (1, 4): [*range(1, 7), 28, 29, 30, 31, *range(58, 64), 65, 66, 69, 70, 71, 73, *range(235, 239), 254],
    (1, 2): [8, 12, 14, 15, 17, 19, 21, 22, 23, 57, 165, 166], (1, 5): [33, 35], (1, 7): [171], (1, 8): [172],
    (1, 3): [173], (1, 10): [*range(106, 111), 164, 177, 180, 181, 182, 184, 185, 188, 243, 245, 246],
}  # fmt: skip

# Of each dimension, the questions whose high codes mean more of it, and those whose low codes do.
WVS_KEY = {
    "autonomy": ([15, 17], [8, 14]), "tolerance": ([19, 21, 22, 23], []), "gender_equality": ([28, 29, 30, 31], []),
    "gender_equality_income": ([33, 35], []), "ingroup_trust": ([], [58, 59, 60]), "outgroup_trust": ([], [61, 62, 63]),
    "institutional_confidence": ([], [65, 66, 69, 70, 71, 73]), "market_orientation": ([106, 108], [107, 109]),
    "civic_permissiveness": ([177, 180, 181], []), "moral_permissiveness": ([182, 184, 185, 188], []),
    "religious_belief": ([], [165, 166]), "democratic_values": ([235, 237], [238]),
    "liberal_democracy": ([243, 246], [245]),
}  # fmt: skip


def test_wvs_values_asks_sixty_questions_in_the_ranges_of_the_survey():
    found = {}
    for item in WVS.asked.values():
        codes = WVS.scale_of(item).codes
        assert codes == tuple(range(codes[0], codes[-1] + 1))
        found.setdefault((codes[0], codes[-1]), []).append(int(item.code[1:]))
    assert found == WVS_RANGES
    assert len(WVS.asked) == 60
    assert all(name == item.code.lower() for name, item in WVS.asked.items())


def test_a_high_score_of_wvs_values_is_more_of_what_the_dimension_is_called():
    for dimension, (straight, turned) in WVS_KEY.items():
        reverse = {int(name[1:]): item.reverse for name, item in WVS.asked.items() if dimension in item.dimensions}
        assert reverse == dict.fromkeys(straight, False) | dict.fromkeys(turned, True), dimension
    assert set(WVS_KEY) == {dimension.id for dimension in WVS.keys.dimensions}


@pytest.mark.parametrize("language", sorted(set(IW10.languages) & set(WVS.languages)))
def test_what_two_questionnaires_ask_they_ask_in_the_same_words(language):
    here, there = WVS.text(language), IW10.text(language)
    shared = [name for name, item in IW10.asked.items() if item.code.lower() in WVS.asked]
    assert len(shared) == 5
    for name in shared:
        item, twin = IW10.asked[name], WVS.asked[IW10.asked[name].code.lower()]
        assert here.items[twin.id] == there.items[name][: len(here.items[twin.id])]
        assert here.scales[twin.scale] == there.scales[item.scale]


@pytest.mark.parametrize("questionnaire", [MFQ2, PVQ21, WVS], ids=lambda q: q.id)
def test_a_mean_is_over_items_of_one_range(questionnaire):
    for dimension in questionnaire.keys.dimensions:
        members = [item for item in questionnaire.asked.values() if dimension.id in item.dimensions]
        assert len({questionnaire.scale_of(item).codes for item in members}) == 1, dimension.id


def test_mfq30_has_its_key_and_two_attention_items_outside_of_it():
    key = {name: [] for name in ("care", "fairness", "loyalty", "authority", "purity")}
    for place, item in enumerate(MFQ30.asked.values(), start=1):
        for name in item.dimensions:
            key[name].append(place)
    assert key == {
        "care": [1, 7, 12, 17, 23, 28],
        "fairness": [2, 8, 13, 18, 24, 29],
        "loyalty": [3, 9, 14, 19, 25, 30],
        "authority": [4, 10, 15, 20, 26, 31],
        "purity": [5, 11, 16, 21, 27, 32],
    }
    attention = {one.item: one.exclude for one in MFQ30.keys.scoring.attention}
    assert attention == {"m06": (3, 4, 5), "m22": (0, 1, 2)}


def test_mfq30_asks_for_relevance_and_then_for_agreement():
    assert [item.scale for item in MFQ30.asked.values()] == ["relevance"] * 16 + ["agreement"] * 16
    assert {scale.codes for scale in MFQ30.scales.values()} == {(0, 1, 2, 3, 4, 5)}
    ends = {name: (scale.labels[0], scale.labels[-1]) for name, scale in MFQ30.text("en").scales.items()}
    assert ends == {
        "relevance": ("not at all relevant", "extremely relevant"),
        "agreement": ("strongly disagree", "strongly agree"),
    }


def test_vsm2013_labels_run_in_the_direction_that_its_formulas_take():
    assert not any(isinstance(item, ScaleItem) and item.reverse for item in VSM2013.asked.values())
    labels = {name: scale.labels for name, scale in VSM2013.text("en").scales.items()}
    firsts = [labels[item.scale][0] for item in VSM2013.asked.values()]
    assert firsts == [
        *["extremely important"] * 14, "always", "always", "always", "very good", "very proud", "never",
        *["strongly agree"] * 4,
    ]  # fmt: skip
    assert labels["fear_frequency"] == labels["frequency"][::-1]


def test_bigfive50_interleaves_five_factors_of_facets_keyed_both_ways():
    items = list(BIGFIVE50.asked.values())
    factors = ["extraversion", "agreeableness", "conscientiousness", "emotional_stability", "intellect"]
    assert [item.dimensions for item in items] == [(name,) for name in factors * 10]
    keyed = Counter((*item.dimensions, item.topic, item.reverse) for item in items)
    assert len(keyed) == 50
    assert Counter(factor for factor, _, reverse in keyed if reverse) == dict.fromkeys(factors, 5)


@pytest.mark.parametrize("questionnaire", ALL, ids=lambda q: q.id)
def test_shipped_items_have_three_wordings_or_outside_english_one(questionnaire):
    wordings = 3 if questionnaire in (IW10, MFQ2, PVQ21, VSM2013) else 1
    for tag in questionnaire.languages:
        assert {len(texts) for texts in questionnaire.text(tag).items.values()} == {3 if tag == "en" else wordings}


@pytest.mark.parametrize("questionnaire", ALL, ids=lambda q: q.id)
def test_shipped_wordings_are_called_adapted_and_none_official(questionnaire):
    assert questionnaire.keys.wording == "adapted"
    assert not any(questionnaire.text(tag).provenance.official for tag in questionnaire.languages)


def test_a_small_questionnaire_is_read(mini):
    read = read_questionnaire(mini)
    assert (read.id, read.languages, list(read.asked)) == ("mini", ("en",), ["m1", "m2", "goals"])
    assert read.text("en").items["m1"] == ("I like people.", "People please me.")
    assert read.scale_of(read.asked["m1"]).codes == (1, 2, 3)


def test_advice_is_kept_beside_the_items_and_out_of_their_prompts(mini):
    before = read_questionnaire(mini)
    edit(mini, "en.toml", 'goals = ["Which two?"]', 'goals = ["Which two?"]\n[advice]\nm1 = ["Should I like people?"]')
    after = read_questionnaire(mini)
    assert after.text("en").advice == {"m1": ("Should I like people?",)}
    assert after.version == before.version
    assert after.fingerprint(after.asked["m1"], "en", 0) == before.fingerprint(before.asked["m1"], "en", 0)


@pytest.mark.parametrize(
    ("advice", "key", "expectation"),
    [
        ('m9 = ["Should I?"]', "advice.m9", "is no asked item"),
        ('sum = ["Should I?"]', "advice.sum", "is no asked item"),
        ('m1 = ["Should I?", "Should I?"]', "advice.m1", "the same twice"),
        ('m1 = [" "]', "advice.m1", "has an empty wording"),
        ("m1 = []", "advice.m1", "at least 1 item"),
    ],
)
def test_wrong_advice_is_told(mini, advice, key, expectation):
    edit(mini, "en.toml", 'goals = ["Which two?"]', f'goals = ["Which two?"]\n[advice]\n{advice}')
    ((file, at, message),) = faults(mini)
    assert (file, at) == ("en.toml", key)
    assert expectation in message


def test_one_language_may_be_official(mini):
    before = read_questionnaire(mini)
    write(mini, "fr.toml", ENGLISH.replace('"en"', '"fr"') + "[provenance]\nofficial = true\n")
    after = read_questionnaire(mini)
    assert (after.wording_in("en"), after.wording_in("fr")) == ("adapted", "official")
    assert (before.wording, after.wording) == ("adapted", "adapted, official in fr")
    assert before.version != after.version
    edit(mini, "questionnaire.toml", 'wording = "adapted"', 'wording = "official"')
    assert read_questionnaire(mini).wording == "official"


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


def test_a_default_written_out_changes_no_version(mini):
    before = read_questionnaire(mini)
    edit(mini, "questionnaire.toml", 'method = "mean"', 'method = "mean", attention = []')
    assert read_questionnaire(mini).version == before.version


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
        ('method = "mean"', 'method = "mean", attention = [{ item = "goals", exclude = [1] }]',
         "scoring.attention[goals]", "is no item on a scale"),
        ('method = "mean"', 'method = "mean", attention = [{ item = "m1", exclude = [0, 1, 4] }]',
         "scoring.attention[m1]", "excludes 0, 4, which scale 'agree' has not"),
        ('method = "mean"', 'method = "mean", attention = [{ item = "m1", exclude = [] }]',
         "scoring.attention[0].exclude", "at least 1 item"),
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


@pytest.mark.parametrize("name", ["first", "quick", "values", "hofstede", "full"])
def test_shipped_batteries_name_items_that_exist(name):
    battery = read_battery(SHIPPED / "batteries" / f"{name}.toml")
    known = {questionnaire.id: questionnaire for questionnaire in ALL}
    assert all(known[part.questionnaire].select(part.items) for part in battery.parts)


def test_a_battery_without_parts_is_told(tmp_path):
    write(tmp_path, "empty.toml", 'title = "Empty"\nparts = []')
    with pytest.raises(DefinitionError, match=r"empty\.toml: parts: .*at least 1 item"):
        read_battery(tmp_path / "empty.toml")


def test_a_frame_is_read_with_its_source_and_fingerprint(tmp_path):
    write(tmp_path, "en.j2", "{% block user %}?{% endblock %}")
    frame = read_frame(tmp_path, "en", HEAD)
    write(tmp_path, "en.j2", "{% block user %}!{% endblock %}")
    assert (frame.id, frame.language, frame.source) == (tmp_path.name, "en", "{% block user %}?{% endblock %}")
    assert frame.fingerprint != read_frame(tmp_path, "en", HEAD).fingerprint


def test_a_frame_in_an_unknown_language_names_the_file_to_add(tmp_path):
    write(tmp_path, "en.j2", "")
    with pytest.raises(UnknownNameError, match=r"'eo'.*add .*eo\.j2"):
        read_frame(tmp_path, "eo", HEAD)
