from __future__ import annotations

import json
import math
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from typing import Any

import anthropic
import openai
import pytest

from culturesim.errors import BackendError, StudyError
from culturesim.parse import parse
from culturesim.prepare import Prepared
from culturesim.records import Completion
from culturesim.serve import Fault, Responder, served
from culturesim.serve.faults import Faults
from culturesim.study import Draw

Make = Callable[..., Prepared]
QUESTION = "How important is this to you?\n\n1 = not at all\n2 = a little\n3 = very\n\nItem: the sea"


def post(url: str, body: object) -> tuple[int, Any, Any]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request) as reply:
            return reply.status, json.load(reply), reply.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error), error.headers


def chat(user: str = QUESTION, **others: Any) -> dict[str, Any]:
    return {"model": "served", "messages": [{"role": "user", "content": user}]} | others


# What it says


@pytest.mark.parametrize("keys", ["numbers", "letters"])
@pytest.mark.parametrize("frame", ["form", "interview", "completion"])
def test_it_reads_every_prompt_of_ours_in_every_language(prepared: Make, keys: str, frame: str) -> None:
    study = prepared(battery="quick", languages=("en", "es", "zh", "ar"), keys=keys, frames=(frame,))
    respond = Responder("sim/uniform")
    for trial in study.design.trials():
        prompt = study.renderer.render(trial)
        read = respond._read(prompt.user)
        assert read
        assert [(option.code, option.key) for option in read.options] == [(o.code, o.key) for o in prompt.options]
        said = respond.reply(prompt.system, prompt.user, trial.seed)
        told = Completion(trial.id, said.text, "served", "", 0.0)
        assert parse(prompt, told, study.lexicons[trial.language]).status == "valid", said


@pytest.mark.parametrize("form", ["{k} = {l}", "{k}. {l}", "{k}) {l}", "({k}) {l}", "{k}: {l}", "[{k}] {l}", "{k}"])
@pytest.mark.parametrize("marks", ["123", "ABC"])
def test_it_reads_the_usual_ways_to_list_options(form: str, marks: str) -> None:
    lines = [form.format(k=mark, l=label) for mark, label in zip(marks, ("yes", "no", "perhaps"), strict=True)]
    assert Responder("sim/first-option").reply("", "\n".join(["Is it so?", *lines])).text[0] == marks[0]


def test_the_same_words_and_seed_bring_the_same_answer() -> None:
    one, other = Responder("sim/uniform"), Responder("sim/uniform")
    for seed in (None, *range(20)):
        assert one.reply("You are Ann.", QUESTION, seed) == other.reply("You are Ann.", QUESTION, seed)
    assert len({one.reply("", QUESTION, seed).text[0] for seed in range(50)}) == 3


def test_a_country_answers_in_any_language_as_its_figures_say(prepared: Make) -> None:
    study = prepared(questionnaires=("iw10",), items=("F063",), languages=("en", "ar"), repeats=200)
    respond, said = Responder("sim/country:SE"), []
    for trial in study.design.trials():
        prompt = study.renderer.render(trial)
        told = Completion(trial.id, respond.reply(prompt.system, prompt.user, trial.seed).text, "", "", 0.0)
        said.append(parse(prompt, told, study.lexicons[trial.language]).codes[0])
    assert 1 < sum(said) / len(said) < 5  # the importance of God in Sweden, from 1 to 10


def test_portraits_are_recognised_whatever_the_gender(prepared: Make) -> None:
    """Keys go by place and codes by label, so only an item that is known turns round with its list."""
    draw = Draw(pool="roles", n=6)
    study = prepared(questionnaires=("pvq21",), items=("p06",), personas=draw, option_orders=("reversed",))
    respond = Responder("sim/uniform")
    for trial in study.design.trials():
        prompt = respond._read(study.renderer.render(trial).user)
        assert prompt is not None
        assert (prompt.trial.item, [option.code for option in prompt.options]) == ("p06", [6, 5, 4, 3, 2, 1])


def test_chatter_gets_no_number() -> None:
    assert Responder("sim/uniform").reply("", "Good morning!").text == "I do not see any options to choose from."


def test_only_simulated_respondents_are_served() -> None:
    with pytest.raises(BackendError, match="sim/uniform"):
        Responder("openai/gpt-4.1")


# Protocols, as the SDKs see them


def test_openais_sdk_is_answered() -> None:
    with served("sim/first-option") as server:
        client = openai.OpenAI(base_url=server.url, api_key="any", max_retries=0)
        reply = client.chat.completions.create(**chat(logprobs=True, top_logprobs=5, seed=1))
        client.close()
    assert reply.choices[0].message.content
    assert reply.choices[0].message.content[0] == "1"
    assert reply.usage
    top = reply.choices[0].logprobs.content[0].top_logprobs
    assert len(top) == 5
    assert math.exp(top[0].logprob) == pytest.approx(0.98)


def test_anthropics_sdk_is_answered() -> None:
    with served("sim/first-option") as server:
        client = anthropic.Anthropic(base_url=server.anthropic_url, api_key="any", max_retries=0)
        reply = client.messages.create(**chat(max_tokens=9))
        client.close()
    assert (reply.content[0].text[0], reply.stop_reason) == ("1", "end_turn")


