"""Sampled answers from a language model's next-token probabilities, each by its own trial's seed.

A token is drawn by inverting the cumulative distribution at a number that is a hash of the trial's seed and the place
in the answer, so a sample is the trial's own whatever else is asked beside it. Answers to one prompt grow as one tree:
while they say the same, they are computed once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from culturesim.backends.hf_engines import Engine
from culturesim.backends.token_tree import ROOT, TokenTree
from culturesim.records import Settings

if TYPE_CHECKING:
    import torch

GROVE = 2_048
"""Tokens of prompts whose answers grow at the same time; their keys and values are all kept until then."""


@dataclass(slots=True)
class Growing:
    """A prompt's ``tokens``, the trial's ``seed``, and the answer as it grows; ``finish`` says why it ended.

    ``said`` are the answer's tokens without an end mark, ``shared`` counts those of the prompt that were there already,
    and ``node`` is where it has come to.
    """

    tokens: Sequence[int]
    seed: int
    shared: int = 0
    node: int = ROOT
    said: list[int] = field(default_factory=list)
    finish: str = ""


def sample(
    engine: Engine,
    answers: Sequence[Growing],
    settings: Settings,
    ends: Collection[int],
    said_all: Callable[[Sequence[int]], bool],
) -> None:
    """Lets every answer grow until an end token, until it has ``said_all``, or to ``settings.max_tokens``.

    Raises ``MemoryError``; answers may be grown again after that, and come out the same.
    """
    tree = engine.plant()
    for answer in answers:
        known = len(tree)
        answer.node, answer.said, answer.finish = tree.add(answer.tokens), [], ""
        answer.shared = len(answer.tokens) - (len(tree) - known)
    for grove in _groves(tree, answers):
        growing = grove
        while growing:
            by_node: dict[int, list[Growing]] = {}
            for answer in growing:
                by_node.setdefault(answer.node, []).append(answer)
            for node, row in engine.step(tree, list(by_node)):
                for answer in by_node[node]:
                    _grow(answer, draw(row, settings, unit(answer.seed, len(answer.said))), settings, ends, said_all)
            growing = [answer for answer in growing if not answer.finish]
            for answer in growing:
                answer.node = tree.add(answer.said[-1:], below=answer.node)


def draw(row: torch.Tensor, settings: Settings, unit: float) -> int:
    """A token from natural-log probabilities, at ``unit`` in [0, 1) of the cumulative distribution.

    The probabilities are first sharpened by ``settings.temperature`` (0: the likeliest token), then cut to the fewest
    tokens that hold ``settings.top_p`` of the mass (nucleus sampling; Holtzman et al. 2020).
    """
    import torch

    if settings.temperature == 0:
        return int(row.argmax())
    masses, tokens = (row.double() / settings.temperature).softmax(-1), None
    if settings.top_p < 1:
        masses, tokens = masses.sort(descending=True, stable=True)
        masses = masses[: int((masses.cumsum(0) < settings.top_p).sum()) + 1]
    cumulative = masses.cumsum(0)
    target = torch.tensor(unit, dtype=torch.double) * cumulative[-1]
    place = min(int(torch.searchsorted(cumulative, target, right=True)), len(cumulative) - 1)
    return place if tokens is None else int(tokens[place])


def unit(seed: int, place: int) -> float:
    """A number in [0, 1), evenly spread over seeds and places."""
    hashed = hashlib.blake2b(f"{seed}/{place}".encode(), digest_size=8).digest()
    return (int.from_bytes(hashed) >> 11) / 2**53


def _grow(
    answer: Growing,
    token: int,
    settings: Settings,
    ends: Collection[int],
    said_all: Callable[[Sequence[int]], bool],
) -> None:
    if token in ends:
        answer.finish = "stop"
        return
    answer.said.append(token)
    if said_all(answer.said):
        answer.finish = "stop"
    elif len(answer.said) >= settings.max_tokens:
        answer.finish = "length"


def _groves(tree: TokenTree, answers: Sequence[Growing]) -> Iterator[list[Growing]]:
    """The answers in parts whose prompts have no more than ``GROVE`` distinct tokens, or are one prompt."""
    grove: list[Growing] = []
    lines: set[int] = set()
    for answer in answers:
        line = tree.lines_of([answer.node]) if answer.node not in lines else set()
        if grove and len(lines | line) > GROVE:
            yield grove
            grove, lines = [], set()
            line = tree.lines_of([answer.node])
        grove.append(answer)
        lines |= line
    if grove:
        yield grove
