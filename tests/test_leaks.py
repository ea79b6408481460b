from __future__ import annotations

from collections.abc import Callable

import pytest

from culturesim.leaks import Vocabularies, words, words_shown
from culturesim.library import Library
from culturesim.prepare import Prepared
from culturesim.study import Draw


@pytest.fixture(scope="module")
def vocabularies(library: Library) -> Vocabularies:
    """The words of every language, which take a while to read."""
    return Vocabularies(library, {tag: library.lexicon(tag) for tag in library.languages()})


@pytest.mark.parametrize("language", Library().languages())
@pytest.mark.parametrize("frame", Library().frames())
def test_no_prompt_holds_a_word_of_another_language(
    prepared: Callable[..., Prepared], vocabularies: Vocabularies, language: str, frame: str
) -> None:
    """A hundredth of all prompts in every language and frame, to the model itself and to people of four pools."""
    for pool in ("world", "country", "roles", "census:IN"):
        study = prepared(battery="full", languages=(language,), frames=(frame,), wordings="all",
                         personas=Draw(pool=pool, n=6), option_orders=("printed",), fraction=0.01)  # fmt: skip
        for trial in study.design.trials("grouped"):
            shown = words_shown(study.renderer.render(trial))
            assert vocabularies.leaks(language, shown) == [], shown


def test_words_are_whole_whatever_their_script() -> None:
    shown = "self_employed: 3 हूँ, ज़्यादा स्थिति। বাংলা"
    assert list(words([shown])) == ["self", "employed", "हूँ", "ज़्यादा", "स्थिति", "বাংলা"]


@pytest.mark.parametrize(
    ("language", "text", "leaked"),
    [
        ("es", "Usted es female y vive en Chile.", ["female"]),
        ("en", "You are self_employed by occupation, a woman.", ["self_employed"]),
        ("es", "Usted vive en Chile. Answer only with the number.", ["answer", "number", "only", "the", "with"]),
        ("ar", "أنت معلم teacher", ["teacher"]),
        ("zh", "您是一位 maestro", ["maestro"]),
        ("en", "You are a 教师.", ["教师"]),
        ("zh", "您是ONU的职员，只写JSON对象。", ["您是onu的职员"]),
        ("ar", "اكتب كائن JSON أو XML", ["xml"]),
        ("es", "Usted vive en Chile.\nanswer options", ["answer", "options"]),
    ],
)
def test_planted_words_are_found(library: Library, language: str, text: str, leaked: list[str]) -> None:
    vocabularies = Vocabularies(library, {tag: library.lexicon(tag) for tag in library.languages()})
    assert vocabularies.leaks(language, text) == leaked
