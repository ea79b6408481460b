import asyncio
import json
import math
import socket
from threading import Event

import pytest
from werkzeug import Response

from culturesim.backends import load
from culturesim.backends.headers import retry_after
from culturesim.backends.openai_api import request_body, token_logprobs
from culturesim.errors import BackendError
from culturesim.records import FATAL_ERRORS, TRANSIENT_ERRORS, Option, Prompt, Settings, Trial

CHAT = "/v1/chat/completions"
USAGE = {"prompt_tokens": 20, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 16}}


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def prompt(elicitation="choice", system="You are a teacher.", seed=7):
    trial = Trial("ab" * 16, "iw10", "1", "god", "en", "p1", "plain", 0, "printed", 0, elicitation, seed)
    options = tuple(Option(code, str(code), "", (str(code),)) for code in (1, 2, 10))
    return Prompt(trial, system, "How important?", options)


def reply(content="2", **choice):
    choices = [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}} | choice]
    return {"id": "x", "object": "chat.completion", "model": "tiny-2026", "choices": choices, "usage": USAGE}


def ask(server, *prompts, model="openai/tiny", path="/v1", timeout=5.0, settings=None):
    url = server if isinstance(server, str) else server.url_for(path)

    async def asked():
        backend = load(model, base_url=url, timeout=timeout)
        try:
            return await backend.complete(prompts or [prompt()], settings or Settings())
        finally:
            await backend.close()

    return asyncio.run(asked())


def error_of(server, **respond):
    server.expect_request(CHAT).respond_with_data(**respond)
    (completion,) = ask(server)
    assert completion.text is None
    assert completion.trial_id == "ab" * 16
    return completion.error


def test_a_sampled_answer(httpserver):
    httpserver.expect_request(CHAT).respond_with_json(reply())
    (completion,) = ask(httpserver)
    assert (completion.text, completion.model, completion.finish_reason) == ("2", "tiny-2026", "stop")
    assert (completion.tokens_in, completion.tokens_out, completion.tokens_cached) == (20, 1, 16)
    assert completion.error is None
    assert completion.seconds > 0
    assert completion.started.endswith("+00:00")


def test_the_request_carries_settings_seed_and_messages(httpserver):
    httpserver.expect_request(CHAT).respond_with_json(reply())
    ask(httpserver, prompt(seed=2**40 + 5), settings=Settings(temperature=0.5, top_p=0.9, max_tokens=8))
    sent = httpserver.log[0][0].get_json()
    messages = [{"role": "system", "content": "You are a teacher."}, {"role": "user", "content": "How important?"}]
    assert sent == {
        "model": "tiny", "messages": messages, "temperature": 0.5, "top_p": 0.9, "max_tokens": 8, "seed": 5,
    }  # fmt: skip


def test_probabilities_ask_for_the_models_own(httpserver):
    httpserver.expect_request(CHAT).respond_with_json(reply())
    ask(httpserver, prompt("probabilities"), settings=Settings(temperature=0.2, top_p=0.5))
    sent = httpserver.log[0][0].get_json()
    assert (sent["temperature"], sent["top_p"], sent["logprobs"], sent["top_logprobs"]) == (1, 1, True, 20)
    assert 1 < sent["max_tokens"] <= 3


def test_an_empty_system_message_is_left_out():
    body = request_body("tiny", prompt(system=""), Settings(), openai_itself=False)
    assert [message["role"] for message in body["messages"]] == ["user"]


def test_openai_itself_is_told_the_bound_in_its_own_word():
    body = request_body("tiny", prompt(), Settings(max_tokens=9), openai_itself=True)
    assert body["max_completion_tokens"] == 9
    assert "max_tokens" not in body


def test_the_sampled_token_comes_first(httpserver):
    top = [{"token": "1", "logprob": -0.2, "bytes": [49]}, {"token": "2", "logprob": -1.5, "bytes": [50]}]
    position = top[1] | {"top_logprobs": top}
    httpserver.expect_request(CHAT).respond_with_json(reply(logprobs={"content": [position]}))
    (completion,) = ask(httpserver, prompt("probabilities"))
    assert completion.token_logprobs == ((("2", -1.5), ("1", -0.2)),)
    assert completion.option_logprobs is None


