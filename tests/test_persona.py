from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from culturesim.errors import DefinitionError, StudyError, UnknownNameError
from culturesim.persona import (
    NOBODY,
    Attribute,
    Joint,
    Persona,
    PersonaPool,
    read_persona_texts,
    read_pool,
    read_vocabulary,
)

SHIPPED = Path(__file__).parents[1] / "personas"
POOLS = [read_pool(path) for path in sorted((SHIPPED / "pools").glob("*.toml"))]
WORLD = read_pool(SHIPPED / "pools" / "world.toml")
SEX = Attribute(id="sex", levels=("female", "male"))
AGE = Attribute(id="age", levels=tuple(range(18, 81)))

pools = st.lists(st.integers(1, 6), min_size=1, max_size=4).map(
    lambda sizes: PersonaPool(
        id="any",
        title="",
        attributes=tuple(Attribute(id=f"a{place}", levels=tuple(range(n))) for place, n in enumerate(sizes)),
    )
)


def weighted(*weights):
    trait = Attribute(id="trait", levels=tuple(range(len(weights))), weights=weights)
    return PersonaPool(id="weighted", title="", attributes=(trait, AGE))


@settings(deadline=None)
@given(pools, st.integers(), st.data())
def test_a_uniform_draw_has_no_duplicates_and_grows_at_its_end(pool, seed, data):
    n = data.draw(st.integers(0, pool.size))
    drawn = pool.draw(n, seed)
    assert len({persona.id for persona in drawn}) == len(drawn) == n
    assert drawn[: n // 2] == pool.draw(n // 2, seed)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0.1, 1), min_size=2, max_size=4), st.integers(), st.integers(0, 40))
def test_a_weighted_draw_has_no_duplicates_and_grows_at_its_end(weights, seed, n):
    drawn = weighted(*weights).draw(n, seed)
    assert len({persona.id for persona in drawn}) == len(drawn) == n
    assert drawn[: n // 2] == weighted(*weights).draw(n // 2, seed)


def test_a_whole_pool_is_drawn_exactly_once():
    pool = PersonaPool(id="p", title="", attributes=(SEX, AGE))
    drawn = pool.draw(pool.size, 1)
    assert {(p.attributes["sex"], p.attributes["age"]) for p in drawn} == {
        (s, a) for s in SEX.levels for a in AGE.levels
    }


def test_seeds_draw_different_personas():
    assert WORLD.draw(20, 1) != WORLD.draw(20, 2)
    assert WORLD.draw(20, 1) == WORLD.draw(20, 1)


def test_a_uniform_draw_covers_levels_evenly():
    drawn = WORLD.draw(4000, 7)
    assert sum(persona.attributes["sex"] == "female" for persona in drawn) / 4000 == pytest.approx(0.5, abs=0.03)
    assert sum(persona.attributes["income_step"] == 10 for persona in drawn) / 4000 == pytest.approx(0.1, abs=0.02)


def test_a_weighted_draw_follows_the_weights():
    pool = PersonaPool(
        id="w", title="", attributes=(SEX.model_copy(update={"weights": (3.0, 1.0)}), *WORLD.attributes[1:])
    )
    women = sum(persona.attributes["sex"] == "female" for persona in pool.draw(2000, 3))
    assert women / 2000 == pytest.approx(0.75, abs=0.03)


def test_a_level_of_weight_zero_is_never_drawn():
    assert {persona.attributes["trait"] for persona in weighted(0.0, 1.0, 0.0).draw(60, 5)} == {1}


def test_more_than_a_pool_holds_cannot_be_drawn():
    pool = PersonaPool(id="small", title="", attributes=(SEX,))
    with pytest.raises(StudyError, match="pool 'small' has 2 different personas, 3 were asked for"):
        pool.draw(3, 0)


def test_more_than_the_weights_give_cannot_be_drawn():
    with pytest.raises(StudyError, match="its weights give only 63 different personas, 64 were asked for"):
        weighted(1.0, 0.0).draw(64, 0)


def test_nobody_has_no_attributes_and_the_name_none():
    assert (NOBODY.id, NOBODY.gender) == ("none", "")
    assert read_pool(SHIPPED / "pools" / "none.toml").size == 0


def test_an_id_follows_from_pool_and_attributes_whatever_their_order():
    one, other = Persona("p", {"a": 1, "b": "x"}), Persona("p", {"b": "x", "a": 1})
    assert one.id == other.id
    assert one.id.startswith("p-")
    assert len({one.id, Persona("q", one.attributes).id, Persona("p", {"a": "1", "b": "x"}).id}) == 3


@pytest.mark.parametrize(("attributes", "gender"), [({"sex": "female"}, "f"), ({"sex": "male"}, "m"), ({"age": 3}, "")])
def test_grammatical_gender_follows_sex(attributes, gender):
    assert Persona("p", attributes).gender == gender


def test_a_row_holds_attributes_as_text():
    row = Persona("p", {"age": 40, "sex": "male"}).row()
    assert (row.pool, row.attributes) == ("p", {"age": "40", "sex": "male"})


def test_the_pools_that_are_shipped_name_the_same_countries():
    country = read_pool(SHIPPED / "pools" / "country.toml").attributes[0]
    assert len(WORLD.attributes) == 11
    assert {a.levels for a in WORLD.attributes if a.domain == "country"} == {country.levels}


@pytest.mark.parametrize(
    ("fields", "expectation"),
    [
        ({"levels": ("a", "a")}, "has the same level twice"),
        ({"levels": ("a", "b"), "weights": (1.0,)}, "weights must be 2 numbers"),
        ({"levels": ("a", "b"), "weights": (1.0, -1.0)}, "weights must be 2 numbers"),
        ({"levels": ("a", "b"), "weights": (0.0, 0.0)}, "not all 0"),
        ({"levels": ()}, "at least 1 item"),
    ],
)
def test_wrong_attributes_are_refused(fields, expectation):
    with pytest.raises(ValidationError, match=expectation):
        Attribute(id="trait", **fields)


POOL = 'id = "village"\ntitle = "Village"\n[[attributes]]\nid = "sex"\nlevels = ["female", "male"]\n'


@pytest.mark.parametrize(
    ("text", "key", "expectation"),
    [
        (POOL.replace('"village"', '"town"'), "id", "is 'town', but the file is called village.toml"),
        (POOL + '[[attributes]]\nid = "sex"\nlevels = [1]', "", "the same attribute twice"),
        (POOL + "weights = [1, 2, 3]", "attributes[sex]", "weights must be 2 numbers"),
        (POOL + "weigths = [1, 2]", "attributes[sex].weigths", "is no known key"),
        (POOL.replace('title = "Village"\n', ""), "title", "is missing"),
        (POOL.replace("levels =", "levels"), "", "line 5"),
    ],
)
def test_a_wrong_pool_is_told_with_file_key_and_expectation(tmp_path, text, key, expectation):
    (tmp_path / "village.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        read_pool(tmp_path / "village.toml")
    (fault,) = caught.value.faults
    assert (Path(fault.file).name, fault.key) == ("village.toml", key)
    assert expectation in fault.message


@pytest.mark.parametrize("path", sorted((SHIPPED / "vocabulary").glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_vocabularies_have_a_word_for_every_level(path):
    vocabulary = read_vocabulary(path)
    for pool in POOLS:
        for attribute in pool.attributes:
            assert attribute.id in vocabulary.words or attribute.id == "age" or attribute.domain == "country"
            for level in attribute.levels if attribute.id in vocabulary.words else ():
                assert all(vocabulary.word(attribute.id, level, gender) for gender in ("m", "f", ""))


def test_pools_are_of_the_sizes_they_are_known_by():
    sizes = {pool.id: pool.size for pool in POOLS}
    assert sizes["hofstede36"] == 36
    assert sizes["roles"] == 2 * 40


FAMILY = Joint(attributes=("sex", "age"), cells=(("female", 80), ("female", 20), ("male", 20)), weights=(2.0, 1.0, 1.0))
TOWN = PersonaPool(
    id="town",
    title="",
    attributes=(Attribute(id="faith", levels=("a", "b"), weights=(9.0, 1.0)), SEX, AGE),
    joint=FAMILY,
)


def test_people_are_drawn_as_often_as_there_are_of_their_kind():
    drawn = TOWN.draw(4000, 1)
    kinds = Counter((p.attributes["sex"], p.attributes["age"]) for p in drawn)
    assert {kind: pytest.approx(n / 4000, abs=0.04) for kind, n in kinds.items()} == {
        ("female", 80): 0.5, ("female", 20): 0.25, ("male", 20): 0.25,
    }  # fmt: skip
    assert sum(p.attributes["faith"] == "a" for p in drawn) / 4000 == pytest.approx(0.9, abs=0.03)
    assert list(drawn[0].attributes) == ["faith", "sex", "age"]


@settings(deadline=None, max_examples=20)
@given(st.integers(), st.integers(0, 60))
def test_people_may_be_alike_and_are_different_personas(seed, n):
    drawn = TOWN.draw(n, seed)
    assert len({persona.id for persona in drawn}) == len(drawn) == n
    assert drawn[: n // 2] == TOWN.draw(n // 2, seed)


def test_of_people_who_are_alike_the_second_has_a_number():
    first, second = Persona("p", {"a": 1}), Persona("p", {"a": 1}, 2)
    assert second.id == f"{first.id}-2"
    assert first.row().attributes == second.row().attributes


def test_a_joint_tells_the_shares_of_each_attribute():
    assert FAMILY.shares("sex") == {"female": 0.75, "male": 0.25}
    assert FAMILY.pick(0.999999) == {"sex": "male", "age": 20}


@pytest.mark.parametrize(
    ("fields", "expectation"),
    [
        ({"cells": (("x",), ("y", 1))}, "every cell must have a level of each of sex"),
        ({"cells": (("x",), ("x",))}, "the same cell twice"),
        ({"cells": (("x",), ("y",)), "weights": (1.0,)}, "weights must be 2 numbers"),
        ({"cells": (("x",), ("y",)), "weights": (1.0, -1.0)}, "weights must be 2 numbers"),
    ],
)
def test_wrong_joints_are_refused(fields, expectation):
    with pytest.raises(ValidationError, match=expectation):
        Joint(**{"attributes": ("sex",), "weights": (1.0, 1.0)} | fields)


def test_a_joint_is_of_the_pools_own_levels():
    with pytest.raises(ValidationError, match="joint: 20 are no levels of an attribute 'age'"):
        PersonaPool(id="p", title="", attributes=(SEX, Attribute(id="age", levels=(80,))), joint=FAMILY)


def test_a_pool_of_ones_own_may_have_joint_weights(tmp_path):
    text = POOL + '[joint]\nattributes = ["sex"]\ncells = [["female"], ["male"]]\nweights = [1, 0]'
    (tmp_path / "village.toml").write_text(text, encoding="utf-8")
    assert {p.attributes["sex"] for p in read_pool(tmp_path / "village.toml").draw(30, 1)} == {"female"}


def test_a_word_follows_gender_and_falls_back_on_the_unmarked_form():
    spanish = read_vocabulary(SHIPPED / "vocabulary" / "es.toml")
    words = [spanish.word("occupation", "farmer", gender) for gender in ("m", "f", "")]
    assert words == ["agricultor", "agricultora", "agricultor"]


def test_a_word_that_is_missing_names_section_and_file():
    spanish = read_vocabulary(SHIPPED / "vocabulary" / "es.toml")
    with pytest.raises(UnknownNameError, match=r"word of \[employment\] in vocabulary/es\.toml 'retird'.*'retired'"):
        spanish.word("employment", "retird", "m")


def test_a_wrong_word_is_told_with_the_key_its_author_wrote(tmp_path):
    (tmp_path / "en.toml").write_text('language = "en"\n[sex]\nfemale = 3\nmale = "a man"', encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        read_vocabulary(tmp_path / "en.toml")
    assert {fault.key for fault in caught.value.faults} == {"sex.female"}


def test_a_vocabulary_says_the_language_of_its_file(tmp_path):
    (tmp_path / "en.toml").write_text('language = "fr"\n[sex]\nmale = "a man"', encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"en\.toml: language: is 'fr', but the file is called en\.toml"):
        read_vocabulary(tmp_path / "en.toml")


def test_texts_of_a_template_are_read_and_fingerprinted(tmp_path):
    (tmp_path / "en.toml").write_text('language = "en"\n[sex]\nmale = "a man"', encoding="utf-8")
    (tmp_path / "en.j2").write_text("You are {{ sex }}.", encoding="utf-8")
    before = read_persona_texts(tmp_path, tmp_path, "en")
    (tmp_path / "en.toml").write_text('language = "en"\n[sex]\nmale = "one man"', encoding="utf-8")
    assert before.template == "You are {{ sex }}."
    assert before.fingerprint != read_persona_texts(tmp_path, tmp_path, "en").fingerprint


def test_a_language_without_template_names_the_file_to_add():
    with pytest.raises(UnknownNameError, match=r"language of portrait 'eo'.*add .*eo\.j2"):
        read_persona_texts(SHIPPED / "templates" / "portrait", SHIPPED / "vocabulary", "eo")
