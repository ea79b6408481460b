from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from culturesim.errors import BatchError, BatchLostError
from culturesim.records import Completion, Settings
from culturesim.serve import served
from tests.batched import prompt, with_model

BATCHES = "/v1/messages/batches"
KEY = "sk-ant-0123456789"
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
with_backend = partial(with_model, "anthropic/claude")
USAGE = {"input_tokens": 20, "output_tokens": 1}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)


def batch(name: str, server: HTTPServer, total: int = 1, **others: Any) -> dict[str, Any]:
    counts = {"processing": 0, "succeeded": total, "errored": 0, "canceled": 0, "expired": 0}
    told = {"id": name, "type": "message_batch", "processing_status": "ended", "request_counts": counts,
            "created_at": "2026-06-01T00:00:00Z", "expires_at": "2026-06-02T00:00:00Z",
            "results_url": server.url_for(f"{BATCHES}/{name}/results")}  # fmt: skip
    return told | others


def line(name: str, **result: Any) -> bytes:
    return json.dumps({"custom_id": name * 16, "result": result}, ensure_ascii=False).encode() + b"\n"


def message(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "model": "claude-2026", "stop_reason": "end_turn",
            "content": [{"type": "text", "text": text}], "usage": USAGE}  # fmt: skip


def offer(server: HTTPServer, name: str, results: bytes, **others: Any) -> None:
    server.expect_request(f"{BATCHES}/{name}").respond_with_json(batch(name, server, **others))
    server.expect_request(f"{BATCHES}/{name}/results").respond_with_data(results, content_type="application/x-jsonl")


def results_of(server: HTTPServer, *names: str) -> list[Completion]:
    async def work(backend: Any) -> list[Completion]:
        return [it async for it in backend.results("b1", {prompt(name).trial.id: prompt(name) for name in names})]

    told: list[Completion] = with_backend(server.url_for(""), work)
    return told


def found(server: HTTPServer, *batches: dict[str, Any]) -> str | None:
    page = {"data": list(batches), "has_more": False, "first_id": None, "last_id": None}
    server.expect_request(BATCHES).respond_with_json(page)
    name: str | None = with_backend(server.url_for(""), lambda backend: backend.find("m", [prompt()], SINCE, []))
    return name


def test_each_result_becomes_what_it_is(httpserver: HTTPServer) -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": f"busy, {KEY}"}}
    lines = [line("ab", type="succeeded", message=message("2")), line("cd", type="errored", error=error),
             line("ef", type="canceled"), line("01", type="expired"), line("23", type="succeeded"),
             line("99", type="succeeded", message=message("of another"))]  # fmt: skip
    offer(httpserver, "b1", b"".join(lines))
    told = results_of(httpserver, "ab", "cd", "ef", "01", "23")
    assert [it.trial_id[:2] for it in told] == ["ab", "cd", "23"]
    assert (told[0].text, told[0].model, told[0].tokens_in) == ("2", "claude-2026", 20)
    assert [it.error and it.error.kind for it in told] == [None, "overloaded", "malformed"]
    assert told[1].error
    assert KEY not in told[1].error.message


def test_breaks_within_an_answer_end_no_line(httpserver: HTTPServer) -> None:
    text = "2\u2028or\u0085so"
    offer(httpserver, "b1", line("ab", type="succeeded", message=message(text)) + b"\n")
    assert [it.text for it in results_of(httpserver, "ab")] == [text]


def test_results_cut_short_may_be_whole_later(httpserver: HTTPServer) -> None:
    offer(httpserver, "b1", line("ab", type="succeeded", message=message("2"))[:-20])
    with pytest.raises(BatchError, match="broken JSON") as error:
        results_of(httpserver, "ab")
    assert error.value.passing


def test_results_that_break_off_may_come_later(httpserver: HTTPServer) -> None:
    whole = line("ab", type="succeeded", message=message("2"))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n" + whole)
        writer.close()

    async def work(backend: Any) -> list[str | None]:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            offer(httpserver, "b1", b"", results_url=f"http://127.0.0.1:{port}/")
            return [it.text async for it in backend.results("b1", {prompt().trial.id: prompt()})]

    with pytest.raises(BatchError, match="cannot reach") as error:
        with_backend(httpserver.url_for(""), work)
    assert error.value.passing


