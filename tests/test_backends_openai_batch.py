from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from culturesim.backends import load
from culturesim.errors import BatchError
from culturesim.records import Completion, Settings
from tests.batched import prompt, with_model

BATCHES, FILES = "/v1/batches", "/v1/files"
KEY = "sk-planted-0123456789"
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
with_backend = partial(with_model, "openai/gpt")


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def batch(name: str = "b1", status: str = "completed", **others: Any) -> dict[str, Any]:
    told = {"id": name, "object": "batch", "endpoint": "/v1/chat/completions", "completion_window": "24h",
            "status": status, "created_at": int(SINCE.timestamp()), "input_file_id": "in", "output_file_id": "out",
            "error_file_id": None, "request_counts": {"total": 3, "completed": 1, "failed": 1}}  # fmt: skip
    return told | others


def line(name: str, status: int | None = 200, body: Any = None, **others: Any) -> bytes:
    response = None if status is None else {"status_code": status, "request_id": "r", "body": body}
    entry = {"custom_id": name * 16, "response": response, "error": None} | others
    return json.dumps(entry, ensure_ascii=False).encode() + b"\n"


def said(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {"model": "gpt-2026", "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 20, "completion_tokens": 1}}  # fmt: skip


def offer(server: HTTPServer, results: bytes, **others: Any) -> None:
    server.expect_request(f"{BATCHES}/b1").respond_with_json(batch(**others))
    server.expect_request(f"{FILES}/out/content").respond_with_data(results, content_type="application/jsonl")


def results_of(url: str, *names: str) -> list[Completion]:
    async def work(backend: Any) -> list[Completion]:
        return [it async for it in backend.results("b1", {prompt(name).trial.id: prompt(name) for name in names})]

    told: list[Completion] = with_backend(url, work)
    return told


def test_each_result_becomes_what_it_is(httpserver: HTTPServer) -> None:
    errors = [
        line("cd", 503, {"error": {"message": f"busy, {KEY}"}}),
        line("ef", None, error={"code": "batch_expired"}),
        line("01", None, error={"code": "odd", "message": "lost it"}),
        line("23", 200, {"x": 1}),
        line("45", 400, {"error": {"code": "content_filter"}}),
        line("99", 200, said("of another")),
    ]
    offer(httpserver, line("ab", 200, said("2")), error_file_id="err")
    httpserver.expect_request(f"{FILES}/err/content").respond_with_data(b"".join(errors))
    told = {it.trial_id[:2]: it for it in results_of(httpserver.url_for("/v1"), "ab", "cd", "ef", "01", "23", "45")}
    assert (told["ab"].text, told["ab"].model, told["ab"].tokens_in) == ("2", "gpt-2026", 20)
    assert {name: it.error and it.error.kind for name, it in told.items()} == {
        "ab": None, "cd": "overloaded", "01": "server", "23": "malformed", "45": None,
    }  # fmt: skip
    assert told["45"].finish_reason == "content_filter"
    assert KEY not in str(told)


def test_breaks_within_an_answer_end_no_line(httpserver: HTTPServer) -> None:
    text = "2\u2028or\u0085so\x0c"
    offer(httpserver, line("ab", 200, said(text)) + b"\n")
    assert [it.text for it in results_of(httpserver.url_for("/v1"), "ab")] == [text]


def test_a_stand_in_for_a_key_hides_no_trial(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a")
    offer(httpserver, line("ab", 200, said("a or 2")))
    assert [it.text for it in results_of(httpserver.url_for("/v1"), "ab")] == ["a or 2"]


SEED = {"error": {"message": "Unsupported parameter: 'seed' is not supported with this model.", "param": "seed"}}
WARM = {"error": {"message": "Unsupported value: 'temperature' does not support 0.5.", "param": "temperature"}}


def uploaded(server: HTTPServer) -> dict[str, Any]:
    """The request in a batch that is handed in after the results of one were read."""
    server.expect_request(FILES).respond_with_json({"id": "in"})
    server.expect_request(BATCHES).respond_with_json(batch("b2"))

    async def work(backend: Any) -> None:
        assert [it async for it in backend.results("b1", {prompt().trial.id: prompt()})] == []
        await backend.submit([prompt()], Settings(), "m")

    with_backend(server.url_for("/v1"), work)
    content = next(request.get_data() for request, _ in server.log if request.path == FILES)
    (sent,) = [json.loads(line) for line in content.splitlines() if line.startswith(b"{")]
    body: dict[str, Any] = sent["body"]
    return body


def offer_refused(server: HTTPServer, told: dict[str, Any], **asked: Any) -> None:
    body = {"messages": [{"role": "user", "content": "?"}], "max_completion_tokens": 9} | asked
    request = json.dumps({"custom_id": "ab" * 16, "body": body})
    offer(server, b"", output_file_id=None, error_file_id="err")
    server.expect_request(f"{FILES}/err/content").respond_with_data(line("ab", 400, told))
    server.expect_request(f"{FILES}/in/content").respond_with_data(request)


def test_a_refused_parameter_is_left_out_of_the_next_batch(httpserver: HTTPServer) -> None:
    offer_refused(httpserver, SEED, seed=7)
    assert "seed" not in uploaded(httpserver)


def test_the_other_word_for_the_bound_is_used_in_the_next_batch(httpserver: HTTPServer) -> None:
    told = {"error": {"message": "'max_tokens' is not supported. Use 'max_completion_tokens' instead."}}
    offer_refused(httpserver, told, max_tokens=9)
    assert {"max_tokens", "max_completion_tokens"} & uploaded(httpserver).keys() == {"max_completion_tokens"}


@pytest.mark.parametrize(
    ("refusal", "asked", "told"),
    [(WARM, {"temperature": 0.5}, "ask with --temperature 1"), (SEED, {}, "'seed' is not supported"),
     ({"error": {"message": "no such luck"}}, {"seed": 7}, "no such luck")],
)  # fmt: skip
def test_a_refusal_that_we_know_no_way_round_is_told(
    httpserver: HTTPServer, refusal: dict[str, Any], asked: dict[str, Any], told: str
) -> None:
    offer_refused(httpserver, refusal, **asked)
    (completion,) = results_of(httpserver.url_for("/v1"), "ab")
    assert completion.error
    assert (completion.error.kind, told in completion.error.message) == ("bad_request", True)


def test_a_refusal_is_told_where_what_was_handed_in_is_gone(httpserver: HTTPServer) -> None:
    offer(httpserver, b"", output_file_id=None, error_file_id="err")
    httpserver.expect_request(f"{FILES}/err/content").respond_with_data(line("ab", 400, SEED))
    httpserver.expect_request(f"{FILES}/in/content").respond_with_json({"error": {"message": "no file"}}, status=404)
    (completion,) = results_of(httpserver.url_for("/v1"), "ab")
    assert completion.error
    assert completion.error.kind == "bad_request"


@pytest.mark.parametrize("body", [line("ab", 200, said("2"))[:-20], b"<p>Bad gateway</p>"])
def test_results_cut_short_or_replaced_may_be_whole_later(httpserver: HTTPServer, body: bytes) -> None:
    offer(httpserver, body)
    with pytest.raises(BatchError, match="broken JSON") as error:
        results_of(httpserver.url_for("/v1"), "ab")
    assert error.value.passing


def test_results_that_break_off_may_come_later() -> None:
    whole = line("ab", 200, said("2"))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        told = whole if b"/content" in asked else json.dumps(batch()).encode()
        length = 9999 if b"/content" in asked else len(told)
        kind = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
        writer.write(kind + f"content-length: {length}\r\nconnection: close\r\n\r\n".encode() + told)
        writer.close()

    async def work(url: str) -> list[str | None]:
        backend: Any = load("openai/gpt", base_url=url)
        return [it.text async for it in backend.results("b1", {prompt().trial.id: prompt()})]

    async def run() -> list[str | None]:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            return await work(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")

    with pytest.raises(BatchError, match="cannot reach") as error:
        asyncio.run(run())
    assert error.value.passing


@pytest.mark.parametrize("body", ["<p>Hello</p>", '{"x": 1}', '{"id": "b1", "stat', "[]", "null"])
@pytest.mark.parametrize("work", ["state", "results", "find"])
def test_what_is_no_batch_is_an_error(httpserver: HTTPServer, body: str, work: str) -> None:
    async def asked(backend: Any) -> Any:
        if work == "find":
            return await backend.find("m", [prompt()], SINCE, [])
        return await backend.state("b1") if work == "state" else [it async for it in backend.results("b1", {})]

    kind = "text/html" if body.startswith("<") else "application/json"
    for path in (BATCHES, f"{BATCHES}/b1"):
        httpserver.expect_request(path).respond_with_data(body, content_type=kind)
    with pytest.raises(BatchError, match=r"no (list of )?batch|broken JSON") as error:
        with_backend(httpserver.url_for("/v1"), asked)
    assert error.value.passing


@pytest.mark.parametrize(
    ("status", "code", "told", "passing"),
    [(429, "rate_limit_exceeded", "slow down", True), (503, None, "busy", True),
     (429, "insufficient_quota", "no credit", False), (404, None, "no", False)],
)  # fmt: skip
def test_refusals_pass_or_do_not(
    httpserver: HTTPServer, status: int, code: str | None, told: str, passing: bool
) -> None:
    body = {"error": {"code": code, "message": told}}
    httpserver.expect_request(FILES).respond_with_json(body, status=status, headers={"retry-after": "9"})
    with pytest.raises(BatchError, match=f"answered {status}: {told}$") as error:
        with_backend(httpserver.url_for("/v1"), lambda backend: backend.submit([prompt()], Settings(), "m"))
    assert (error.value.passing, error.value.retry_after) == (passing, 9)
    assert error.value.unclear == (status == 503)


def test_what_the_study_may_not_ask_is_not_handed_in(httpserver: HTTPServer) -> None:
    async def work(backend: Any) -> Any:
        backend._quirks.dropped.add("temperature")
        return await backend.submit([prompt()], Settings(temperature=0.5), "m")

    with pytest.raises(BatchError, match="--temperature 1"):
        with_backend(httpserver.url_for("/v1"), work)
    assert not httpserver.log
