"""Prompts as one tree of tokens, in which whatever they begin with in common stands once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

ROOT = 0
"""The node of nothing at all, above every first token. It is never computed."""


class TokenTree:
    """Distinct prefixes of token sequences; a node is a prefix, named by a number in the order of appearance.

    ``tokens``, ``parents`` and ``depths`` are by node. A node of depth d stands for d tokens; its last is at position
    d − 1 of any sequence that passes through it.
    """

    def __init__(self) -> None:
        self.tokens, self.parents, self.depths = [-1], [-1], [0]
        self._children: list[dict[int, int]] = [{}]

    def __len__(self) -> int:
        """Distinct prefixes with at least one token: the tokens that must be computed at least."""
        return len(self.tokens) - 1

    def add(self, tokens: Iterable[int], below: int = ROOT) -> int:
        """The node that ``tokens`` lead to from the node ``below``; what is missing on the way is added."""
        node = below
        for token in tokens:
            child = self._children[node].get(token)
            if child is None:
                child = len(self.tokens)
                self._children[node][token] = child
                self.tokens.append(token)
                self.parents.append(node)
                self.depths.append(self.depths[node] + 1)
                self._children.append({})
            node = child
        return node

    def line(self, node: int) -> list[int]:
        """The nodes from the first token down to ``node``, itself included."""
        nodes = []
        while node != ROOT:
            nodes.append(node)
            node = self.parents[node]
        return nodes[::-1]

    def depth_first(self) -> Iterator[int]:
        """Every node, each after its parent and each subtree in one piece; siblings in the order of appearance."""
        waiting = [ROOT]
        while waiting:
            node = waiting.pop()
            if node != ROOT:
                yield node
            waiting.extend(reversed(self._children[node].values()))

    def lines_of(self, nodes: Iterable[int]) -> set[int]:
        """All nodes that these need before them, and they themselves."""
        found: set[int] = set()
        for node in nodes:
            above = node
            while above != ROOT and above not in found:
                found.add(above)
                above = self.parents[above]
        return found
