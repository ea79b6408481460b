from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from culturesim.errors import RenderError
from culturesim.library import Library
from culturesim.prepare import Prepared, prepare
from culturesim.questionnaire import Frame
from culturesim.records import Prompt
from culturesim.study import Draw

LANGUAGES = Library().languages()
Make = Callable[..., Prepared]


def prompts(study: Prepared, **where: Any) -> list[Prompt]:
    found = (trial for trial in study.design.trials("grouped"))
    return [study.renderer.render(t) for t in found if all(getattr(t, name) == value for name, value in where.items())]


@pytest.mark.parametrize("language", LANGUAGES)
def test_keys_stay_in_place_and_contents_move(prepared: Make, language: str) -> None:
    study = prepared(languages=(language,))
    printed, turned = (prompts(study, option_order=order, item="m01")[0].options for order in ("printed", "reversed"))
    assert [option.key for option in printed] == [option.key for option in turned]
    assert [(o.code, o.label) for o in printed] == [(o.code, o.label) for o in reversed(turned)]
    assert [option.code for option in printed] == [1, 2, 3, 4, 5]


def test_a_shuffle_is_the_trials_own(prepared: Make) -> None:
    study = prepared(option_orders=("shuffled",), repeats=30)
    orders = {tuple(o.code for o in prompt.options) for prompt in prompts(study, item="m01")}
    assert len(orders) > 15
    assert all(sorted(order) == [1, 2, 3, 4, 5] for order in orders)


def test_a_scale_with_bare_points_is_only_turned_round(prepared: Make) -> None:
    study = prepared(questionnaires=("iw10",), items=("F063",), option_orders=("shuffled",), repeats=30)
    orders = {tuple(o.code for o in prompt.options) for prompt in prompts(study)}
    assert orders == {tuple(range(1, 11)), tuple(range(10, 0, -1))}


def test_arabic_prompts_have_arabic_digits_and_letters(prepared: Make) -> None:
    numbers = prompts(prepared(languages=("ar",)))[0]
    letters = prompts(prepared(languages=("ar",), keys="letters"))[0]
    assert [option.key for option in numbers.options] == ["١", "٢", "٣", "٤", "٥"]
    assert numbers.options[2].spellings[:2] == ("٣", "3")
    assert not any(option.key.isascii() for option in letters.options)


