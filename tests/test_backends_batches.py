from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from culturesim.backends import load
from culturesim.errors import BatchError, BatchLostError
from culturesim.prepare import Prepared
from culturesim.records import Prompt, Settings
from culturesim.serve import Responder, served

Make = Callable[..., Prepared]
KEY = "sk-planted-0123456789"


@pytest.fixture(params=["openai", "anthropic"])
def provider(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(f"{request.param.upper()}_API_KEY", KEY)
    return str(request.param)


@pytest.fixture
def prompts(prepared: Make) -> list[Prompt]:
    study = prepared(model="openai/served", languages=("en", "ar"))
    return [study.renderer.render(trial) for trial in study.design.trials()]


def with_backend(provider: str, url: str, work: Callable[[Any], Any]) -> Any:
    async def run() -> Any:
        backend = load(f"{provider}/served", base_url=url)
        try:
            return await work(backend)
        finally:
            await backend.close()

    return asyncio.run(run())


async def all_of(backend: Any, batch: str, prompts: list[Prompt]) -> dict[str, Any]:
    asked = {prompt.trial.id: prompt for prompt in prompts}
    return {completion.trial_id: completion async for completion in backend.results(batch, asked)}


def test_a_batch_is_handed_in_found_and_answered(provider: str, prompts: list[Prompt]) -> None:
    async def work(backend: Any) -> Any:
        batch = await backend.submit(prompts, Settings(), "mark-1")
        since = datetime.now(UTC) - timedelta(minutes=1)
        other = prompts[:-1]  # what marks a batch is the mark at OpenAI, and the requests at Anthropic
        found = [await backend.find("mark-1", prompts, since, []), await backend.find("mark-2", other, since, [])]
        return batch, found, await backend.state(batch), await all_of(backend, batch, prompts)

    with served("sim/uniform", batch_seconds=0) as server:
        batch, found, state, told = with_backend(provider, server.url, work)
    assert found == [batch, None]
    assert (state.ended, state.total, state.done) == (True, 24, 24)
    respond = Responder("sim/uniform")
    assert {trial: completion.text for trial, completion in told.items()} == {
        p.trial.id: respond.reply(p.system, p.user, p.trial.seed % 2**31 if provider == "openai" else None).text
        for p in prompts
    }
    assert all(completion.tokens_in > 50 for completion in told.values())


def test_faults_of_single_calls_are_theirs_and_unreached_ones_are_left_out(
    provider: str, prompts: list[Prompt]
) -> None:
    async def work(backend: Any) -> Any:
        batch = await backend.submit(prompts, Settings(), "m")
        return await backend.state(batch), await all_of(backend, batch, prompts)

    with served("sim/uniform", batch_seconds=0, faults=["500:0.2", "quota:0.2", "expired:0.2"]) as server:
        state, told = with_backend(provider, server.url, work)
    kinds = [completion.error.kind if completion.error else "" for completion in told.values()]
    assert state.message == {"openai": "expired", "anthropic": "ended"}[provider]
    assert set(kinds) == {"", "server", {"openai": "quota", "anthropic": "rate_limit"}[provider]}
    assert len(kinds) < 24


def test_a_batch_under_way_has_not_ended(provider: str, prompts: list[Prompt]) -> None:
    async def work(backend: Any) -> Any:
        batch = await backend.submit(prompts, Settings(), "m")
        before = await backend.state(batch)
        await backend.cancel(batch)
        return before.ended, (await backend.state(batch)).ended, await all_of(backend, batch, prompts)

    with served("sim/uniform", batch_seconds=1000) as server:
        assert with_backend(provider, server.url, work) == (False, True, {})


def test_a_service_that_is_not_there_may_be_later(provider: str, prompts: list[Prompt]) -> None:
    with pytest.raises(BatchError, match="cannot reach") as error:
        with_backend(provider, "http://127.0.0.1:9/v1", lambda backend: backend.submit(prompts, Settings(), "m"))
    assert error.value.passing


def test_a_refused_batch_is_told_without_the_key(provider: str, prompts: list[Prompt], httpserver: Any) -> None:
    path = {"openai": "/v1/files", "anthropic": "/v1/messages/batches"}[provider]
    httpserver.expect_request(path).respond_with_json({"error": {"message": f"bad key {KEY}"}}, status=401)
    with pytest.raises(BatchError, match="answered 401") as error:
        with_backend(provider, httpserver.url_for("/v1"), lambda backend: backend.submit(prompts, Settings(), "m"))
    assert not error.value.passing
    assert KEY not in str(error.value)


def test_a_batch_that_is_turned_down_says_why(prompts: list[Prompt], httpserver: Any) -> None:
    batch = {"id": "b", "object": "batch", "endpoint": "/v1/chat/completions", "input_file_id": "f", "status": "failed",
             "completion_window": "24h", "created_at": 0,
             "errors": {"object": "list", "data": [{"message": "line 3 is no request"}]}}  # fmt: skip
    httpserver.expect_request("/v1/batches/b").respond_with_json(batch)
    with pytest.raises(BatchLostError, match="line 3 is no request") as lost:
        with_backend("openai", httpserver.url_for("/v1"), lambda backend: backend.state("b"))
    assert lost.value.why == "refused"


def test_a_batch_without_room_may_be_handed_in_again(httpserver: Any) -> None:
    error = {"code": "token_limit_exceeded", "message": "Enqueued token limit reached for gpt in organization x."}
    batch = {"id": "b", "created_at": 0, "status": "failed", "errors": {"data": [error]}}
    httpserver.expect_request("/v1/batches/b").respond_with_json(batch)
    with pytest.raises(BatchLostError, match="Enqueued token limit") as lost:
        with_backend("openai", httpserver.url_for("/v1"), lambda backend: backend.state("b"))
    assert lost.value.why == "full"


@pytest.mark.parametrize("work", ["state", "results"])
def test_a_batch_that_the_provider_does_not_know_any_more_is_gone(provider: str, work: str, httpserver: Any) -> None:
    async def asked(backend: Any) -> Any:
        return await backend.state("b") if work == "state" else await all_of(backend, "b", [])

    path = {"openai": "/v1/batches/b", "anthropic": "/v1/messages/batches/b"}[provider]
    httpserver.expect_request(path).respond_with_json({"error": {"message": "no such batch"}}, status=404)
    with pytest.raises(BatchLostError, match="no such batch") as lost:
        with_backend(provider, httpserver.url_for("/v1"), asked)
    assert lost.value.why == "gone"


def test_a_page_that_was_not_found_says_nothing_of_the_batch(provider: str, httpserver: Any) -> None:
    path = {"openai": "/v1/batches/b", "anthropic": "/v1/messages/batches/b"}[provider]
    httpserver.expect_request(path).respond_with_data("<p>No page</p>", 404, content_type="text/html")
    with pytest.raises(BatchError, match="answered 404") as error:
        with_backend(provider, httpserver.url_for("/v1"), lambda backend: backend.state("b"))
    assert not isinstance(error.value, BatchLostError)
