"""Exact probabilities of the options' labels, from a model's next-token probabilities.

A label may take several tokens, and one label's tokens may begin another's ("1" and "10"), so the labels form a trie.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

TokenPath = tuple[int, ...]
"""Token ids from the start of the answer."""

Conditional = Callable[[TokenPath], Mapping[int, float]]
"""Natural-log probability of each next token after a path; tokens it does not name have probability 0."""


@dataclass(frozen=True, slots=True)
class LabelTrie:
    """The token paths of ``n_options`` options.

    ``ends`` maps a whole path to its option; ``children`` maps each path that goes on to the tokens it goes on with.
    """

    n_options: int
    ends: Mapping[TokenPath, int]
    children: Mapping[TokenPath, frozenset[int]]

    def inner_paths(self) -> Iterator[TokenPath]:
        """The paths whose next-token probabilities are needed, each after its own prefixes."""
        return iter(sorted(self.children))


def build_trie(spellings: Sequence[Iterable[TokenPath]]) -> LabelTrie:
    """The trie of the ways to spell each option, in the options' order.

    Raises ``ValueError`` where two options share a spelling, since no probability could tell them apart.
    """
    ends: dict[TokenPath, int] = {}
    children: dict[TokenPath, set[int]] = {}
    for option, paths in enumerate(spellings):
        for path in filter(None, paths):
            if ends.setdefault(path, option) != option:
                raise ValueError(f"options {ends[path] + 1} and {option + 1} are both spelled by tokens {list(path)}")
            for depth, token in enumerate(path):
                children.setdefault(path[:depth], set()).add(token)
    return LabelTrie(len(spellings), ends, {path: frozenset(tokens) for path, tokens in children.items()})


def label_logprobs(trie: LabelTrie, conditional: Conditional) -> tuple[float, ...]:
    """Natural-log probability of each option.

    ``P(option) = Σ over its spellings s of [P(s) − Σ P(t)]``, where ``P(s)`` is the product of the conditional
    probabilities of the tokens of ``s`` and ``t`` runs over the shortest spellings that go on from ``s``. It is the
    probability that the longest spelling which the answer begins with is one of the option's: "10" counts for 10 and
    never for 1. The options' probabilities are disjoint, so they add to 1 at most; 0 becomes −inf.

    Shapes: returns ``trie.n_options`` values in [−inf, 0].
    """
    masses = [0.0] * trie.n_options

    def collect(path: TokenPath, reach: float) -> float:
        """Add what lies at and below ``path`` to the masses; return how much of ``reach`` some label claims."""
        below = 0.0
        if tokens := trie.children.get(path):
            following = conditional(path)
            for token in sorted(tokens):
                below += collect((*path, token), reach * math.exp(following.get(token, -math.inf)))
        if path not in trie.ends:
            return below
        masses[trie.ends[path]] += max(reach - below, 0.0)
        return reach

    collect((), 1.0)
    return tuple(min(0.0, math.log(mass)) if mass > 0 else -math.inf for mass in masses)


ANCHOR = "\n"
"""A text whose tokens no label's merge with."""


def ways_to_write(spelling: str) -> tuple[str, str]:
    """A spelling as the first words of an answer: alone, and after a space."""
    return spelling, f" {spelling}"


def paths_of(alone: TokenPath, anchored: TokenPath, anchor: TokenPath) -> frozenset[TokenPath]:
    """The token paths of a text, given its tokens and those of it after ``ANCHOR``.

    Some tokenizers put a space before any text, so it is also taken as it follows an anchor.
    """
    begins = anchored[: len(anchor)] == anchor
    return frozenset({alone, anchored[len(anchor) :]} if begins else {alone})