def test_the_item_comes_last_and_the_persona_first(prepared: Make) -> None:
    study = prepared(personas=Draw(pool="world", n=1), include_none=False)
    for prompt in prompts(study):
        text = study.selection[0][0].text("en").items[prompt.trial.item][0]
        persona = next(p for p in study.personas.values() if p.attributes)
        assert prompt.user.endswith(text)
        assert prompt.system.startswith(study.renderer.describe(persona, "en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_prompts_have_no_stray_space(prepared: Make, library: Library, language: str) -> None:
    frames = tuple(library.frames())
    study = prepared(battery="full", languages=(language,), frames=frames, personas=Draw(pool="world", n=4))
    for prompt in prompts(study):
        for text in (prompt.system, prompt.user):
            assert "\n\n\n" not in text
            assert not any(line != line.strip() for line in text.split("\n"))


def with_frame(study: Prepared, source: str) -> Prepared:
    frames = {place: Frame(f.id, f.language, Path("frames/mine/en.j2"), source) for place, f in study.frames.items()}
    return replace(study, frames=frames)


@pytest.mark.parametrize(
    "user",
    ["{{ persona }} {{ item }}", "{{ self.system() }} {{ item }}", "{% set p = persona %}{{ p }} {{ item }}",
     "{% macro m() %}{{ persona }}{% endmacro %}{{ m() }} {{ item }}",
     "{% block inner %}{{ persona }}{% endblock %} {{ item }}"],
)  # fmt: skip
def test_a_block_may_name_the_persona_and_the_question(prepared: Make, user: str) -> None:
    source = f"{{% block system %}}{{{{ persona }}}}{{% endblock %}}{{% block user %}}{user}{{% endblock %}}"
    study = with_frame(prepared(personas=Draw(pool="world", n=3)), source)
    for prompt in prompts(study):
        item = study.selection[0][0].text("en").items[prompt.trial.item][prompt.trial.wording]
        assert prompt.user == f"{prompt.system} {item}".strip()
    assert len({prompt.system for prompt in prompts(study)}) == 4


@pytest.mark.parametrize(
    ("user", "male", "female", "nobody"),
    [
        ("{{ g('M', 'F') }}", "M", "F", "M"),
        ("{{ g('M', 'F', 'N') }}", "M", "F", "N"),
        ("{{ g('M', 'F', '') }}.", "M.", "F.", "."),
    ],
)
def test_a_third_form_is_for_people_whose_gender_is_not_known(
    prepared: Make, user: str, male: str, female: str, nobody: str
) -> None:
    source = f"{{% block system %}}{{% endblock %}}{{% block user %}}{user}{{% endblock %}}"
    study = with_frame(prepared(personas=Draw(pool="world", n=8)), source)
    shown = {(prompt.attributes.get("sex"), prompt.user) for prompt in prompts(study)}
    assert shown == {("male", male), ("female", female), (None, nobody)}


@pytest.mark.parametrize(("sex", "others"), [
    ("male", r"she|hers?|herself|the person|they|themselves"),
    ("female", r"he|him|his|himself|the person|they|themselves"),
    (None, r"he|him|his|himself|she|hers?|herself"),
])  # fmt: skip
def test_portraits_are_of_people_of_ones_own_gender(prepared: Make, sex: str | None, others: str) -> None:
    study = prepared(questionnaires=("pvq21",), wordings="all", personas=Draw(pool="world", n=8))
    shown = [prompt for prompt in prompts(study) if prompt.attributes.get("sex") == sex]
    items = {prompt.user.rsplit("Item: ")[-1] for prompt in shown}
    assert len(items) == 63
    assert not [item for item in items if re.search(rf"\b({others})\b", item, re.IGNORECASE) or "{" in item]


def test_a_third_person_is_portrayed_and_asked_about(prepared: Make) -> None:
    for prompt in prompts(prepared(frames=("third_person",), personas=Draw(pool="world", n=1))):
        someone = prompt.trial.persona == "none"
        assert (prompt.system == "") == someone
        assert ("Someone who always answers frankly" in prompt.user) == someone


def test_a_system_block_may_name_the_question(prepared: Make) -> None:
    source = (
        "{% block system %}{{ item }}{% endblock %}{% block user %}{{ g('M', 'F') }}{{ options[0].key }}{% endblock %}"
    )
    study = with_frame(prepared(personas=Draw(pool="world", n=8)), source)
    for prompt in prompts(study):
        assert prompt.system == study.selection[0][0].text("en").items[prompt.trial.item][prompt.trial.wording]
        assert prompt.user == ("F" if prompt.attributes.get("sex") == "female" else "M") + "1"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{% block system %}{% endblock %}{% block user %}{{ itme }}{% endblock %}", "'itme' is undefined"),
        ("{% block system %}{{ ''.__class__ }}{% endblock %}{% block user %}{% endblock %}", "__class__.* is unsafe"),
        ("{% block system %}{% endblock %}{% block user %}{% if %}{% endblock %}", "line 1"),
        ("{% block user %}{% endblock %}", "block 'system' is missing"),
        ("{% block system %}{{ 1 / 0 }}{% endblock %}{% block user %}{% endblock %}", "ZeroDivisionError"),
        ("{% block system %}{{ 'x' * 10**9 }}{% endblock %}{% block user %}{% endblock %}", "is not allowed"),
        (
            "{% block system %}{% for i in range(9) %}{% endfor %}{% endblock %}{% block user %}{% endblock %}",
            "'range' is",
        ),
        ("{% block system %}{{ options.append(1) }}{% endblock %}{% block user %}{% endblock %}", "frames/mine/en.j2"),
    ],
)
def test_a_bad_template_is_told_with_its_file(prepared: Make, source: str, told: str) -> None:
    study = with_frame(prepared(), source)
    with pytest.raises(RenderError, match=f"frames/mine/en.j2.*{told}|{told}"):
        prompts(study)


def test_a_bad_wording_is_told_with_its_key(prepared: Make, library: Any) -> None:
    study = prepare(prepared().study, library)
    questionnaire, items = study.selection[0]
    english = questionnaire.texts["en"]
    bad = english.model_copy(update={"items": english.items | {"m02": ("{{ ''.__class__.__mro__ }}",)}})
    study = replace(study, selection=[(replace(questionnaire, texts={"en": bad}), items)])
    with pytest.raises(RenderError, match=r"en\.toml: items\.m02\.0: .*unsafe"):
        prompts(study, item="m02")
