import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from culturesim.backends.labels import build_trie, label_logprobs


def spread(probabilities):
    """A conditional distribution that is the same after every path."""
    return lambda path: {token: math.log(p) for token, p in probabilities.items()}


def masses(trie, conditional):
    return [math.exp(logprob) for logprob in label_logprobs(trie, conditional)]


def test_single_tokens_have_their_own_probability():
    trie = build_trie([[(1,)], [(2,)]])
    assert masses(trie, spread({1: 0.25, 2: 0.5, 3: 0.25})) == pytest.approx([0.25, 0.5])


def test_ten_is_not_one():
    trie = build_trie([[(1,)], [(1, 0)]])
    following = {(): {1: math.log(0.5)}, (1,): {0: math.log(0.8)}}
    assert masses(trie, following.__getitem__) == pytest.approx([0.1, 0.4])


def test_a_shared_first_byte_takes_nothing_from_the_shorter_label():
    """٣ is bytes (7, 3) and ٣٤ bytes (7, 3, 7, 4): going on with 7 alone does not make it the longer label."""
    trie = build_trie([[(7, 3)], [(7, 3, 7, 4)]])
    following = {(): {7: 0.0}, (7,): {3: 0.0}, (7, 3): {7: math.log(0.5)}, (7, 3, 7): {4: math.log(0.1)}}
    assert masses(trie, following.__getitem__) == pytest.approx([0.95, 0.05])


def test_only_the_next_longer_label_is_taken_off():
    trie = build_trie([[(1,)], [(1, 0)], [(1, 0, 0)]])
    assert masses(trie, spread({0: 0.5, 1: 0.5})) == pytest.approx([0.25, 0.125, 0.125])


def test_spellings_of_one_option_add_up():
    trie = build_trie([[(1,), (9, 1)], [(2,), (9, 2)]])
    assert masses(trie, spread({1: 0.2, 2: 0.3, 9: 0.5})) == pytest.approx([0.3, 0.45])


def test_an_unnamed_token_has_probability_zero():
    assert label_logprobs(build_trie([[(1,)], [(2,)]]), spread({1: 0.5})) == (math.log(0.5), -math.inf)


def test_only_paths_that_go_on_are_asked_for():
    trie = build_trie([[(1,)], [(1, 0)], [(2,)], [()]])
    assert list(trie.inner_paths()) == [(), (1,)]


def test_two_options_spelled_alike_are_refused():
    with pytest.raises(ValueError, match="options 1 and 2"):
        build_trie([[(1,)], [(1,)]])


paths = st.lists(st.integers(0, 2), min_size=1, max_size=4).map(tuple)


@st.composite
def spelled_options(draw):
    """Options spelled by distinct paths over three tokens, so that many begin each other."""
    distinct = draw(st.lists(paths, min_size=1, max_size=12, unique=True))
    return [distinct[start::3] for start in range(min(3, len(distinct)))]


@given(spelled_options(), st.lists(st.floats(0.01, 1), min_size=4, max_size=4), st.integers(0, 5))
def test_masses_are_what_enumerating_every_answer_gives(spellings, weights, turn):
    """Each answer of four tokens goes to the option of the longest spelling that it begins with."""

    def probability(path, token):
        turned = weights[(turn * len(path)) % 4 :] + weights[: (turn * len(path)) % 4]
        return turned[token] / sum(turned)

    def answers(path=(), p=1.0):
        if len(path) == 4:
            yield path, p
        else:
            for token in range(4):
                yield from answers((*path, token), p * probability(path, token))

    expected = [0.0] * len(spellings)
    owner = {path: option for option, group in enumerate(spellings) for path in group}
    for answer, p in answers():
        longest = next((answer[:n] for n in (4, 3, 2, 1) if answer[:n] in owner), None)
        if longest is not None:
            expected[owner[longest]] += p
    found = masses(build_trie(spellings), lambda path: {t: math.log(probability(path, t)) for t in range(4)})
    assert found == pytest.approx(expected, abs=1e-12)
    assert sum(found) <= 1 + 1e-12
