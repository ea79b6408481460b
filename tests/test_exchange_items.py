from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from culturesim.errors import DefinitionError, StudyError
from culturesim.exchange.definitions import Imported
from culturesim.exchange.doors import bring_in, hand_out
from culturesim.exchange.shelf import put
from culturesim.exchange.wishes import Wishes
from culturesim.exchange.workbook import write_workbook
from culturesim.library import Library
from culturesim.questionnaire import read_questionnaire

LABELS = ("no", "partly", "yes")
TABLE = "id,text,dimension,reverse,topic\ng1,I like gardens.,Joy,,flowers\ng2,A garden is work.,Joy|Toil,x,\n"


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


def back(path: Path, library: Library, door: Any = "csv", **wishes: Any) -> Imported:
    return bring_in(door, [path], Wishes(**wishes), library)


def faults(path: Path, library: Library, door: Any = "csv", **wishes: Any) -> list[tuple[str, str]]:
    with pytest.raises(DefinitionError) as caught:
        back(path, library, door, **wishes)
    return [(fault.key, fault.message) for fault in caught.value.faults]


def test_a_table_and_labels_make_a_questionnaire(tmp_path: Path, library: Library) -> None:
    (made,) = back(written(tmp_path / "garden.csv", TABLE), library, labels=LABELS, instruction="Well?").definitions
    keys, texts = made.keys, made.texts["en"]
    assert (keys.id, keys.wording, keys.scales[0].codes) == ("garden", "adapted", (1, 2, 3))
    assert [(d.id, d.title) for d in keys.dimensions] == [("joy", "Joy"), ("toil", "Toil")]
    assert keys.items[1].model_dump(exclude_defaults=True) == {
        "id": "g2", "dimensions": ("joy", "toil"), "scale": "answer", "reverse": True,
    }  # fmt: skip
    assert (texts.scales["answer"].labels, texts.scales["answer"].instruction) == (LABELS, "Well?")
    assert texts.items == {"g1": ("I like gardens.",), "g2": ("A garden is work.",)}


