"""What an error means in the mouths of those who speak OpenAI's protocol: by its code, its type, or its words."""

from __future__ import annotations

import re

from culturesim.backends.base import at, count_at, kind_of_status, text_at
from culturesim.backends.headers import retry_after
from culturesim.backends.transport import Reply

_KINDS = {
    "insufficient_quota": "quota",
    "billing_hard_limit_reached": "quota",
    "context_length_exceeded": "too_long",
    "exceed_context_size_error": "too_long",
}
"""The kind of ``CallError`` that a server's own code or type stands for, where its status says less."""

_TOO_LONG = re.compile(
    r"maximum (context|prompt|input) length|context (length|window)|available context size|too many tokens"
    r"|(prompt|input) is too long|input token count",
    re.IGNORECASE,
)
"""What those say who have no code for it, under a status that says less."""

_SAYING_LESS = frozenset({400, 422})

_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")
_FILTERED = ("content_filter", "content_policy_violation", "invalid_prompt")
"""Codes of errors that are refusals of the prompt, and say nothing about other prompts."""


def error_in(content: object) -> object:
    """The error in a decoded body, which some put into a list and some put nowhere in particular."""
    content = content[0] if isinstance(content, list) and content else content
    return at(content, "error") or content


def error_under_200(content: object) -> tuple[int, object] | None:
    """The status and the error of a relay that had answered 200 before the model behind it failed; None for others."""
    for error in (at(content, "error"), of_choice := at(content, "choices", 0, "error")):
        if (status := count_at(error, "code")) is not None and status >= 400:
            return status, error
    if of_choice or at(content, "choices", 0, "finish_reason") == "error":
        return 500, of_choice or {"message": "the answer ended in an error and does not say in which"}
    return None


def kind_of(status: int, error: object, message: str) -> str:
    """The kind of ``CallError`` of an error (see ``error_in``) that came with this status and message."""
    code, kind_of_error = (str(at(error, name)) for name in ("code", "type"))
    if named := _KINDS.get(code) or _KINDS.get(kind_of_error):
        return named
    if status == 413 or (status in _SAYING_LESS and _TOO_LONG.search(message)):
        return "too_long"
    return kind_of_status(status)


def is_filtered(error: object) -> bool:
    """Whether an error refuses the prompt for what it says; OpenRouter gives reasons and no code of its own."""
    return text_at(error, "code") in _FILTERED or bool(at(error, "metadata", "reasons"))


def wait_told(reply: Reply) -> float | None:
    """Seconds a server asks us to wait: in a header, or as Google has it, among the details of the error."""
    if (seconds := retry_after(reply.headers)) is not None:
        return seconds
    details = at(error_in(reply.json()), "details")
    told = (text_at(detail, "retryDelay") or "" for detail in (details if isinstance(details, list) else []))
    return next((float(match[1]) for each in told if (match := _SECONDS.fullmatch(each))), None)