@pytest.mark.parametrize("logprobs", [None, {}, {"content": None}, {"content": []}, {"content": [{"token": "2"}]}])
def test_missing_logprobs_leave_the_text(httpserver, logprobs):
    httpserver.expect_request(CHAT).respond_with_json(reply(logprobs=logprobs))
    (completion,) = ask(httpserver, prompt("probabilities"))
    assert (completion.text, completion.token_logprobs, completion.error) == ("2", None, None)


def test_a_position_without_alternatives_is_kept():
    choice = {"logprobs": {"content": [{"token": "2", "logprob": -0.5}]}}
    assert token_logprobs(choice) == ((("2", -0.5),),)


def test_no_content_is_no_text(httpserver):
    httpserver.expect_request(CHAT).respond_with_json(reply(None, finish_reason="content_filter"))
    (completion,) = ask(httpserver)
    assert (completion.text, completion.finish_reason, completion.error) == (None, "content_filter", None)


@pytest.mark.parametrize("content", [None, ""])
def test_a_refusal_is_text_and_marked(httpserver, content):
    message = {"role": "assistant", "content": content, "refusal": "I can't answer that."}
    httpserver.expect_request(CHAT).respond_with_json(reply(message=message))
    (completion,) = ask(httpserver)
    assert (completion.text, completion.finish_reason) == ("I can't answer that.", "refusal")


def test_usage_may_be_missing(httpserver):
    httpserver.expect_request(CHAT).respond_with_json({**reply(), "usage": None})
    (completion,) = ask(httpserver)
    assert (completion.text, completion.tokens_in, completion.tokens_out, completion.error) == ("2", None, None, None)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, "auth"), (403, "auth"), (404, "not_found"), (400, "bad_request"), (422, "bad_request"), (402, "quota"),
     (408, "timeout"), (429, "rate_limit"), (500, "server"), (503, "overloaded"), (529, "overloaded")],
)  # fmt: skip
def test_statuses_become_kinds(httpserver, status, kind):
    body = '{"error": {"message": "no such luck", "code": "x"}}'
    error = error_of(httpserver, response_data=body, status=status, content_type="application/json")
    assert error.kind == kind
    assert error.kind in FATAL_ERRORS | TRANSIENT_ERRORS
    assert f"answered {status}: no such luck" in error.message


def test_nothing_is_asked_twice(httpserver):
    error_of(httpserver, response_data="{}", status=500)
    assert len(httpserver.log) == 1


def test_retry_after_is_passed_on(httpserver):
    assert error_of(httpserver, response_data="{}", status=429, headers={"Retry-After": "7"}).retry_after == 7


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({}, None), ({"retry-after": "1.5"}, 1.5), ({"retry-after-ms": "20", "retry-after": "1"}, 0.02),
     ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0), ({"retry-after": "soon"}, None),
     ({"retry-after": "inf"}, None)],
)  # fmt: skip
def test_retry_after_in_its_forms(headers, seconds):
    assert retry_after(headers) == seconds


def test_no_quota_left_is_not_a_rate_limit(httpserver):
    body = '{"error": {"message": "You have no credit.", "code": "insufficient_quota"}}'
    assert error_of(httpserver, response_data=body, status=429, content_type="application/json").kind == "quota"


@pytest.mark.parametrize("told", [{"code": "context_length_exceeded"}, {"type": "exceed_context_size_error"}])
def test_a_prompt_too_long_is_not_every_prompt(httpserver, told):
    body = json.dumps({"error": {"message": "too many tokens", **told}})
    assert error_of(httpserver, response_data=body, status=400, content_type="application/json").kind == "too_long"