def test_results_that_are_gone_are_told(httpserver: HTTPServer) -> None:
    offer(httpserver, "b1", b"", results_url=None)
    with pytest.raises(BatchLostError, match="results_url") as error:
        results_of(httpserver, "ab")
    assert (error.value.why, error.value.passing) == ("gone", False)


@pytest.mark.parametrize("body", ["<p>Hello</p>", '{"x": 1}', '{"id": "b1", "type', "[]", "null"])
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
        with_backend(httpserver.url_for(""), asked)
    assert error.value.passing


@pytest.mark.parametrize(
    ("status", "type_of_error", "told", "passing"),
    [(429, "rate_limit_error", "slow down", True), (529, "overloaded_error", "busy", True),
     (400, "invalid_request_error", "Your credit balance is too low", False), (404, "not_found_error", "no", False)],
)  # fmt: skip
def test_refusals_pass_or_do_not(
    httpserver: HTTPServer, status: int, type_of_error: str, told: str, passing: bool
) -> None:
    body = {"type": "error", "error": {"type": type_of_error, "message": told}}
    httpserver.expect_request(BATCHES).respond_with_json(body, status=status, headers={"retry-after": "9"})
    with pytest.raises(BatchError, match=f"answered {status}: {told}$") as error:
        with_backend(httpserver.url_for(""), lambda backend: backend.submit([prompt()], Settings(), "m"))
    assert (error.value.passing, error.value.retry_after) == (passing, 9)


def test_what_the_study_may_not_ask_is_not_handed_in(httpserver: HTTPServer) -> None:
    settings = Settings(thinking=2000, temperature=0.5)
    with pytest.raises(BatchError, match="--temperature 1"):
        with_backend(httpserver.url_for(""), lambda backend: backend.submit([prompt()], settings, "m"))
    assert not httpserver.log


def test_an_ended_batch_is_told_by_its_trials(httpserver: HTTPServer) -> None:
    offer(httpserver, "theirs", line("99", type="expired"))
    offer(httpserver, "ours", line("ab", type="expired"))
    gone = batch("archived", httpserver, results_url=None)
    larger = batch("larger", httpserver, total=2)
    assert found(httpserver, gone, larger, batch("theirs", httpserver), batch("ours", httpserver)) == "ours"


def test_a_batch_made_before_is_another(httpserver: HTTPServer) -> None:
    old = batch("old", httpserver, processing_status="in_progress", created_at="2025-12-31T23:58:00Z")
    assert found(httpserver, old) is None
    httpserver.clear()
    skewed = batch("skewed", httpserver, processing_status="in_progress", created_at="2025-12-31T23:59:30Z")
    assert found(httpserver, skewed) == "skewed"


@pytest.fixture
def service() -> Iterator[Any]:
    with served("sim/uniform", batch_seconds=1000) as server:
        yield server


def test_batches_of_one_process_are_not_taken_for_each_other(service: Any) -> None:
    async def work(backend: Any) -> tuple[list[str], list[str | None]]:
        ids = [await backend.submit([prompt(name)], Settings(), name) for name in ("ab", "cd")]
        return ids, [await backend.find(name, [prompt(name)], SINCE, []) for name in ("ab", "cd", "ef")]

    ids, names = with_backend(service.url, work)
    assert names == [*ids, None]


def test_a_batch_known_as_another_is_not_taken_for_this_one(service: Any) -> None:
    async def handed_in(backend: Any) -> list[str]:
        return [await backend.submit([prompt(name)], Settings(), name) for name in ("ab", "cd")]

    first, second = with_backend(service.url, handed_in)
    for known, left in (([first], second), ([second], first), ([first, second], None)):
        found = with_backend(service.url, lambda backend, known=known: backend.find("m", [prompt()], SINCE, known))
        assert found == left
