"""The two wire protocols: what a request asks, and the bodies that answers and errors come in."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from culturesim.serve.respond import Responder, Said

Body = dict[str, Any]

ERROR_TYPES = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error",
               429: "rate_limit_error", 500: "api_error", 503: "api_error", 529: "overloaded_error"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks."""

    model: str
    system: str
    user: str
    seed: int | None
    n_top: int = 0


class BadRequestError(Exception):
    """A request that is no request of its protocol."""


def text_of(content: object) -> str:
    """The text of a message's content, which may come in parts."""
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _messages(body: Body) -> list[Body]:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not isinstance(body.get("model"), str):
        raise BadRequestError("model and messages are required")
    return [message for message in messages if isinstance(message, dict)]


def read_openai(body: Body) -> Asked:
    """A chat completion request."""
    messages = _messages(body)
    system = "\n".join(text_of(m.get("content")) for m in messages if m.get("role") in {"system", "developer"})
    user = next((text_of(m.get("content")) for m in reversed(messages) if m.get("role") == "user"), "")
    n_top = body.get("top_logprobs", 0) if body.get("logprobs") else 0
    return Asked(body["model"], system, user, body.get("seed"), n_top)


def read_anthropic(body: Body) -> Asked:
    """A messages request."""
    if not isinstance(body.get("max_tokens"), int):
        raise BadRequestError("max_tokens is required")
    user = next((text_of(m.get("content")) for m in reversed(_messages(body)) if m.get("role") == "user"), "")
    return Asked(body["model"], text_of(body.get("system")), user, None)


def answer_openai(responder: Responder, asked: Asked, *, n_top: int | None = None) -> Body:
    """A chat completion; ``n_top`` shortens the list of likely tokens below what was asked for."""
    said = responder.reply(asked.system, asked.user, asked.seed, probabilities=asked.n_top > 0)
    choice: Body = {"index": 0, "message": {"role": "assistant", "content": said.text}, "finish_reason": "stop"}
    if asked.n_top:
        choice["logprobs"] = {"content": _logprobs(said, asked.n_top if n_top is None else min(n_top, asked.n_top))}
    tokens_in, tokens_out = _tokens(asked, said)
    usage = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}
    return {"id": f"chatcmpl-{_mark(asked)}", "object": "chat.completion", "created": int(time.time()),
            "model": asked.model, "choices": [choice], "usage": usage}  # fmt: skip


def answer_anthropic(responder: Responder, asked: Asked) -> Body:
    """A message."""
    said = responder.reply(asked.system, asked.user, asked.seed)
    tokens_in, tokens_out = _tokens(asked, said)
    return {"id": f"msg_{_mark(asked)}", "type": "message", "role": "assistant", "model": asked.model,
            "content": [{"type": "text", "text": said.text}], "stop_reason": "end_turn", "stop_sequence": None,
            "usage": {"input_tokens": tokens_in, "output_tokens": tokens_out, "cache_read_input_tokens": 0,
                      "cache_creation_input_tokens": 0}}  # fmt: skip


def error_body(status: int, message: str, *, anthropic: bool, code: str | None = None) -> Body:
    """The body of an error in either protocol."""
    kind = ERROR_TYPES.get(status, "api_error")
    if anthropic:
        return {"type": "error", "error": {"type": kind, "message": message}}
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def packed(body: object) -> bytes:
    """A body as JSON."""
    return orjson.dumps(body)


def lines(bodies: Sequence[Body]) -> bytes:
    """Bodies as JSON lines."""
    return b"".join(orjson.dumps(body) + b"\n" for body in bodies)


def rate_limit_headers(limit: int, left: int, seconds: float, *, anthropic: bool) -> Mapping[str, str]:
    """What is left of a limit of requests per minute, and when it is full again."""
    if anthropic:
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(math.ceil(time.time() + seconds)))
        name = "anthropic-ratelimit-requests"
        return {f"{name}-limit": str(limit), f"{name}-remaining": str(left), f"{name}-reset": until}
    return {"x-ratelimit-limit-requests": str(limit), "x-ratelimit-remaining-requests": str(left),
            "x-ratelimit-reset-requests": f"{seconds:.3f}s"}  # fmt: skip


def _logprobs(said: Said, n_top: int) -> list[Body]:
    """The tokens of an answer: the key it begins with, which alone has alternatives, and the rest."""
    chances = dict(said.top)
    first = max((token for token in chances if said.text.startswith(token)), key=len, default=said.text[:1])
    top = [_token(token, p) for token, p in said.top[:n_top]]
    positions: list[Body] = [_token(first, chances.get(first, 1e-6)) | {"top_logprobs": top}]
    if rest := said.text[len(first) :]:
        positions.append(_token(rest, 1.0) | {"top_logprobs": [_token(rest, 1.0)]})
    return positions


def _token(token: str, probability: float) -> Body:
    return {"token": token, "logprob": _log(probability), "bytes": list(token.encode())}


def _log(probability: float) -> float:
    return math.log(probability) if probability > 0 else -9999.0


def _tokens(asked: Asked, said: Said) -> tuple[int, int]:
    return 8 + (len(asked.system.encode()) + len(asked.user.encode())) // 4, 1 + len(said.text.encode()) // 4


def _mark(asked: Asked) -> str:
    return hashlib.blake2b(f"{asked.system}\0{asked.user}\0{asked.seed}".encode(), digest_size=12).hexdigest()
