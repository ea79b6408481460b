from __future__ import annotations

import asyncio
import json
from typing import Any

import anthropic
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from culturesim.backends import load
from culturesim.errors import BackendError
from culturesim.records import Allowance, Completion, Option, Prompt, Settings, Trial

PATH = "/v1/messages"
USAGE = {"input_tokens": 20, "output_tokens": 1, "cache_read_input_tokens": 16, "cache_creation_input_tokens": 4}


def prompt(system: str = "You are a teacher.") -> Prompt:
    trial = Trial("ab" * 16, "iw10", "1", "god", "en", "p1", "plain", 0, "printed", 0, "choice", 7)
    return Prompt(trial, system, "How important?", tuple(Option(code, str(code), "", (str(code),)) for code in (1, 2)))


def reply(*blocks: dict[str, Any], **others: Any) -> dict[str, Any]:
    content = list(blocks) or [{"type": "text", "text": "2"}]
    message = {"id": "m", "type": "message", "role": "assistant", "model": "claude-2026", "content": content}
    return message | {"stop_reason": "end_turn", "stop_sequence": None, "usage": USAGE} | others


def ask(server: HTTPServer, asked: Prompt | None = None, settings: Settings | None = None) -> Completion:
    async def run() -> Completion:
        backend = load("anthropic/claude", base_url=server.url_for(""), timeout=5)
        try:
            return (await backend.complete([asked or prompt()], settings or Settings()))[0]
        finally:
            await backend.close()

    return asyncio.run(run())


def sent(server: HTTPServer, number: int = -1) -> dict[str, Any]:
    body: dict[str, Any] = server.log[number][0].get_json()
    return body


def test_a_sampled_answer(httpserver: HTTPServer) -> None:
    httpserver.expect_request(PATH).respond_with_json(reply())
    done = ask(httpserver)
    assert (done.text, done.model, done.finish_reason, done.error) == ("2", "claude-2026", "stop", None)
    assert (done.tokens_in, done.tokens_out, done.tokens_cached) == (40, 1, 16)


def test_calls_go_the_way_the_sdk_would_send_them(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-0123456789")
    httpserver.expect_request(PATH).respond_with_json(reply())
    ask(httpserver)
    client = anthropic.Anthropic(base_url=httpserver.url_for(""), max_retries=0)
    client.messages.create(**sent(httpserver))
    client.close()
    (ours, _), (theirs, _) = httpserver.log
    assert (ours.path, ours.method, ours.get_json()) == (theirs.path, theirs.method, theirs.get_json())
    shared = {name for name in dict(theirs.headers) if name.lower() in {"authorization", "x-api-key", "accept",
                                                                      "content-type", "anthropic-version"}}  # fmt: skip
    assert len(shared) >= 4
    assert {name: ours.headers[name] for name in shared} == {name: theirs.headers[name] for name in shared}


def test_what_is_the_apis_own_is_not_sent(httpserver: HTTPServer) -> None:
    httpserver.expect_request(PATH).respond_with_json(reply())
    ask(httpserver, prompt(system=""))
    assert set(sent(httpserver)) == {"model", "max_tokens", "messages"}
    ask(httpserver, settings=Settings(temperature=0.3, top_p=0.9, max_tokens=5))
    assert {"temperature": 0.3, "top_p": 0.9, "max_tokens": 5, "system": "You are a teacher."}.items() <= sent(
        httpserver
    ).items()


def test_thinking_has_a_budget_beyond_the_answer(httpserver: HTTPServer) -> None:
    httpserver.expect_request(PATH).respond_with_json(
        reply({"type": "thinking", "thinking": "1?", "signature": ""}, {"type": "text", "text": "2"})
    )
    done = ask(httpserver, settings=Settings(thinking=2000, max_tokens=10))
    assert done.text == "2"
    assert sent(httpserver)["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    assert sent(httpserver)["max_tokens"] == 2010
    ask(httpserver, settings=Settings(effort="low"))
    assert sent(httpserver)["output_config"] == {"effort": "low"}
    refused = ask(httpserver, settings=Settings(thinking=2000, temperature=0.5)).error
    assert refused
    assert (refused.kind, "--temperature 1" in refused.message) == ("bad_request", True)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("end_turn", "stop"), ("max_tokens", "length"), ("stop_sequence", "stop"), ("refusal", "refusal")],
)
def test_ends_of_an_answer(httpserver: HTTPServer, reason: str, finish: str) -> None:
    httpserver.expect_request(PATH).respond_with_json(reply(stop_reason=reason))
    assert ask(httpserver).finish_reason == finish


@pytest.mark.parametrize(
    ("status", "type_of_error", "message", "kind"),
    [(400, "invalid_request_error", "no", "bad_request"), (401, "authentication_error", "no", "auth"),
     (403, "permission_error", "no", "auth"), (404, "not_found_error", "no", "not_found"),
     (413, "request_too_large", "no", "too_long"), (429, "rate_limit_error", "no", "rate_limit"),
     (500, "api_error", "no", "server"), (529, "overloaded_error", "no", "overloaded"),
     (402, "billing_error", "no", "quota"), (504, "timeout_error", "no", "timeout"),
     (400, "invalid_request_error", "Your credit balance is too low", "quota"),
     (400, "invalid_request_error", "prompt is too long: 9 tokens > 8", "too_long")],
)  # fmt: skip
def test_errors_have_kinds(httpserver: HTTPServer, status: int, type_of_error: str, message: str, kind: str) -> None:
    body = {"type": "error", "error": {"type": type_of_error, "message": message}}
    httpserver.expect_request(PATH).respond_with_json(body, status=status, headers={"retry-after": "3"})
    error = ask(httpserver).error
    assert error
    assert (error.kind, error.retry_after) == (kind, 3)
    assert f"answered {status}: {message}" in error.message


