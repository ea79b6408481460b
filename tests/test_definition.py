from collections.abc import Mapping
from typing import Literal

import pytest
from pydantic import Field, ValidationError, model_validator

from culturesim.definition import Strict, read_model, read_toml
from culturesim.errors import DefinitionError


class Part(Strict):
    id: str
    codes: tuple[int, ...] = ()
    weights: Literal["uniform"] | tuple[float, ...] = "uniform"


class Whole(Strict):
    title: str
    items: tuple[Part, ...] = ()
    words: Mapping[str, dict[str, str]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _short(self):
        if len(self.title) > 20:
            raise ValueError("title must be short")
        return self


@pytest.fixture
def faults(tmp_path):
    """Reads a text as a Whole, and gives (key, message) of every fault."""

    def read(text):
        path = tmp_path / "whole.toml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(DefinitionError) as caught:
            read_model(Whole, path)
        assert {fault.file for fault in caught.value.faults} == {str(path)}
        return [(fault.key, fault.message) for fault in caught.value.faults]

    return read


def test_a_right_file_becomes_a_frozen_model(tmp_path):
    (tmp_path / "whole.toml").write_text('title = "x"\n[[items]]\nid = "a"\ncodes = [1]', encoding="utf-8")
    whole = read_model(Whole, tmp_path / "whole.toml")
    assert whole.items == (Part(id="a", codes=(1,)),)
    with pytest.raises(ValidationError, match="frozen"):
        whole.title = "y"


def test_broken_toml_names_file_and_line(faults):
    ((key, message),) = faults('title = "x"\nitems = [1,\nwords = 2\n')
    assert key == ""
    assert "is not valid TOML" in message
    assert "line 3" in message


def test_a_file_that_is_not_utf8_names_the_byte(tmp_path):
    (tmp_path / "x.toml").write_bytes(b'title = "\xe9"')
    with pytest.raises(DefinitionError, match=r"x\.toml: is not UTF-8 at byte 9"):
        read_toml(tmp_path / "x.toml")


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DefinitionError, match=r"absent\.toml: cannot be read: No such file"):
        read_toml(tmp_path / "absent.toml")


def test_every_fault_of_a_file_is_told_at_once(faults):
    found = faults('titel = "x"\n[[items]]\nid = "a"\ncodes = ["one"]\n[[items]]\nid = 3\n')
    assert {key for key, _ in found} == {"title", "titel", "items[a].codes[0]", "items[3].id"}


@pytest.mark.parametrize(
    ("text", "key", "expectation"),
    [
        ("", "title", "is missing"),
        ('title = "x"\nsize = 3', "size", "is no known key"),
        ("title = 3", "title", "Input should be a valid string, not 3"),
        ('title = "much longer than it may be"', "", "title must be short"),
        ('title = "x"\n[[items]]\ncodes = [1]', "items[0].id", "is missing"),
        ('title = "x"\n[[items]]\nid = "a"\ncolour = 1', "items[a].colour", "is no known key"),
        ('title = "x"\n[[items]]\nid = "a"\ncodes = [1, "b"]', "items[a].codes[1]", "not 'b'"),
        ('title = "x"\n[words.Sex]\nmale = 1', "words.Sex.male", "Input should be a valid string, not 1"),
    ],
)
def test_a_fault_has_the_key_a_files_author_knows_and_what_was_expected(faults, text, key, expectation):
    ((found, message),) = faults(text)
    assert found == key
    assert expectation in message


def test_members_of_a_union_do_not_show_in_the_key(faults):
    found = faults('title = "x"\n[[items]]\nid = "a"\nweights = "unform"')
    assert {key for key, _ in found} == {"items[a].weights"}
    assert any("Input should be 'uniform', not 'unform'" in message for _, message in found)


def test_long_values_are_shortened_in_the_message(faults):
    ((_, message),) = faults(f"title = {[1] * 100}")
    assert message.endswith("…")
    assert len(message) < 120


def test_the_error_lists_every_fault_on_a_line_of_its_own(tmp_path):
    (tmp_path / "whole.toml").write_text("a = 1\nb = 2", encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        read_model(Whole, tmp_path / "whole.toml")
    assert str(caught.value).splitlines() == [str(fault) for fault in caught.value.faults]
    assert len(caught.value.faults) == 3
