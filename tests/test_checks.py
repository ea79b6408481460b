"""Checks of texts as a whole: whatever is written, they tell of it and do not stumble."""

from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.checks import CHECKS
from culturesim.checks.reading import same
from tests.checked import garden

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="{"), min_size=1).filter(str.strip)


@settings(max_examples=60, deadline=None)
@given(tag=st.sampled_from(["ar", "es", "zh"]), text=TEXTS, place=st.sampled_from(
    ["items.calm[1]", "scales.agreement.labels[0]", "scales.agreement.instruction"]))  # fmt: skip
def test_no_text_stops_a_check(tag: str, text: str, place: str) -> None:
    reading, english = garden(tag, {place: text}), garden("en")
    for check in CHECKS:
        for fault in check(reading, english):
            assert fault.message
            assert fault.file.endswith(f"garden/{tag}.toml")


@given(text=st.text(st.characters(categories=["Ll", "Lu", "Lo", "Nd", "Po", "Zs"])))
def test_one_spelling_stays_itself(text: str) -> None:
    assert same(same(text, spaced=True), spaced=True) == same(text, spaced=True)


def test_a_spelling_ignores_case_spaces_and_punctuation_but_no_letters_and_digits() -> None:
    assert same("  Do you  AGREE (fully)? ", spaced=True) == same("do you agree, fully", spaced=True)
    assert same("我 同意。", spaced=False) == same("我同意", spaced=False)
    assert same("لا أحب، العمل؟", spaced=True) == same("لا أحب العمل", spaced=True)
    assert same("Name 3 plants.", spaced=True) != same("Name 5 plants.", spaced=True)
    assert same("काम", spaced=True) != same("कम", spaced=True)
