import asyncio
import json
import math
import socket
from threading import Event

import openai
import pytest
from werkzeug import Response

from culturesim.backends import load
from culturesim.backends.headers import retry_after
from culturesim.backends.openai_api import token_logprobs
from culturesim.errors import BackendError
from culturesim.records import FATAL_ERRORS, TRANSIENT_ERRORS, Allowance, Option, Prompt, Settings, Trial

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


def test_an_empty_system_message_is_left_out(httpserver):
    httpserver.expect_request(CHAT).respond_with_json(reply())
    ask(httpserver, prompt(system=""))
    assert [message["role"] for message in httpserver.log[0][0].get_json()["messages"]] == ["user"]


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


@pytest.mark.parametrize(("delay", "seconds"), [("17s", 17.0), ("2.5s", 2.5), ("soon", None), (None, None)])
def test_a_wait_may_be_told_among_the_details_of_an_error(httpserver, delay, seconds):
    details = [{"@type": "type.googleapis.com/google.rpc.Help"}, {"retryDelay": delay}]
    body = json.dumps([{"error": {"code": 429, "message": "RESOURCE_EXHAUSTED", "details": details}}])
    error = error_of(httpserver, response_data=body, status=429, content_type="application/json")
    assert (error.kind, error.retry_after) == ("rate_limit", seconds)


def test_no_quota_left_is_not_a_rate_limit(httpserver):
    body = '{"error": {"message": "You have no credit.", "code": "insufficient_quota"}}'
    assert error_of(httpserver, response_data=body, status=429, content_type="application/json").kind == "quota"


@pytest.mark.parametrize("told", [{"code": "context_length_exceeded"}, {"type": "exceed_context_size_error"}])
def test_a_prompt_too_long_is_not_every_prompt(httpserver, told):
    body = json.dumps({"error": {"message": "too many tokens", **told}})
    assert error_of(httpserver, response_data=body, status=400, content_type="application/json").kind == "too_long"


@pytest.mark.parametrize(
    "told",
    ["This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
     "the request exceeds the available context size, try increasing it", "prompt is too long: 9000 tokens",
     "Requested tokens exceed context window of 512", "Too many tokens in prompt",
     "This model's maximum prompt length is 131072 but the request contains 200000 tokens.",
     "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."],
)  # fmt: skip
def test_a_prompt_too_long_is_told_by_words_where_there_is_no_code_for_it(httpserver, told):
    body = json.dumps({"object": "error", "message": told, "type": "BadRequestError", "code": 400})
    assert error_of(httpserver, response_data=body, status=400, content_type="application/json").kind == "too_long"


def test_too_many_tokens_a_minute_are_no_prompt_too_long(httpserver):
    body = '{"error": {"message": "Too many tokens per minute"}}'
    assert error_of(httpserver, response_data=body, status=429).kind == "rate_limit"


@pytest.mark.parametrize(
    ("status", "told"),
    [(400, {"code": "content_filter"}), (400, {"code": "invalid_prompt"}),
     (403, {"code": 403, "metadata": {"reasons": ["violence"], "flagged_input": "How …", "provider_name": "x"}})],
)  # fmt: skip
def test_a_filtered_prompt_is_a_refusal_and_no_error(httpserver, status, told):
    body = {"error": {"message": "Your input was flagged", **told}}
    httpserver.expect_request(CHAT).respond_with_json(body, status=status)
    (completion,) = ask(httpserver)
    assert (completion.text, completion.finish_reason, completion.error) == (None, "content_filter", None)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [("<html><body>Welcome</body></html>", "text/html"), ('{"choices": [', "application/json"),
     ('{"choices": []}', "application/json"), ('{"choices": [{"message": {"content": 3}}]}', "application/json"),
     ('{"error": "overloaded"}', "application/json"), ("[1]", "application/json"), ("", "text/plain")],
)  # fmt: skip
def test_what_is_no_chat_completion_is_an_error(httpserver, body, content_type):
    error = error_of(httpserver, response_data=body, content_type=content_type)
    assert error.kind == ("malformed" if "json" in content_type else "protocol")
    assert error.passing
    assert body[:80] in error.message
    assert content_type in error.message


@pytest.mark.parametrize(("code", "kind"), [(502, "server"), (429, "rate_limit"), (403, "auth")])
def test_an_error_told_under_200_is_of_its_own_kind(httpserver, code, kind):
    httpserver.expect_request(CHAT).respond_with_json({"error": {"code": code, "message": "no luck upstream"}})
    error = ask(httpserver)[0].error
    assert error.kind == kind
    assert f"answered {code}: no luck upstream" in error.message


