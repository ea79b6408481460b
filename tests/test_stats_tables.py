import numpy as np
import pytest

from culturesim.errors import AnalysisError
from culturesim.stats.tables import fillings_of, places_of, table_of


def test_places_are_numbers_in_the_order_of_codes():
    assert places_of([7, 3, 7, 9]).tolist() == [1, 0, 1, 2]
    assert places_of([]).tolist() == []


def test_fillings_are_of_personas_of_their_own_unless_told():
    alone = fillings_of(np.ones((3, 2)), [5, 2, 5], None, "a test")
    assert (alone.labels, alone.groups.tolist(), alone.personas.tolist()) == ((2, 5), [1, 0, 1], [0, 1, 2])
    assert fillings_of(np.ones((3, 2)), [5, 2, 5], [8, 8, 4], "a test").personas.tolist() == [1, 1, 0]


def test_what_has_another_form_is_refused():
    with pytest.raises(AnalysisError, match="a test needs a table of rows by columns, not 1"):
        table_of([1.0], "a test", "rows", "columns")
    with pytest.raises(AnalysisError, match="a group and a persona for each filling"):
        fillings_of(np.ones((3, 2)), [1, 2], None, "a test")