@pytest.mark.parametrize("code", ["content_filter", "invalid_prompt"])
def test_a_filtered_prompt_is_a_refusal_and_no_error(httpserver, code):
    body = {"error": {"message": "flagged", "code": code}}
    httpserver.expect_request(CHAT).respond_with_json(body, status=400)
    (completion,) = ask(httpserver)
    assert (completion.text, completion.finish_reason, completion.error) == (None, "content_filter", None)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [("<html><body>Welcome</body></html>", "text/html"), ('{"choices": [', "application/json"),
     ('{"choices": []}', "application/json"), ('{"choices": [{"message": {"content": 3}}]}', "application/json"),
     ('{"error": "overloaded"}', "application/json"), ("[1]", "application/json"), ("", "text/plain")],
)  # fmt: skip
def test_another_shape_is_a_protocol_error(httpserver, body, content_type):
    error = error_of(httpserver, response_data=body, content_type=content_type)
    assert error.kind == "protocol"
    assert body[:80] in error.message
    assert content_type in error.message


@pytest.mark.parametrize(("code", "kind"), [(502, "server"), (429, "rate_limit"), (403, "auth")])
def test_an_error_told_under_200_is_of_its_own_kind(httpserver, code, kind):
    httpserver.expect_request(CHAT).respond_with_json({"error": {"code": code, "message": "no luck upstream"}})
    error = ask(httpserver)[0].error
    assert error.kind == kind
    assert f"answered {code}: no luck upstream" in error.message


@pytest.mark.parametrize(("status", "kind"), [(200, "protocol"), (404, "not_found")])
def test_a_base_url_without_v1_is_suspected(httpserver, status, kind):
    httpserver.expect_request("/chat/completions").respond_with_data("<p>Hello</p>", status, content_type="text/html")
    (completion,) = ask(httpserver, path="")
    assert completion.error.kind == kind
    assert "--base-url likely lacks /v1: try http://" in completion.error.message


def test_a_hanging_server_times_out(httpserver):
    released = Event()

    def hang(request):
        released.wait(10)
        return Response("late")

    httpserver.expect_request(CHAT).respond_with_handler(hang)
    (completion,) = ask(httpserver, timeout=0.2)
    released.set()
    assert completion.error.kind == "timeout"
    assert "0.2 s" in completion.error.message


def test_a_refused_connection():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        (completion,) = ask(url)
    assert completion.error.kind == "connection"
    assert url in completion.error.message


def test_a_dropped_connection():
    async def asked():
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        async with server:
            backend = load("tiny", base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
            completions = await backend.complete([prompt()], Settings())
            await backend.close()
        return completions

    assert asyncio.run(asked())[0].error.kind == "connection"


def test_the_key_comes_from_the_environment_and_stays_out_of_messages(httpserver, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret\n")
    body = '{"error": {"message": "bad key sk-secret"}}'
    error = error_of(httpserver, response_data=body, status=401, content_type="application/json")
    assert httpserver.log[0][0].headers["Authorization"] == "Bearer sk-secret"
    assert "sk-secret" not in error.message
    assert "OPENAI_API_KEY" in error.message


def test_a_stand_in_for_a_key_hides_no_words(httpserver, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    body = '{"error": {"message": "context exceeded"}}'
    assert "context exceeded" in error_of(httpserver, response_data=body, status=400).message


def test_a_local_server_needs_no_key(httpserver):
    httpserver.expect_request(CHAT).respond_with_json(reply())
    assert ask(httpserver)[0].text == "2"


def test_without_key_and_base_url_nothing_is_loaded():
    with pytest.raises(BackendError, match="OPENAI_API_KEY"):
        load("openai/gpt-4.1-mini")


def test_a_base_url_needs_its_scheme():
    with pytest.raises(BackendError, match="http://"):
        load("tiny", base_url="localhost:8000/v1")


def test_several_prompts_keep_their_order(httpserver):
    httpserver.expect_request(CHAT).respond_with_handler(
        lambda request: Response(json.dumps(reply(str(request.get_json()["seed"]))), mimetype="application/json")
    )
    assert [c.text for c in ask(httpserver, *(prompt(seed=seed) for seed in range(8)))] == list("01234567")


def test_minus_infinity_is_a_logprob():
    choice = {"logprobs": {"content": [{"token": "2", "logprob": -math.inf, "top_logprobs": []}]}}
    assert token_logprobs(choice) == ((("2", -math.inf),),)
