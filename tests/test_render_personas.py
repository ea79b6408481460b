"""How personas are told: four renderings of every template in every language, and what frames make of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from culturesim.errors import RenderError, UnknownNameError
from culturesim.library import Library
from culturesim.persona import Persona, PersonaTexts, Vocabulary
from culturesim.prepare import Prepared
from culturesim.questionnaire import Frame
from culturesim.records import Rendering
from culturesim.render import Renderer
from culturesim.study import Draw

GOLDEN = Path(__file__).parent / "golden"
LANGUAGES = Library().languages()
RENDERINGS: tuple[Rendering, ...] = get_args(Rendering)
Make = Callable[..., Prepared]

LIVES = {
    "portrait": (
        {"sex": "female", "age": 37, "country_of_residence": "LB", "country_of_origin": "LB", "education": "bachelor",
         "employment": "part_time", "occupation": "journalist", "income_step": 5, "marital_status": "divorced",
         "children": 2, "religion": "orthodox"},
        {"sex": "male", "age": 61, "country_of_residence": "GB", "country_of_origin": "PH", "education": "primary",
         "employment": "self_employed", "occupation": "cook", "income_step": 10, "marital_status": "separated",
         "children": 0, "religion": "none"},
    ),
    "nationality": ({"country": "GB"}, {"country": "HK"}),
    "census": (
        {"sex": "female", "age": 34, "education": "post_secondary", "residence": "urban", "religion": "minority",
         "country": "SE"},
        {"sex": "male", "age": 100, "education": "no_schooling", "residence": "rural", "religion": "traditional",
         "country": "CD"},
        {"sex": "male", "age": 21, "country": "AE"},
    ),
    "role": ({"sex": "female", "role": "full_time_parent"}, {"sex": "male", "role": "religious_leader"}),
}  # fmt: skip


def told(library: Library, template: str, language: str, rendering: Rendering, **attributes: Any) -> str:
    persona = Persona("any", attributes)
    texts = {language: library.persona_texts(template, language)}
    return Renderer({}, {}, texts, {persona.id: persona}, rendering=rendering).describe(persona, language)


def everything(library: Library, language: str) -> Iterator[tuple[str, str]]:
    for template, lives in LIVES.items():
        for rendering in RENDERINGS:
            for life in lives:
                yield f"{template}, {rendering}", told(library, template, language, rendering, **life)


@pytest.mark.parametrize("language", LANGUAGES)
def test_personas_are_told_as_we_last_read_them(library: Library, language: str) -> None:
    """After reading the new texts with care: ``UPDATE_GOLDEN=1 pytest tests/test_render_personas.py``."""
    shown = "\n\n".join(f"[{how}]\n{text}" for how, text in everything(library, language)) + "\n"
    path = GOLDEN / f"personas-{language}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_description_has_a_stray_space_or_brace(library: Library, language: str) -> None:
    for how, text in everything(library, language):
        assert "  " not in text, how
        assert "\n" not in text, how
        assert not set("{}") & set(text), how
        assert text == text.strip(), how


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rendering_is_another_text(library: Library, language: str) -> None:
    for template, lives in LIVES.items():
        for life in lives:
            assert len({told(library, template, language, rendering, **life) for rendering in RENDERINGS}) == 4


def test_the_helper_p_picks_the_person_and_g_the_gender() -> None:
    template = (
        "{% block prose %}{{ p('I', 'you', g('he', 'she', 'they')) }} {{ word('work', 'none') }}{% endblock %}"
        "{% block biography %}{{ p('I', 'you', g('he', 'she', 'they')) }}, at rest{% endblock %}"
    )
    words = Vocabulary(language="en", words={"work": {"none": "{{ p('rest', 'rest', g('rests', 'rests', 'rest')) }}"}})
    texts = {"en": PersonaTexts("en", Path("en.j2"), template, words)}
    people = [Persona("p", life) for life in ({"sex": "male"}, {"sex": "female"}, {"age": 3})]
    found = {
        rendering: [
            Renderer({}, {}, texts, {p.id: p for p in people}, rendering=rendering).describe(person, "en")
            for person in people
        ]
        for rendering in RENDERINGS
    }
    assert found == {
        "first_person": ["I rest"] * 3,
        "second_person": ["you rest"] * 3,
        "third_person": ["he rests", "she rests", "they rest"],
        "biography": ["he, at rest", "she, at rest", "they, at rest"],
    }


@pytest.mark.parametrize(
    ("template", "word", "error", "fault"),
    [
        ("{% block prose %}x{% endblock %}", "", RenderError, r"mine/en\.j2: block 'biography' is missing"),
        ("{% block biography %}{{ q() }}{% endblock %}", "", RenderError, r"mine/en\.j2.*'q' is undefined"),
        ("{% block biography %}{{ word('sex', 'male') }}{% endblock %}", "{{ q() }}", RenderError,
         r"personas/vocabulary/en\.toml: sex\.male: 'q' is undefined"),
        ("{% block biography %}{{ word('sex', 'mail') }}{% endblock %}", "man", UnknownNameError,
         r"word of \[sex\] in vocabulary/en\.toml 'mail'; did you mean 'male'"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place(template: str, word: str, error: type[Exception], fault: str) -> None:
    texts = PersonaTexts("en", Path("mine/en.j2"), template, Vocabulary(language="en", words={"sex": {"male": word}}))
    someone = Persona("p", {"sex": "male"})
    renderer = Renderer({}, {}, {"en": texts}, {someone.id: someone}, rendering="biography")
    with pytest.raises(error, match=fault):
        renderer.describe(someone, "en")


def with_frame(study: Prepared, system: str, user: str) -> Prepared:
    source = f"{{% block system %}}{system}{{% endblock %}}{{% block user %}}{user}{{% endblock %}}"
    frames = {place: Frame(f.id, f.language, Path("frames/mine/en.j2"), source) for place, f in study.frames.items()}
    return replace(study, frames=frames)


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_a_frame_knows_the_persona_as_the_study_tells_it_and_a_portrait(
    prepared: Make, library: Library, rendering: Rendering
) -> None:
    study = with_frame(
        prepared(personas=Draw(pool="world", n=2), rendering=rendering), "{{ portrait }}", "{{ persona }} {{ item }}"
    )
    for trial in study.design.trials():
        prompt, someone = study.renderer.render(trial), study.personas[trial.persona]
        if not someone.attributes:
            assert prompt.system == ""
            continue
        assert prompt.system == told(library, "portrait", "en", "third_person", **someone.attributes)
        assert prompt.user.startswith(told(library, "portrait", "en", rendering, **someone.attributes))


def ids(study: Prepared, persona: str = "") -> set[str]:
    return {trial.id for trial in study.design.trials() if persona in {"", trial.persona}}


def test_another_rendering_is_asked_anew_of_personas_alone(prepared: Make) -> None:
    usual, other = (prepared(personas=Draw(pool="world", n=2), rendering=r) for r in ("second_person", "biography"))
    assert ids(usual) & ids(other) == ids(usual, "none") == ids(other, "none") != set()
    assert usual.run_id != other.run_id


def test_a_trial_changes_with_the_words_it_shows_and_no_others(prepared: Make) -> None:
    study = prepared(personas=Draw(pool="world", n=6), languages=("en",))
    texts = study.texts["en"]
    words = {name: dict(section) for name, section in texts.vocabulary.words.items()}
    occupation = study.design.personas[1].attributes["occupation"]
    words["occupation"][str(occupation)] = "a person of leisure"
    words["role"] = dict.fromkeys(words["role"], "a person of no role")
    vocabulary = texts.vocabulary.model_copy(update={"words": words})
    changed = replace(study, texts={"en": replace(texts, vocabulary=vocabulary)})
    alike = {p.id for p in study.personas.values() if p.attributes.get("occupation") == occupation}
    fresh = {trial.persona for trial in changed.design.trials() if trial.id not in ids(study)}
    assert fresh == alike
    assert len(alike) < len(study.personas)


def test_a_frame_that_shows_a_portrait_is_asked_alike_in_all_renderings(prepared: Make) -> None:
    studies = (prepared(personas=Draw(pool="world", n=2), rendering=rendering) for rendering in RENDERINGS)
    first, *others = (ids(with_frame(study, "{{ portrait }}", "{{ item }}")) for study in studies)
    assert all(other == first for other in others)
