"""What a server takes that speaks a protocol in its own way: known beforehand, or learned from what it refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_REFUSAL = re.compile(
    r"unsupported|not support|n't support|unrecogni[sz]ed|unexpected|unknown|extra (inputs|fields)|not permitted"
    r"|not allowed|deprecated|only the default|cannot (both )?be|not available|invalid|not compatible|must be|may not"
    r"|less than or equal|at most|maximum",
    re.IGNORECASE,
)
_NO_SYSTEM = re.compile(
    r"(?<!safety )\b(system|developer)['\"` ]*(role|message|instruction|prompt)s?\b[^.]*?(\bnot\b|n't|\bun|\binvalid)"
    r"|(\bnot\b|n't|\bun\w+|\binvalid)\b[^.]{0,40}\b(system|developer)['\"` ]*(role|message|instruction|prompt)"
    r"|\brole\b[^.]{0,40}(\bnot\b|n't|\bun\w+|\binvalid)[^.]{0,40}\b(system|developer)\b"
    r"|(\bun\w+|\binvalid|\bnot \w+) roles?\b[^.]{0,20}\b(system|developer)\b|only user and assistant roles",
    re.IGNORECASE,
)
"""A refusal of the role. The word alone says nothing: other systems there are that do not allow something."""

_MOST = re.compile(
    r"(?:less than or equal to|at most|maximum(?: \w+)* is|<=|between 0 and)\D{0,12}(\d+)", re.IGNORECASE
)

DROPPABLE = ("temperature", "top_p", "seed", "random_seed", "reasoning_effort")
"""Parameters that may be left out, where leaving them out changes nothing but what the server would refuse."""

_BOUNDS = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_PLAIN = {"temperature": 1.0, "top_p": 1.0}
"""The values that servers sample with when told nothing."""


class RefusedError(Exception):
    """A server refuses what the study asks for; the message says what to ask for instead."""


@dataclass
class Quirks:
    """What one model at one server takes. ``dropped`` parameters are left out, ``bound`` names the bound on tokens."""

    bound: str = "max_tokens"
    n_top: int = 20
    folds_system: bool = False
    dropped: set[str] = field(default_factory=set)
    _turned: bool = False

    def fitted(self, body: dict[str, Any], *, fallback: bool) -> dict[str, Any]:
        """A request as this server takes it; ``fallback`` allows to go without log probabilities.

        Raises ``RefusedError`` where that would be another request than the study's.
        """
        for name in self.dropped & body.keys():
            if body[name] != _PLAIN.get(name, body[name]):
                raise RefusedError(f"it samples at its own {name}: ask with --temperature 1 and top_p = 1")
            if name == "reasoning_effort":
                raise RefusedError("it takes no --effort")
            if name == "logprobs" and not fallback:
                raise RefusedError(
                    "it gives no log probabilities: ask with --elicit choice, or probabilities_or_choice"
                )
        fitted = {name: value for name, value in body.items() if name not in self.dropped}
        if "logprobs" in self.dropped:
            fitted.pop("top_logprobs", None)
        elif "top_logprobs" in fitted:
            fitted["top_logprobs"] = min(fitted["top_logprobs"], self.n_top)
        if (self.bound != "max_tokens" or self._turned) and _BOUNDS[self.bound] in fitted:
            fitted[self.bound] = fitted.pop(_BOUNDS[self.bound])
        if self.folds_system:
            fitted["messages"] = _folded(fitted["messages"])
        return fitted

    def learn(self, sent: Mapping[str, Any], message: str, parameter: str | None = None) -> bool:
        """Learns from a refusal of what was sent; returns whether it says anything new to us."""
        if not _REFUSAL.search(message) and not _NO_SYSTEM.search(message):
            return False
        before = (self.bound, self.n_top, self.folds_system, len(self.dropped))
        named = self._named(sent, message, parameter)
        if named in _BOUNDS:
            self._learn_bound(named, message)
        elif named == "top_logprobs" and (most := _MOST.search(message)) and 0 < int(most[1]) < sent[named]:
            self.n_top = int(most[1])
        elif named in {"logprobs", "top_logprobs"}:
            self.dropped.add("logprobs")
        elif named in DROPPABLE:
            self.dropped.add(named)
        elif not named and _has_system(sent) and _NO_SYSTEM.search(message):
            self.folds_system = True
        return before != (self.bound, self.n_top, self.folds_system, len(self.dropped))

    def _learn_bound(self, named: str, message: str) -> None:
        """Takes the other word for the bound where a server says to use it, once: no server takes neither of the two.

        Both words alone say nothing: a bound that is too large is refused by naming both.
        """
        other = _BOUNDS[named]
        wanted = rf"\buse\W+(the\W+)?{other}\b|\b{other}\b\W+instead\b"
        if not self._turned and re.search(wanted, message, re.IGNORECASE):
            self.bound, self._turned = other, True

    def _named(self, sent: Mapping[str, Any], message: str, parameter: str | None) -> str:
        """The parameter of ours that a message is about: the one it names first."""
        if parameter in sent and parameter != "messages":
            return str(parameter)
        places = {
            name: match.start()
            for name in (*DROPPABLE, *_BOUNDS, "top_logprobs", "logprobs")
            if name in sent and (match := re.search(rf"\b{name}\b", message))
        }
        return min(places, key=places.__getitem__, default="")


def _has_system(sent: Mapping[str, Any]) -> bool:
    return any(message["role"] == "system" for message in sent["messages"])


def _folded(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """Messages for a model that knows no system role: what the system says goes before what the user says."""
    system = [message["content"] for message in messages if message["role"] == "system"]
    others = [message for message in messages if message["role"] != "system"]
    if not system:
        return messages
    return [{**others[0], "content": "\n\n".join([*system, others[0]["content"]])}, *others[1:]]