@pytest.mark.parametrize(("path", "body"), [("/v1/chat/completions", {}), ("/v1/messages", chat())])
def test_a_bad_request_is_told_as_one(path: str, body: dict[str, Any]) -> None:
    with served("sim/uniform") as server:
        status, told, _ = post(server.anthropic_url + path, body)
    assert (status, told["error"]["type"]) == (400, "invalid_request_error")


def test_openais_batches_are_answered_and_listed() -> None:
    entry = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": chat(seed=3)}
    with served("sim/uniform", batch_seconds=0) as server:
        client = openai.OpenAI(base_url=server.url, api_key="any", max_retries=0)
        file = client.files.create(file=("b.jsonl", json.dumps(entry).encode()), purpose="batch")
        made = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h",
                                     metadata={"mark": "x"})  # fmt: skip
        done = client.batches.retrieve(made.id)
        line = json.loads(client.files.content(done.output_file_id or "").text)
        listed = [batch.metadata for batch in client.batches.list()]
        client.close()
    assert (done.status, line["custom_id"], listed) == ("completed", "a", [{"mark": "x"}])
    said = Responder("sim/uniform").reply("", QUESTION, 3).text
    assert line["response"]["body"]["choices"][0]["message"]["content"] == said


def test_anthropics_batches_are_answered_and_listed() -> None:
    with served("sim/uniform", batch_seconds=0) as server:
        client = anthropic.Anthropic(base_url=server.anthropic_url, api_key="any", max_retries=0)
        made = client.messages.batches.create(requests=[{"custom_id": "a", "params": chat(max_tokens=5)}])
        (result,) = list(client.messages.batches.results(made.id))
        listed = [batch.id for batch in client.messages.batches.list()]
        client.close()
    assert (result.custom_id, result.result.type, listed) == ("a", "succeeded", [made.id])
    assert result.result.message.content[0].text == Responder("sim/uniform").reply("", QUESTION).text


# Faults


def test_faults_hit_their_share_of_calls() -> None:
    faults = Faults([Fault.parse("429:0.05:0.2"), Fault.parse("stall:0.01")])
    hits = Counter(fault.kind for call in range(20_000) if (fault := faults.of(call)))
    assert 850 < hits["429"] < 1150
    assert 150 < hits["stall"] < 250


@pytest.mark.parametrize("text", ["429", "429:2", "what:0.1", "429:0.1:-1", "429:x", "429:0.1:1:1"])
def test_a_fault_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(StudyError, match="KIND:SHARE"):
        Fault.parse(text)


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [("429:1:0.5", 429, "rate_limit_error"), ("500:1", 500, "api_error"), ("529:1", 529, "overloaded_error"),
     ("auth:1", 401, "authentication_error")],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_a_fault_of_status_is_told_in_the_protocol(fault: str, status: int, kind: str, path: str) -> None:
    with served("sim/uniform", faults=[fault]) as server:
        found, body, headers = post(server.anthropic_url + path, chat(max_tokens=5))
        assert server.stats()["faults"] == {fault.partition(":")[0]: 1}
    assert (found, body["error"]["type"]) == (status, kind)
    if status == 429:
        assert headers["retry-after"] == "0.5"


def test_faults_of_the_connection_and_of_the_body() -> None:
    with served("sim/uniform", faults=["reset:1"]) as server, pytest.raises((urllib.error.URLError, ConnectionError)):
        post(server.url + "/chat/completions", chat())
    with served("sim/uniform", faults=["malformed:1"]) as server, pytest.raises(json.JSONDecodeError):
        post(server.url + "/chat/completions", chat())
    with served("sim/uniform", faults=["slow:1:0.05"]) as server:
        assert post(server.url + "/chat/completions", chat())[0] == 200


def test_truncated_logprobs_are_two() -> None:
    with served("sim/uniform", faults=["truncated-logprobs:1"]) as server:
        _, body, _ = post(server.url + "/chat/completions", chat(logprobs=True, top_logprobs=20))
    assert len(body["choices"][0]["logprobs"]["content"][0]["top_logprobs"]) == 2


def test_a_limit_per_minute_is_kept_and_told() -> None:
    with served("sim/uniform", rpm=60) as server:
        replies = [post(server.url + "/chat/completions", chat()) for _ in range(3)]
    assert [status for status, _, _ in replies][:2] == [200, 429]
    assert replies[0][2]["x-ratelimit-limit-requests"] == "60"
    assert 0 < float(replies[1][2]["retry-after"]) <= 1


def test_a_stall_does_not_keep_the_server_from_ending() -> None:
    broken: list[OSError] = []

    def ask(url: str) -> None:
        try:
            post(url, chat())
        except OSError as error:
            broken.append(error)

    with served("sim/uniform", faults=["stall:1:30"]) as server:
        caller = threading.Thread(target=ask, args=(server.url + "/chat/completions",))
        caller.start()
        while not server.stats()["in_flight"]:
            time.sleep(0.01)
    caller.join()
    assert broken
