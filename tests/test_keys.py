"""A key goes to its server and nowhere else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from culturesim.cli import run

KEY = "sk-planted-0123456789abcdef"
ANSWER = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": f"3 {KEY}"}}


def parrot(request: Request, status: int = 200) -> Response:
    """Says back whatever key it was given, wherever an answer has room for it."""
    key = request.headers.get("authorization") or request.headers["x-api-key"]
    return Response(json.dumps(body_of(key, status)), status, {"x-request-id": key}, mimetype="application/json")


def body_of(key: str, status: int) -> dict[str, object]:
    """An answer of either protocol, or an error."""
    error = {"error": {"message": f"wrong key {key}", "type": key, "code": key}}
    openai = {"model": key, "choices": [ANSWER], "usage": {"prompt_tokens": 9, "completion_tokens": 1}}
    anthropic = {"type": "message", "content": [{"type": "text", "text": f"3 {KEY}"}], "stop_reason": "end_turn"}
    return error if status >= 400 else {**anthropic, **openai}


def everything(folder: Path) -> str:
    """All that is on the disk, and all that is in the store, whose file is packed."""
    found = [path.read_bytes().decode("utf-8", "replace") for path in folder.rglob("*") if path.is_file()]
    with duckdb.connect(str(folder / "survey.duckdb"), read_only=True) as connection:
        tables = [name for (name,) in connection.sql("select table_name from duckdb_tables()").fetchall()]
        found += [str(connection.sql(f'from "{table}"').fetchall()) for table in tables]
    return "\n".join(found)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize(("status", "code"), [(200, 0), (401, 1), (429, 1), (500, 1)])
def test_a_key_is_nowhere_to_be_found(
    provider: str, status: int, code: int, tmp_path: Path, httpserver: HTTPServer,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setenv(f"{provider.upper()}_API_KEY", KEY)
    for path in ("/v1/chat/completions", "/v1/messages"):
        httpserver.expect_request(path).respond_with_handler(lambda request: parrot(request, status))
    url = httpserver.url_for("/v1" if provider == "openai" else "")
    arguments = ["survey", f"{provider}/parrot", "--battery", "first", "--base-url", url]
    arguments += ["--retries", "1", "--patience", "0.2"]
    places = ["--db", str(tmp_path / "survey.duckdb"), "--report", str(tmp_path / "report"), "--json"]
    with caplog.at_level("DEBUG"):
        ended = run([*arguments, *places])
    assert httpserver.log, "the server was asked"
    out, err = capfd.readouterr()
    assert ended == code, err
    assert KEY not in everything(tmp_path) + out + err
    ours = [record.getMessage() for record in caplog.records if record.name != "werkzeug"]
    assert KEY not in "\n".join(ours)


def openais_batches(server: HTTPServer, status: int) -> None:
    """OpenAI's batches in the mouth of a parrot: the first request is answered with this status."""
    files: list[bytes] = []
    odd = {"id": "b", "created_at": 0, "status": "completed", "metadata": {"key": KEY}, "errors": KEY,
           "input_file_id": "in", "output_file_id": "out"}  # fmt: skip

    def upload(request: Request) -> Response:
        files.append(request.files["file"].read())
        return Response(json.dumps({"id": "in", "filename": KEY}), mimetype="application/json")

    def output(request: Request) -> Response:
        asked = [json.loads(line) for line in files[0].splitlines()]
        statuses = [status, *[200] * len(asked)]
        lines = [
            {"custom_id": entry["custom_id"], "response": {"status_code": each, "body": body_of(KEY, each)}}
            for each, entry in zip(statuses, asked, strict=False)
        ]
        return Response("\n".join(map(json.dumps, lines)))

    server.expect_request("/v1/files").respond_with_handler(upload)
    server.expect_request("/v1/files/in/content").respond_with_handler(lambda request: Response(files[0]))
    server.expect_request("/v1/files/out/content").respond_with_handler(output)
    for path in ("/v1/batches", "/v1/batches/b"):
        server.expect_request(path).respond_with_json(odd)


def anthropics_batches(server: HTTPServer, status: int) -> None:
    """The same of Anthropic's."""
    asked: list[str] = []
    url = server.url_for("/results")
    odd = {"id": "b", "created_at": "2026-01-01T00:00:00Z", "processing_status": "ended", "results_url": url,
           "request_counts": {"succeeded": 1}, "key": KEY}  # fmt: skip

    def create(request: Request) -> Response:
        asked.extend(entry["custom_id"] for entry in request.get_json()["requests"])
        return Response(json.dumps(odd), mimetype="application/json")

    def results(request: Request) -> Response:
        error = {"type": "errored", "error": {"error": {"type": "authentication_error", "message": f"bad {KEY}"}}}
        good = {"type": "succeeded", "message": body_of(KEY, 200)}
        lines = [{"custom_id": asked[0], "result": error if status >= 400 else good}]
        lines += [{"custom_id": name, "result": good} for name in asked[1:]]
        return Response("\n".join(map(json.dumps, lines)))

    server.expect_request("/v1/messages/batches").respond_with_handler(create)
    server.expect_request("/v1/messages/batches/b").respond_with_json(odd)
    server.expect_request("/results").respond_with_handler(results)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize(("status", "code"), [(200, 0), (400, 1), (401, 1)])
def test_a_key_is_nowhere_to_be_found_after_a_batch(
    provider: str, status: int, code: int, tmp_path: Path, httpserver: HTTPServer,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setenv(f"{provider.upper()}_API_KEY", KEY)
    {"openai": openais_batches, "anthropic": anthropics_batches}[provider](httpserver, status)
    url = httpserver.url_for("/v1" if provider == "openai" else "")
    study = ["survey", f"{provider}/parrot", "--battery", "first", "--base-url", url, "--batch"]
    with caplog.at_level("DEBUG"):
        ended = run([*study, "--db", str(tmp_path / "survey.duckdb"), "--report", str(tmp_path / "report"), "--json"])
    out, err = capfd.readouterr()
    assert ended == code, err
    found = everything(tmp_path)
    assert "3 …" in found, "answers were taken in"
    assert KEY not in found + out + err
    ours = [record.getMessage() for record in caplog.records if record.name != "werkzeug"]
    assert KEY not in "\n".join(ours)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("body", [{"error": {"message": f"wrong key {KEY}", "type": KEY, "code": KEY}}, {"odd": KEY}])
def test_a_refused_batch_does_not_tell_the_key(
    provider: str, body: dict[str, object], tmp_path: Path, httpserver: HTTPServer,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv(f"{provider.upper()}_API_KEY", KEY)
    httpserver.expect_request(re.compile("/v1/")).respond_with_json(body, status=401 if "error" in body else 200)
    url = httpserver.url_for("/v1" if provider == "openai" else "")
    study = ["survey", f"{provider}/parrot", "--battery", "first", "--base-url", url, "--batch", "--patience", "0"]
    ended = run([*study, "--db", str(tmp_path / "survey.duckdb"), "--json"])
    out, err = capfd.readouterr()
    assert ended == 1, err
    assert "…" in err
    assert KEY not in everything(tmp_path) + out + err


@pytest.mark.parametrize("url", ["http://me:secretkey@localhost:1/v1", "http://localhost:1/v1?api_key=secretkey"])
def test_a_key_in_an_address_is_refused_and_not_repeated(
    url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["survey", "openai/x", "--base-url", url, "--db", str(tmp_path / "survey.duckdb")]) == 1
    out, err = capfd.readouterr()
    assert "secretkey" not in out + err
    assert not (tmp_path / "survey.duckdb").exists()
