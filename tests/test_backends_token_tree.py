"""Invariants of the tree that prompts become."""

from hypothesis import given
from hypothesis import strategies as st

from culturesim.backends.token_tree import ROOT, TokenTree

SEQUENCES = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=6), min_size=1, max_size=12)


def planted(sequences):
    tree = TokenTree()
    return tree, [tree.add(sequence) for sequence in sequences]


@given(SEQUENCES)
def test_a_node_is_a_distinct_prefix(sequences):
    tree, _ = planted(sequences)
    prefixes = {tuple(sequence[:length]) for sequence in sequences for length in range(1, len(sequence) + 1)}
    assert len(tree) == len(prefixes)


@given(SEQUENCES)
def test_the_line_of_a_sequence_is_that_sequence(sequences):
    tree, ends = planted(sequences)
    for sequence, end in zip(sequences, ends, strict=True):
        line = tree.line(end)
        assert [tree.tokens[node] for node in line] == sequence
        assert [tree.depths[node] for node in line] == list(range(1, len(sequence) + 1))


@given(SEQUENCES)
def test_depth_first_leaves_a_subtree_only_when_it_is_done(sequences):
    tree, _ = planted(sequences)
    order = list(tree.depth_first())
    assert sorted(order) == list(range(1, len(tree) + 1))
    line = []
    for node in order:
        while line and line[-1] != tree.parents[node]:
            line.pop()
        assert (line[-1] if line else ROOT) == tree.parents[node]
        line.append(node)


def test_lines_of_nodes_are_all_that_they_need():
    tree, (left, right, _) = planted([[1, 2, 3], [1, 4], [5]])
    assert tree.lines_of([left, right]) == {*tree.line(left), *tree.line(right)}
    assert tree.lines_of([]) == set()


def test_what_is_added_below_a_node_is_found_again():
    tree, (end,) = planted([[1, 2]])
    assert tree.add([3], below=end) == tree.add([1, 2, 3])
    assert tree.add([], below=end) == end