@pytest.mark.parametrize(
    ("body", "content_type", "kind"),
    [("<p>Hello</p>", "text/html", "protocol"), ('{"type": "mess', "application/json", "malformed"),
     ('{"choices": []}', "application/json", "malformed")],
)  # fmt: skip
def test_what_is_no_message_is_an_error(httpserver: HTTPServer, body: str, content_type: str, kind: str) -> None:
    httpserver.expect_request(PATH).respond_with_data(body, content_type=content_type)
    error = ask(httpserver).error
    assert error
    assert error.kind == kind


def test_a_refused_parameter_is_never_dropped_in_silence(httpserver: HTTPServer) -> None:
    def picky(request: Request) -> Response:
        refused = {"type": "error", "error": {"type": "invalid_request_error",
                                              "message": "`temperature` is deprecated for this model."}}  # fmt: skip
        bad = "temperature" in request.get_json()
        return Response(json.dumps(refused if bad else reply()), 400 if bad else 200, mimetype="application/json")

    httpserver.expect_request(PATH).respond_with_handler(picky)
    error = ask(httpserver, settings=Settings(temperature=0.2)).error
    assert error
    assert (error.kind, "--temperature 1" in error.message) == ("bad_request", True)
    assert ask(httpserver).text == "2"


def test_what_is_left_of_a_limit_is_passed_on(httpserver: HTTPServer) -> None:
    httpserver.expect_request(PATH).respond_with_json(reply(), headers={"anthropic-ratelimit-requests-remaining": "5"})
    assert ask(httpserver).allowance == Allowance(5, None, 0.0)


def test_the_key_stays_out_of_messages(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-0123456789")
    body = {"type": "error", "error": {"type": "authentication_error", "message": "bad key sk-ant-0123456789"}}
    httpserver.expect_request(PATH).respond_with_json(body, status=401)
    error = ask(httpserver).error
    assert error
    assert "sk-ant" not in error.message
    assert "ANTHROPIC_API_KEY" in error.message


def test_without_a_key_nothing_is_loaded() -> None:
    with pytest.raises(BackendError, match="ANTHROPIC_API_KEY"):
        load("anthropic/claude")


def refuse(server: HTTPServer, message: str, **others: Any) -> str:
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
    server.expect_request(PATH).respond_with_json(body, status=400)
    error = ask(server, settings=Settings(**others)).error
    assert error
    assert error.kind == "bad_request"
    return error.message


def test_a_token_goes_the_way_the_sdk_would_send_it(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token-0123456789")
    body = {"type": "error", "error": {"type": "authentication_error", "message": "bad token-0123456789"}}
    httpserver.expect_request(PATH).respond_with_json(body, status=401)
    error = ask(httpserver).error
    assert error
    assert "check ANTHROPIC_AUTH_TOKEN" in error.message
    assert "token-0123456789" not in error.message
    headers = httpserver.log[0][0].headers
    assert (headers.get("Authorization"), headers.get("X-Api-Key")) == ("Bearer token-0123456789", None)


@pytest.mark.parametrize("effort", ["none", "minimal"])
def test_no_effort_is_no_thought(httpserver: HTTPServer, effort: str) -> None:
    httpserver.expect_request(PATH).respond_with_json(reply())
    ask(httpserver, settings=Settings(effort=effort, max_tokens=9))
    assert set(sent(httpserver)) == {"model", "max_tokens", "messages", "system"}
    assert sent(httpserver)["max_tokens"] == 9


def test_thoughts_are_few_but_not_too_few(httpserver: HTTPServer) -> None:
    usage = USAGE | {"output_tokens": 70, "output_tokens_details": {"thinking_tokens": 60}}
    httpserver.expect_request(PATH).respond_with_json(reply(usage=usage))
    done = ask(httpserver, settings=Settings(thinking=5, max_tokens=9))
    assert (sent(httpserver)["thinking"]["budget_tokens"], sent(httpserver)["max_tokens"]) == (1024, 1033)
    assert (done.tokens_out, done.tokens_reasoning) == (70, 60)


def test_two_refused_together_are_asked_for_one_by_one(httpserver: HTTPServer) -> None:
    told = refuse(httpserver, "`temperature` and `top_p` cannot both be specified", temperature=0.3, top_p=0.9)
    assert "with --temperature 1, or with top_p = 1" in told
    assert len(httpserver.log) == 1


def test_a_refused_way_to_think_names_the_other(httpserver: HTTPServer) -> None:
    assert "ask with --effort, without --thinking" in refuse(
        httpserver, '"thinking.type.enabled" is not supported for this model', thinking=2000
    )
    httpserver.clear()
    assert "ask without --effort" in refuse(httpserver, "it does not support the effort parameter", effort="low")


def test_an_error_told_under_200_is_of_its_own_kind(httpserver: HTTPServer) -> None:
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    httpserver.expect_request(PATH).respond_with_json(body)
    error = ask(httpserver).error
    assert error
    assert error.kind == "overloaded"


@pytest.mark.parametrize("content", [None, 3, "2", {}])
def test_content_of_another_shape_is_malformed(httpserver: HTTPServer, content: Any) -> None:
    httpserver.expect_request(PATH).respond_with_json(reply(content=content))
    error = ask(httpserver).error
    assert error
    assert error.kind == "malformed"


@pytest.mark.parametrize(("status", "kind"), [(413, "too_long"), (502, "server"), (503, "overloaded")])
def test_a_relay_has_only_its_status(httpserver: HTTPServer, status: int, kind: str) -> None:
    httpserver.expect_request(PATH).respond_with_data("<p>no</p>", status, content_type="text/html")
    error = ask(httpserver).error
    assert error
    assert error.kind == kind
