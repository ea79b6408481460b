"""The parameters of ``sim/graded``: names, files, faults."""

from __future__ import annotations

import pytest

from culturesim.backends import proper_name
from culturesim.backends.sim_truth import NUMBERS, TABLES, Truth, default_of
from culturesim.definition import read_toml
from culturesim.errors import BackendError, DefinitionError, UnknownNameError
from tests.conftest import ROOT


def test_two_spellings_are_one_name():
    assert proper_name("sim/graded?seed=2&persona=0.50&position=0") == "sim/graded?persona=0.5&seed=2"
    assert proper_name("sim/graded?temperature=1.0") == proper_name("sim/graded?") == "sim/graded"
    for other in ("sim/graded:truth.toml", "sim/uniform", "openai/gpt?x=1"):
        assert proper_name(other) == other


def test_a_name_comes_back_from_its_truth():
    truth = Truth(persona=0.25, position=-0.125, seed=7, refusal=0.1)
    assert truth.query == "persona=0.25&position=-0.125&refusal=0.1&seed=7"
    assert Truth.of_query(truth.query) == truth


def test_an_unknown_parameter_names_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'position'"):
        Truth.of_query("positoin=0.2")


@pytest.mark.parametrize(("query", "message"), [
    ("position=2", "position wants a number from -1 to 1, not 2"),
    ("persona=-1", "persona wants a number from 0 on, not -1"),
    ("persona=much", "persona wants a number, not 'much'"),
    ("mean=nan", "mean wants a number of ordinary size"),
    ("seed=1.5", "seed wants a number"),
    ("persona=1&persona=2", "has persona twice"),
    ("refusal=0.7&unparsed=0.5", "more than all answers"),
])  # fmt: skip
def test_ill_values_are_told(query, message):
    with pytest.raises(BackendError, match=message):
        Truth.of_query(query)


FILE = """
persona = 0.5
unparsed = 0.1
[means]
care = 0.5
[effects.sex.female]
care = 0.3
[effects.age.30]
care = -0.3
[language_shifts.de]
care = 0.2
[item_shifts.de]
m01 = 0.4
mfq2.m02 = 0.6
[loadings]
"mfq2.m03" = 0.8
[difficulties]
m01 = 0
[refusals]
religion = 0.3
"""


def test_a_file_has_the_same_names_and_tables(tmp_path):
    path = tmp_path / "truth.toml"
    path.write_text(FILE, encoding="utf-8")
    truth = Truth.of_file(read_toml(path), str(path))
    assert (truth.persona, truth.unparsed, truth.means) == (0.5, 0.1, {"care": 0.5})
    assert truth.effects == {"sex": {"female": {"care": 0.3}}, "age": {"30": {"care": -0.3}}}
    assert truth.item_shifts == {"de": {"m01": 0.4, "mfq2.m02": 0.6}}
    assert (truth.loadings, truth.refusals) == ({"mfq2.m03": 0.8}, {"religion": 0.3})


def test_every_fault_of_a_file_is_told():
    content = {"persona": "much", "positoin": 1, "seed": 0.5, "means": 3, "refusals": {"x": 2.0},
               "item_shifts": {"de": {"m01": True}}, "effects": {"sex": {"female": 1.0}}}  # fmt: skip
    with pytest.raises(DefinitionError) as caught:
        Truth.of_file(content, "truth.toml")
    told = {fault.key: fault.message for fault in caught.value.faults}
    assert set(told) == {
        "persona", "positoin", "seed", "means", "refusals.x", "item_shifts.de.m01", "effects.sex.female",
    }  # fmt: skip
    assert "did you mean 'position'" in told["positoin"]
    assert "attribute → level" in told["effects.sex.female"]


def test_a_fingerprint_tells_truths_apart_and_not_spellings():
    one, other = Truth(means={"care": 0.5}), Truth(means={"care": 0.6})
    assert one.fingerprint != other.fingerprint
    assert one.fingerprint == Truth(means={"care": 0.5}, persona=0.0).fingerprint
    assert Truth().stated == {}


def test_the_page_of_respondents_has_every_parameter_with_its_default():
    page = (ROOT / "docs" / "respondents.md").read_text(encoding="utf-8")
    for name, told in NUMBERS.items():
        assert f"| `{name}` | {default_of(name)} | {told['meaning']} |" in page
    for name, told in TABLES.items():
        assert f"| `[{name}]` | {told['meaning']} |" in page
