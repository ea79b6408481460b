import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from culturesim.formula import DEEPEST, Formula


def test_knows_the_items_and_picks_it_needs():
    formula = Formula("35*(m07 - m02) + chosen(goals, 2) - chosen(goals, 4)")
    assert formula.names == {"m07", "m02"}
    assert formula.chosen == {("goals", 2), ("goals", 4)}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("a + 2 * b", 8),
        ("(a + 2) * b", 12),
        ("-a + +b", 1),
        ("a - b - 1", -2),
        ("b / 2", 1.5),
        ("\n  a\n", 2),
        ("7", 7),
    ],
)
def test_arithmetic_has_its_usual_meaning(source, value):
    assert Formula(source).evaluate({"a": 2, "b": 3}) == value


def test_a_formula_may_run_over_lines_in_brackets():
    assert Formula("2 * (\n    a\n    + b\n) + 1").evaluate({"a": 1, "b": 2}) == 7


def test_chosen_counts_the_codes_that_were_picked():
    formula = Formula("1 + chosen(goals, 2) + chosen(goals, 4)")
    assert formula.evaluate({}, {("goals", 2): 1, ("goals", 4): 0}) == 2


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=20))
def test_arrays_are_evaluated_element_by_element(values):
    formula = Formula("1.5 * a - b / 4")
    elementwise = [formula.evaluate({"a": value, "b": value + 1}) for value in values]
    assert formula.evaluate({"a": np.array(values), "b": np.array(values) + 1}) == pytest.approx(elementwise)


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("a ** 2", "a ** 2"),
        ("a // 2", "a // 2"),
        ("abs(a)", "abs(a)"),
        ("__import__('os')", "__import__('os')"),
        ("a.b", "a.b"),
        ("a[0]", "a[0]"),
        ("'text'", "'text'"),
        ("True", "True"),
        ("1j", "1j"),
        ("1or 2", "1 or 2"),
        ("chosen(goals)", "chosen(goals)"),
        ("chosen(goals, -1)", "chosen(goals, -1)"),
        ("chosen(goals, True)", "chosen(goals, True)"),
        ("chosen(goals, 1, code=2)", "chosen(goals, 1, code=2)"),
        ("a + chosen(goals, b)", "chosen(goals, b)"),
    ],
)
def test_anything_but_arithmetic_is_refused_and_shown(source, part):
    with pytest.raises(ValueError, match="where only numbers, items") as caught:
        Formula(source)
    assert repr(part) in str(caught.value)


@pytest.mark.parametrize("source", ["a +", "(a", "a b", "", "a\x00"])
def test_broken_syntax_is_told(source):
    with pytest.raises(ValueError, match="is no formula: "):
        Formula(source)


def test_broken_syntax_is_told_with_its_column():
    with pytest.raises(ValueError, match="'\\(' was never closed at column 5"):
        Formula("a + (b")


@pytest.mark.parametrize("source", ["+".join(["a"] * 5000), "-" * 50_000 + "a", "+".join(["a"] * (DEEPEST + 3))])
def test_a_formula_that_would_exhaust_the_stack_is_refused(source):
    with pytest.raises(ValueError, match="nests deeper than 300"):
        Formula(source)


def test_a_sum_of_as_many_items_as_a_long_questionnaire_has_is_fine():
    assert Formula(" + ".join(["a"] * DEEPEST)).evaluate({"a": 1}) == DEEPEST


def test_parsing_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Formula("2*a").evaluate({"a": 1}) == 2


def test_a_missing_value_is_an_error_not_a_number():
    with pytest.raises(KeyError, match="b"):
        Formula("a + b").evaluate({"a": 1.0})


@pytest.mark.parametrize(("source", "by"), [("b / a", "a"), ("b / 0", "0"), ("1 / (2 - 2)", "2 - 2")])
def test_division_is_by_numbers_only_so_that_no_answer_can_make_it_fail(source, by):
    with pytest.raises(ValueError, match=f"divides by '{by}'"):
        Formula(source)
