"""Every sign that does not belong in a text is planted, and found with the key it stands under."""

import pytest

from culturesim.checks.signs import sign_faults
from tests.checked import GARDEN, STRANGERS, garden, stranger, told

FAULTS = [
    ("en", " I feel calm in a garden.", "begins or ends with a space"),
    ("en", "I feel calm  in a garden.", "two spaces"),
    ("es", "En un jardi\u0301n siento calma.", "not in composed form"),
    ("en", "I feel calm\u200b in a garden.", "U+200B"),
    ("en", "\ufeffI feel calm in a garden.", "U+FEFF"),
    ("en", "I feel calm in a \u202egarden.", "U+202E"),
    ("en", "I feel calm in a gar\u00adden.", "U+00AD"),
    ("en", "I feel calm in a garden\ufffd.", "U+FFFD"),
    ("es", "En un jardín\u200f siento calma.", "U+200F"),
    ("en", "I feel {0} in a garden.", "{0}"),
    ("en", "I feel {name in a garden.", "{name in"),
    ("en", "I feel calm}} in a garden.", "}}"),
    ("en", "I feel %s in a garden.", "%s"),
    ("en", "I feel %(mood)s in a garden.", "%(mood)s"),
    ("en", "I feel ${mood} in a garden.", "${mood}"),
    ("en", "I feel <b>calm</b> in a garden.", "<b> </b>"),
    ("en", "I feel calm &amp; happy.", "&amp;"),
    ("en", "I feel calm.\\nIn a garden.", "\\n"),
    ("en", "TODO: calm.", "TODO"),
    ("en", "I feel calm (in a garden.", "( and )"),
    ("zh", "在花园里，我感到（平静。", "（ and ）"),
    ("fr", "Dans un « jardin, je me sens calme.", "« and »"),
    ("en", 'I feel "calm in a garden.', "quotation mark"),
    ("de", "In einem „Garten fühle ich mich ruhig.", "quotation mark"),
]  # fmt: skip

DOUBTS = [
    ("es", "items.calm[0].signs", "Cuando estoy en un jardín? Siento calma.", "¿ and ?"),
    ("zh", "items.calm[0].signs", "在花园里,我感到平静。", "mark is not of that script"),
    ("ja", "items.calm[0].signs", "庭にいると心が落ち着く.", "mark is not of that script"),
    ("ar", "items.calm[0].signs", "في الحديقة, أشعر بالهدوء.", "mark is not of that script"),
    ("ar", "items.calm[0].digits", "أشعر بالهدوء بعد 5 دقائق في الحديقة.", "number(5)"),
    ("hi", "items.calm[0].digits", "बगीचे में ५ मिनट में मुझे शांति मिलती है।", "number(5)"),
    ("en", "scales.agreement.labels[0].options", "1 = strongly disagree", "key of its own, '1 ='"),
    ("en", "scales.agreement.labels[4].options", "E) strongly agree", "key of its own, 'E)'"),
    ("en", "scales.agreement.instruction.options", "Answer on a scale from 1 to 5.", "scale's numbers"),
]  # fmt: skip


def read(tag, tmp_path, planted):
    return stranger(tmp_path, tag, planted) if tag in STRANGERS else garden(tag, planted)


@pytest.mark.parametrize(("tag", "text", "message"), FAULTS, ids=[message for *_, message in FAULTS])
def test_a_planted_fault_is_found(tag, text, message, tmp_path):
    found = told(sign_faults(read(tag, tmp_path, {"items.calm[0]": text}), None))
    assert [key for key, _ in found] == ["items.calm[0]"]
    assert message in found[0][1]
    assert not found[0][1].endswith("?")


@pytest.mark.parametrize(("tag", "key", "text", "message"), DOUBTS, ids=[f"{d[0]} {d[3]}" for d in DOUBTS])
def test_a_planted_doubt_is_found(tag, key, text, message, tmp_path):
    found = told(sign_faults(read(tag, tmp_path, {key.rpartition(".")[0]: text}), None))
    assert [key for key, _ in found] == [key]
    assert message in found[0][1]
    assert found[0][1].endswith("?")


GOOD = [
    ("en", "Some (though not all) people say “yes”; 50 % don't."),
    ("en", "I like a) roses, b) lilies."),
    ("fr", "Êtes-vous d'accord avec ceci\u00a0: «\u00a0Le jardin m'apaise\u00a0»\u202f?"),
    ("de", "Ein „Garten“ ist ein Ort der Ruhe."),
    ("es", "Si estoy en un jardín, ¿siento calma?"),
    ("ar", "هل تشعر بالهدوء\u200f في الحديقة؛ ولماذا؟"),
    ("ar", "أشعر بالهدوء بعد {{ number(5) }} دقائق."),
    ("hi", "क्\u200dया बगीचे में शांति है?"),
    ("zh", "在花园里（哪怕很小），我感到“平静”。"),
]


@pytest.mark.parametrize(("tag", "text"), GOOD, ids=[f"{tag} {n}" for n, (tag, _) in enumerate(GOOD)])
def test_signs_that_belong_are_left_alone(tag, text, tmp_path):
    assert told(sign_faults(read(tag, tmp_path, {"items.calm[0]": text}), None)) == []


def test_the_form_for_women_is_looked_at_too():
    text = "{{ g('Tranquilo', 'Tranquila ') }}"
    assert told(sign_faults(garden("es", {"items.calm[0]": text}), None)) == [
        ("items.calm[0]", "begins or ends with a space")
    ]


@pytest.mark.parametrize("tag", sorted(path.stem for path in GARDEN.glob("??.toml")))
def test_texts_in_many_languages_are_clean(tag, tmp_path):
    assert told(sign_faults(read(tag, tmp_path, {}), None)) == []