@pytest.mark.parametrize(
    ("error", "kind"),
    [({"code": 502, "message": "no luck upstream"}, "server"), ({"code": 429, "message": "slow down"}, "rate_limit"),
     ({"code": "bad", "message": "no"}, "server"), (None, "server")],
)  # fmt: skip
@pytest.mark.parametrize("content", ["", "2 or", None])
def test_a_choice_that_ended_in_an_error_is_a_failed_call(httpserver, error, kind, content):
    message = {"role": "assistant", "content": content}
    httpserver.expect_request(CHAT).respond_with_json(reply(finish_reason="error", error=error, message=message))
    (completion,) = ask(httpserver)
    assert (completion.text, completion.error.kind) == (None, kind)
    assert (error or {}).get("message", "") in completion.error.message


def test_a_choice_that_was_filtered_midway_is_a_refusal(httpserver):
    error = {"code": 403, "message": "flagged", "metadata": {"reasons": ["violence"]}}
    httpserver.expect_request(CHAT).respond_with_json(reply("", finish_reason="error", error=error))
    (completion,) = ask(httpserver)
    assert (completion.finish_reason, completion.error) == ("content_filter", None)


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


# Wire format


def test_calls_go_the_way_the_sdk_would_send_them(httpserver, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    httpserver.expect_request(CHAT).respond_with_json(reply())
    ask(httpserver)
    (ours, _) = httpserver.log[0]
    client = openai.OpenAI(base_url=httpserver.url_for("/v1"), max_retries=0)
    client.chat.completions.create(**ours.get_json())
    client.close()
    (theirs, _) = httpserver.log[1]
    assert (ours.path, ours.method, ours.get_json()) == (theirs.path, theirs.method, theirs.get_json())
    for name in ("Authorization", "Content-Type", "Accept", "OpenAI-Organization"):
        assert ours.headers[name] == theirs.headers[name]
    assert not [name for name in dict(ours.headers) if name.lower().startswith("x-stainless")]


def test_azure_is_asked_for_a_deployment(httpserver, monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure-0123456789")
    httpserver.expect_request("/openai/deployments/mine/chat/completions").respond_with_json(reply())
    assert ask(httpserver, model="azure/mine", path="")[0].text == "2"
    request = httpserver.log[0][0]
    assert request.headers["api-key"] == "azure-0123456789"
    assert request.args["api-version"]


def test_an_organisation_is_told_to_openai_only(httpserver, monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    httpserver.expect_request(CHAT).respond_with_json(reply())
    ask(httpserver, model="vllm/tiny")
    assert "OpenAI-Organization" not in httpserver.log[0][0].headers


@pytest.mark.parametrize("content", [[{"type": "text", "text": "2"}], [{"type": "text", "text": "2"}, {"type": "x"}]])
def test_content_may_come_in_parts(httpserver, content):
    httpserver.expect_request(CHAT).respond_with_json(reply(content))
    assert ask(httpserver)[0].text == "2"


@pytest.mark.parametrize(
    ("usage", "counts"),
    [({"prompt_tokens": 9, "completion_tokens": 80, "total_tokens": 89,
       "completion_tokens_details": {"reasoning_tokens": 70}}, (9, 80, 70)),
     ({"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 80}, (9, 71, 70)),
     ({"prompt_tokens": 9, "completion_tokens": 1}, (9, 1, None))],
)  # fmt: skip
def test_thoughts_are_counted_wherever_a_server_counts_them(httpserver, usage, counts):
    httpserver.expect_request(CHAT).respond_with_json(reply() | {"usage": usage})
    (completion,) = ask(httpserver)
    assert (completion.tokens_in, completion.tokens_out, completion.tokens_reasoning) == counts


def test_thinking_gets_room_and_effort(httpserver):
    httpserver.expect_request(CHAT).respond_with_json(reply())
    ask(httpserver, settings=Settings(effort="low", thinking=500, max_tokens=10))
    sent = httpserver.log[0][0].get_json()
    assert (sent["max_tokens"], sent["reasoning_effort"]) == (510, "low")


def test_what_is_left_of_a_limit_is_passed_on(httpserver):
    headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m30s"}
    httpserver.expect_request(CHAT).respond_with_json(reply(), headers=headers)
    assert ask(httpserver)[0].allowance == Allowance(0, None, 90.0)


def test_a_piece_of_a_character_is_told_by_its_bytes():
    choice = {"logprobs": {"content": [{"token": "\ufffd", "logprob": -1, "bytes": [0xD9]}]}}
    assert token_logprobs(choice) == ((("\\xd9", -1.0),),)


def test_positions_after_a_bad_one_are_left_out():
    choice = {"logprobs": {"content": [{"token": "2", "logprob": -1}, {"token": None}, {"token": "3", "logprob": -1}]}}
    assert token_logprobs(choice) == ((("2", -1.0),),)


# What servers refuse


def picky(httpserver, refuses):
    """A server that refuses a request with this error until ``refuses`` finds nothing wrong with it."""

    def answer(request):
        told = refuses(request.get_json())
        status, body = (200, reply()) if told is None else (400, {"error": told})
        return Response(json.dumps(body), status, mimetype="application/json")

    httpserver.expect_request(CHAT).respond_with_handler(answer)


REFUSALS = {
    "temperature": {"message": "Unsupported value: temperature does not support 1.0 here.", "param": "temperature"},
    "top_p": {"message": "`temperature` is fine but top_p: Extra inputs are not permitted", "param": "top_p"},
    "seed": {"message": "1 validation error: body.seed Extra inputs are not permitted"},
    "max_tokens": {"message": "Unsupported parameter: 'max_tokens' is not supported with this model. "
                              "Use 'max_completion_tokens' instead.", "param": "max_tokens"},
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refused_parameter_is_left_out_from_then_on(httpserver, name):
    picky(httpserver, lambda body: REFUSALS[name] if name in body else None)
    assert [completion.text for completion in ask(httpserver, *[prompt(seed=seed) for seed in range(3)])] == ["2"] * 3
    calls = len(httpserver.log)

    assert calls <= 6
    sent = httpserver.log[-1][0].get_json()
    assert name not in sent
    assert ("max_completion_tokens" in sent) == (name == "max_tokens")


def test_several_parameters_may_be_refused_one_after_another(httpserver):
    picky(httpserver, lambda body: next((REFUSALS[name] for name in REFUSALS if name in body), None))
    assert ask(httpserver)[0].text == "2"


def test_a_temperature_of_the_studys_own_is_not_dropped_in_silence(httpserver):
    picky(httpserver, lambda body: REFUSALS["temperature"] if "temperature" in body else None)
    error = ask(httpserver, settings=Settings(temperature=0.2))[0].error
    assert (error.kind, "--temperature 1" in error.message) == ("bad_request", True)


@pytest.mark.parametrize(
    "said",
    ["System role not supported", "Developer instruction is not enabled for models/gemma-3-27b-it",
     "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
     "This model does not support system messages", "Only user and assistant roles are supported!",
     "Invalid role: system"],
)  # fmt: skip
def test_a_model_without_system_role_is_told_in_the_question(httpserver, said):
    told = {"message": said}
    picky(httpserver, lambda body: told if body["messages"][0]["role"] == "system" else None)
    assert ask(httpserver)[0].text == "2"
    (message,) = httpserver.log[-1][0].get_json()["messages"]
    assert message == {"role": "user", "content": "You are a teacher.\n\nHow important?"}


@pytest.mark.parametrize(
    "said",
    ["Your request was rejected: the text is not allowed by our safety system.",
     "Your prompt is not allowed by our safety system. System messages may help."],
)  # fmt: skip
def test_a_refusal_by_some_other_system_says_nothing_of_the_role(httpserver, said):
    picky(httpserver, lambda body: {"message": said} if body["messages"][0]["role"] == "system" else None)
    assert said in ask(httpserver)[0].error.message
    assert len(httpserver.log) == 1


@pytest.mark.parametrize(("elicitation", "kind"), [("probabilities", "bad_request"), ("probabilities_or_choice", None)])
def test_refused_logprobs_are_done_without_only_where_asked_for(httpserver, elicitation, kind):
    told = {"message": "logprobs are not supported with this model", "param": "logprobs"}
    picky(httpserver, lambda body: told if "logprobs" in body else None)
    (completion,) = ask(httpserver, prompt(elicitation))
    assert (completion.error and completion.error.kind) == kind
    if kind:
        assert "--elicit choice" in completion.error.message


def test_a_lower_limit_of_reported_tokens_is_taken(httpserver):
    told = {"message": "top_logprobs must be less than or equal to 5", "param": "top_logprobs"}
    picky(httpserver, lambda body: told if body["top_logprobs"] > 5 else None)
    assert ask(httpserver, prompt("probabilities"))[0].text == "2"
    assert httpserver.log[-1][0].get_json()["top_logprobs"] == 5


def test_a_bound_that_is_too_large_teaches_no_other_word_for_it(httpserver):
    told = "'max_tokens' or 'max_completion_tokens' is too large: 4128. This model's maximum context length is 4096"
    picky(httpserver, lambda body: {"message": told})
    assert told in ask(httpserver)[0].error.message
    assert len(httpserver.log) == 1


def test_a_server_that_wants_now_this_word_and_now_that_is_not_asked_for_ever(httpserver):
    words = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
    picky(httpserver, lambda body: next({"message": f"{name} is not supported, use {words[name]}"}
                                        for name in words if name in body))  # fmt: skip
    assert ask(httpserver)[0].error.kind == "bad_request"
    assert len(httpserver.log) == 2


def test_another_bad_request_stays_one(httpserver):
    picky(httpserver, lambda body: {"message": "your messages are not to our liking"})
    assert ask(httpserver)[0].error.kind == "bad_request"
    assert len(httpserver.log) == 1


def test_models_known_to_sample_on_their_own_are_sent_no_temperature(httpserver, monkeypatch):
    httpserver.expect_request(CHAT).respond_with_json(reply())
    ask(httpserver, model="openai/o3-mini")
    assert not {"temperature", "top_p"} & set(httpserver.log[0][0].get_json())