@pytest.mark.parametrize("delimiter", [";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_spreadsheets_save_tables_in_their_own_ways(tmp_path: Path, library: Library, delimiter: str, end: str) -> None:
    text = "\ufeff" + TABLE.replace(",", delimiter).replace("\n", end).replace("id", "ID", 1)
    plain = back(written(tmp_path / "garden.csv", TABLE), library, labels=LABELS)
    assert back(written(tmp_path / "garden.csv", text), library, labels=LABELS).definitions == plain.definitions


def test_a_table_may_be_a_workbook(tmp_path: Path, library: Library) -> None:
    (tmp_path / "a").mkdir()
    plain = back(written(tmp_path / "a" / "garden.csv", TABLE), library, labels=LABELS).definitions[0]
    (tmp_path / "garden.xlsx").write_bytes(write_workbook({"s": [line.split(",") for line in TABLE.splitlines()]}))
    (made,) = back(tmp_path / "garden.xlsx", library, labels=LABELS).definitions
    assert (made.keys.items, made.texts["en"].items) == (plain.keys.items, plain.texts["en"].items)


def test_a_second_table_holds_the_scales(tmp_path: Path, library: Library) -> None:
    items = written(tmp_path / "g.csv", "id,text,scale\na,How often?,often\nb,Which?,which\nc,And now?,often\n")
    scales = written(tmp_path / "s.csv", "scale,code,label,instruction,kind\noften,2,always,Tick.,\noften,0,never,,\n"
                                         "which,1,this,,nominal\nwhich,2,that,,\nnone,1,x,,\nnone,2,y,,\n")  # fmt: skip
    (made,) = back(items, library, scales=scales, language="en").definitions
    assert [(s.id, s.kind, s.codes) for s in made.keys.scales] == [
        ("often", "ordinal", (0, 2)), ("which", "nominal", (1, 2)),
    ]  # fmt: skip
    assert made.texts["en"].scales["often"].labels == ("never", "always")
    assert made.texts["en"].scales["often"].instruction == "Tick."


def test_every_fault_is_told_at_once_with_row_and_column(tmp_path: Path, library: Library) -> None:
    table = "id,text,reverse,scale\na,,,far\na,Twice.,,\n1b,Hm.,maybe,\n,Nameless.,,\n"
    scales = written(tmp_path / "s.csv", "scale,code,label\nnear,1,a\nnear,2,b\nwide,1,c\nwide,2,d\n")
    assert faults(written(tmp_path / "g.csv", table), library, scales=scales) == [
        ("row 2, column text", "is empty"),
        ("row 3, column id", "'a' is in row 2, too; wordings of one item are told apart by a column wording"),
        ("row 5, column id", "is empty"),
        ("row 2, column scale", "is 'far'; the scales are near, wide"),
        ("row 4, column id", "is '1b'; an id has letters, digits and _, a letter first"),
        ("row 4, column scale", "is ''; the scales are near, wide"),
        ("row 4, column reverse", "is 'maybe'; write 1 or 0, yes or no, x or nothing"),
        ("row 5, column scale", "is ''; the scales are near, wide"),
    ]


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        ("name,text\na,b\n", "row 1", "has no column id; its head is: name, text"),
        ("id,text,text\na,b,c\n", "row 1", "names text twice"),
        ("id,text\na,b,c\n", "row 2", "has 3 cells for 2 columns"),
        ("", "row 1", "has no column id, text; its head is: nothing"),
        ("id,text\n\n,\n", "", "holds no items"),
        ('id,text\na,"b\n', "", "is no CSV: unexpected end of data"),
        ("id,text,wording\na,b,0\na,c,2\n", "row 2, column wording", "wordings of 'a' must count from 0 without a gap"),
        ("id,text,wording\na,b,first\n", "row 2, column wording", "is 'first', not 0, 1, 2 …"),
        ("id,text,wording,topic\na,b,0,x\na,c,1,y\n", "row 3, column topic",
         "is 'y', but 'x' in row 2: an item has one key"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_told(text: str, place: str, told: str, tmp_path: Path, library: Library) -> None:
    assert faults(written(tmp_path / "g.csv", text), library, labels=LABELS) == [(place, told)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("far,one,a\n", {"is 'one', not a whole number", "'far' has fewer than two codes"}),
        ("far,1,a\nfar,1,b\n", {"1 is there twice in scale 'far'", "'far' has fewer than two codes"}),
        ("so far,1,a\nso far,2,b\n", {"is 'so far'; a name has letters, digits and _, a letter first"}),
    ],
)
def test_a_wrong_table_of_scales_is_told(text: str, told: set[str], tmp_path: Path, library: Library) -> None:
    scales = written(tmp_path / "s.csv", f"scale,code,label\n{text}")
    found = faults(written(tmp_path / "g.csv", "id,text\na,b\n"), library, scales=scales)
    assert {message for _, message in found} == told


def test_a_table_in_another_encoding_is_told(tmp_path: Path, library: Library) -> None:
    (tmp_path / "g.csv").write_bytes("id,text\na,Gärten\n".encode("latin-1"))
    assert "is not UTF-8 at byte 11; spreadsheets save it as “CSV UTF-8”" in faults(tmp_path / "g.csv", library)[0][1]


def test_items_without_answers_are_told(tmp_path: Path, library: Library) -> None:
    assert "--labels" in faults(written(tmp_path / "g.csv", TABLE), library)[0][1]


def test_columns_nobody_reads_are_told(tmp_path: Path, library: Library) -> None:
    path = written(tmp_path / "g.csv", "id,text,remark\na, Hm. ,x\n")
    told = [(oddity.place, oddity.what) for oddity in back(path, library, labels=LABELS).oddities]
    assert told == [
        ("column remark", "is not read"),
        ("row 2, column text", "begins or ends with a space, which is kept"),
    ]


def test_a_plain_questionnaire_goes_out_and_comes_back(tmp_path: Path, library: Library) -> None:
    mfq2 = library.questionnaire("mfq2")
    files, oddities = hand_out("csv", ["mfq2"], tmp_path / "mfq2.csv", ["es"], library)
    assert not oddities
    for path, text in files.items():
        written(path, str(text))
    scales = tmp_path / "mfq2-scales.csv"
    (made,) = back(tmp_path / "mfq2.csv", library, scales=scales, language="es").definitions
    same = ("id", "scales", "items", "scoring")
    assert made.keys.model_dump(include=set(same)) == mfq2.keys.model_dump(include=set(same))
    assert (made.texts["es"].items, made.texts["es"].scales) == (mfq2.text("es").items, mfq2.text("es").scales)


def test_what_a_table_does_not_hold_is_told(tmp_path: Path, library: Library) -> None:
    _, oddities = hand_out("csv", ["iw10"], tmp_path / "iw10.csv", ["en"], library)
    assert {oddity.place for oddity in oddities} == {"Y002_goals", "Y003_qualities", "Y002", "Y003", "scoring"}


def test_a_table_is_in_one_language(tmp_path: Path, library: Library) -> None:
    with pytest.raises(StudyError, match="csv holds one language"):
        hand_out("csv", ["mfq2"], tmp_path / "x.csv", ["en", "es"], library)


# ---------------------------------------------------------------- official wordings


@pytest.fixture
def form(tmp_path: Path, library: Library) -> Path:
    """The empty form of a shipped questionnaire, filled in; half of its rows by code."""
    files, _ = hand_out("official", ["mfq2"], tmp_path / "form.csv", [], library)
    items, scales = (str(text).splitlines() for text in files.values())
    rows = [row.split(",") for row in items[1:]]
    filled = [f"{row[n % 2]},{row[1]},{row[2]},Satz {n}." for n, row in enumerate(rows)]
    written(tmp_path / "form.csv", "\n".join([items[0], *filled]))
    answers = [f"describes,{n},Antwort {n},Wie sehr?,ordinal" for n in range(1, 6)]
    written(tmp_path / "form-scales.csv", "\n".join([scales[0], *answers]))
    return tmp_path / "form.csv"


def official(form: Path, library: Library, **wishes: Any) -> Imported:
    given: dict[str, Any] = {"questionnaire": "mfq2", "language": "de", "scales": form.with_name("form-scales.csv")}
    return back(form, library, "official", **(given | wishes))


def test_official_words_make_their_language_official_and_no_other(form: Path, library: Library) -> None:
    put(official(form, library), form.parent)
    mine = Library([form.parent]).questionnaire("mfq2")
    assert [tag for tag in mine.languages if mine.wording_in(tag) == "official"] == ["de"]
    assert [mine.wording_in(tag) for tag in ("en", "es")] == ["adapted", "adapted"]
    assert mine.text("de").items["m02"] == ("Satz 1.",)
    assert mine.text("de").scales["describes"].labels[0] == "Antwort 1"
    assert mine.version != library.questionnaire("mfq2").version


def test_a_second_language_joins_the_first(form: Path, library: Library) -> None:
    put(official(form, library), form.parent)
    mine = Library([form.parent])
    put(official(form, mine, language="es"), form.parent)  # ours of the same name may be written over
    assert read_questionnaire(form.parent / "questionnaires" / "mfq2").wording == "adapted, official in de, es"
    written(form, form.read_text(encoding="utf-8").replace("Satz 3.", "Satz drei."))
    with pytest.raises(DefinitionError, match="is there already"):
        put(official(form, Library([form.parent]), language="es"), form.parent)


def test_official_words_may_come_as_toml(tmp_path: Path, library: Library) -> None:
    labels = '["a", "b", "c", "d", "e"]'
    items = "\n".join(f'm{n:02} = "Satz {n}."' for n in range(1, 37))
    text = f'language = "de"\n[scales.describes]\nlabels = {labels}\n[items]\n{items}\n'
    (made,) = back(written(tmp_path / "de.toml", text), library, "official", questionnaire="mfq2").definitions
    assert made.texts["de"].provenance.official
    assert made.texts["de"].items["m36"] == ("Satz 36.",)


@pytest.mark.parametrize(
    ("text", "key", "told"),
    [
        ("scales = 3\nitems = {}", "scales", "Input should be a valid dictionary, not 3"),
        ("scales = {}\nitems = []", "items", "Input should be a valid dictionary, not []"),
        ('title = "x"\nscales = {}\nitems = {}', "title", "is no known key"),
    ],
)
def test_official_toml_of_another_shape_is_told(
    text: str, key: str, told: str, tmp_path: Path, library: Library
) -> None:
    path = written(tmp_path / "de.toml", f'language = "de"\n{text}\n')
    assert faults(path, library, "official", questionnaire="mfq2") == [(key, told)]


def test_official_words_are_one(tmp_path: Path, library: Library) -> None:
    path = written(tmp_path / "de.toml", 'language = "de"\n[scales]\n[items]\nm01 = ["Eins.", "Zwei."]\n')
    found = faults(path, library, "official", questionnaire="mfq2")
    assert found[0] == ("items.m01", "has 2 wordings; the official one is one")
    with pytest.raises(StudyError, match=r"--language is es, but .* says language = 'de'"):
        back(path, library, "official", questionnaire="mfq2", language="es")


def test_official_items_over_our_answers_say_so(form: Path, library: Library) -> None:
    assert "--keep-labels" in faults(form, library, "official", questionnaire="mfq2", language="es")[0][1]
    kept = official(form, library, language="es", scales=None, keep_labels=True)
    assert [oddity.what for oddity in kept.oddities] == ["keeps our words"]
    texts = kept.definitions[0].texts["es"]
    assert texts.scales == library.questionnaire("mfq2").text("es").scales
    assert texts.provenance.note.endswith("Not official are the answers of describes.")


def test_official_words_that_do_not_fit_are_told_at_once(form: Path, library: Library) -> None:
    lines = form.read_text(encoding="utf-8").splitlines()
    written(form, "\n".join([lines[0], "m99,,,Nobody.", "m01,,,", *lines[3:]]))
    assert faults(form, library, "official", questionnaire="mfq2", language="de", labels=("a", "b")) == [
        ("row 3, column text", "is empty"),
        ("row 2, column id", "'m99' is neither id nor code of an item of mfq2"),
        ("scales.describes.labels", "2 labels for 5 codes"),
        ("items.m02", "is missing"),
        ("items.m01", "has an empty wording, or the same twice"),
    ]


def test_codes_of_official_answers_must_be_the_questionnaires(form: Path, library: Library) -> None:
    scales = form.with_name("form-scales.csv")
    written(scales, scales.read_text(encoding="utf-8").replace("describes,5", "describes,6"))
    found = faults(form, library, "official", questionnaire="mfq2", language="de", scales=scales)
    assert found[0] == ("scale describes", "has other codes than mfq2: 1, 2, 3, 4, 5")


@pytest.mark.parametrize(
    ("wishes", "told"),
    [
        ({"questionnaire": ""}, "--questionnaire must say"),
        ({"language": ""}, "--language must say"),
        ({"mend": True}, "--mend is of no use with official"),
    ],
)
def test_official_words_must_say_what_they_are(wishes: dict[str, Any], told: str, form: Path, library: Library) -> None:
    with pytest.raises(StudyError, match=told):
        official(form, library, **wishes)
