"""Exact option probabilities of many prompts from one walk over the tree that they and their labels make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from culturesim.backends.hf_engines import Engine
from culturesim.backends.labels import LabelTrie, TokenPath, label_logprobs


@dataclass(slots=True)
class Scored:
    """A prompt's ``tokens`` and its options' labels, and what came of them: natural-log probabilities by option.

    ``shared`` counts the tokens that were there already, from prompts before it.
    """

    tokens: Sequence[int]
    trie: LabelTrie
    shared: int = 0
    logprobs: tuple[float, ...] = ()


def score(engine: Engine, prompts: Sequence[Scored]) -> None:
    """Fills in ``logprobs`` and ``shared`` of every prompt. Raises ``MemoryError``."""
    tree = engine.plant()
    ends = []
    wanted: dict[int, set[int]] = {}
    for prompt in prompts:
        known = len(tree)
        ends.append(tree.add(prompt.tokens))
        prompt.shared = len(prompt.tokens) - (len(tree) - known)
        for path, tokens in prompt.trie.children.items():
            wanted.setdefault(tree.add(path, below=ends[-1]), set()).update(tokens)
    found: dict[int, Mapping[int, float]] = {}
    for node, row in engine.walk(tree, wanted.keys()):
        following = sorted(wanted[node])
        found[node] = dict(zip(following, row[following].tolist(), strict=True))
    for prompt, end in zip(prompts, ends, strict=True):

        def after(path: TokenPath, end: int = end) -> Mapping[int, float]:
            return found[tree.add(path, below=end)]

        prompt.logprobs = label_logprobs(prompt.trie, after)
