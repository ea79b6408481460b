"""A key goes to its server and nowhere else."""

from __future__ import annotations

import json
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
    error = {"error": {"message": f"wrong key {key}", "type": key, "code": key}}
    openai = {"model": key, "choices": [ANSWER], "usage": {"prompt_tokens": 9, "completion_tokens": 1}}
    anthropic = {"type": "message", "content": [{"type": "text", "text": f"3 {KEY}"}], "stop_reason": "end_turn"}
    body = error if status >= 400 else {**anthropic, **openai}
    return Response(json.dumps(body), status, {"x-request-id": key}, mimetype="application/json")


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


@pytest.mark.parametrize("url", ["http://me:secretkey@localhost:1/v1", "http://localhost:1/v1?api_key=secretkey"])
def test_a_key_in_an_address_is_refused_and_not_repeated(
    url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["survey", "openai/x", "--base-url", url, "--db", str(tmp_path / "survey.duckdb")]) == 1
    out, err = capfd.readouterr()
    assert "secretkey" not in out + err
    assert not (tmp_path / "survey.duckdb").exists()
