"""Models of transformers, tiny and random, against the plain model asked one prompt at a time."""

import asyncio
import math
from dataclasses import replace

import pytest

from culturesim.backends import load
from culturesim.backends.labels import label_logprobs
from culturesim.backends.token_tree import TokenTree
from culturesim.records import Settings
from culturesim.study import Draw
from tests.tiny_models import NO_SYSTEM, SHAPES, save_model

torch = pytest.importorskip("torch", reason="needs the extra hf: pip install 'culturesim[hf]'")
pytest.importorskip("transformers", reason="needs the extra hf: pip install 'culturesim[hf]'")

IN_A_TREE = ("llama", "qwen3", "gemma3", "mistral", "gpt2")
PLAINLY = ("bloom", "mamba")
EXACT = 1e-4


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Backends by shape, made and loaded once."""
    loaded = {}

    def model(shape):
        if shape not in loaded:
            loaded[shape] = load(f"hf/{save_model(tmp_path_factory.mktemp(shape), shape)}")
        return loaded[shape]

    return model


@pytest.fixture
def prompts(prepared):
    """Prompts of a small study: an item on a scale to 10 and one on a scale to 5, as oneself and as one person."""

    def make(elicitation="probabilities", languages=("en",), repeats=1, items=("F063", "m01"), **factors):
        study = prepared(
            questionnaires=("iw10", "mfq2"), items=items, languages=languages, repeats=repeats,
            personas=Draw(pool="world", n=1), elicitation=elicitation, **factors,
        )  # fmt: skip
        return [study.renderer.render(trial) for trial in study.design.trials("grouped")]

    return make


def ask(backend, prompts, **settings):
    return asyncio.run(backend.complete(prompts, Settings(**settings)))


def masses(completion):
    assert completion.error is None, completion.error
    return [math.exp(logprob) for logprob in completion.option_logprobs]


def one_at_a_time(backend, prompt):
    """The options' probabilities from the whole vocabulary after each branching, each computed from the first token."""
    words, model = backend._words, backend._weights.model
    tokens = words.prompt(prompt)

    def following(path):
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([[*tokens, *path]]), use_cache=False).logits[0, -1]
        return dict(enumerate(logits.double().log_softmax(-1).tolist()))

    return [math.exp(logprob) for logprob in label_logprobs(words.trie(prompt.options), following)]


def unique_tokens(backend, prompts):
    """Tokens of the tree of all prompts and of the branchings of their labels."""
    tree = TokenTree()
    for prompt in prompts:
        end = tree.add(backend._words.prompt(prompt))
        for path in backend._words.trie(prompt.options).children:
            tree.add(path, below=end)
    return len(tree)


@pytest.mark.parametrize("language", ["en", "es", "zh", "ar"])
@pytest.mark.parametrize("shape", SHAPES)
def test_probabilities_are_those_of_the_plain_model(models, prompts, shape, language):
    backend, asked = models(shape), prompts(languages=(language,))
    for prompt, completion in zip(asked, ask(backend, asked), strict=True):
        assert masses(completion) == pytest.approx(one_at_a_time(backend, prompt), abs=EXACT)


@pytest.mark.parametrize("shape", IN_A_TREE)
def test_each_distinct_prefix_is_computed_once(models, prompts, shape):
    backend, asked = models(shape), prompts(items=("m0*", "F063"))
    before = backend.computed
    for start in range(0, len(asked), 5):  # what chunks have in common is not computed again either
        ask(backend, asked[start : start + 5])
    assert backend.computed - before <= 1.02 * unique_tokens(backend, asked)
    assert backend.remarks == []


@pytest.mark.parametrize("shape", PLAINLY)
def test_what_cannot_be_a_tree_is_asked_plainly_and_says_so(models, shape):
    backend = models(shape)
    assert "each prompt from its beginning on" in backend.remarks[0]
    assert backend.details["scoring"] == backend.remarks[0]


def test_ten_takes_two_tokens_here(models, prompts):
    (asked,) = [p for p in prompts(include_none=False, option_orders=("printed",)) if p.trial.item == "F063"]
    trie = models("llama")._words.trie(asked.options)
    assert {len(path) for path, option in trie.ends.items() if asked.options[option].code == 10} == {2, 3}


def test_order_and_company_change_nothing(models, prompts):
    backend, asked = models("gemma3"), prompts(items=("m0*",))
    together = {c.trial_id: masses(c) for c in ask(backend, asked)}
    for prompt in reversed(asked):
        (alone,) = ask(backend, [prompt])
        assert masses(alone) == pytest.approx(together[prompt.trial.id], abs=1e-6)


def test_the_same_prompt_twice_is_computed_once(models, prompts):
    backend, (asked, *_) = models("llama"), prompts()
    ask(backend, [asked])
    before = backend.computed
    first, second = ask(backend, [asked, asked])
    assert masses(first) == masses(second)
    assert backend.computed - before <= 12  # the answer's place and the branchings of "10"


@pytest.mark.parametrize("shape", ["llama", "gemma3", "mamba"])
def test_a_sample_is_the_trials_own(models, prompts, shape):
    backend, asked = models(shape), prompts("choice", repeats=4, items=("m01",), option_orders=("printed",))
    together = [completion.text for completion in ask(backend, asked, max_tokens=6)]
    alone = [ask(backend, [prompt], max_tokens=6)[0].text for prompt in asked]
    assert together == alone
    assert len(set(together)) > 1


def test_repeats_share_one_prompt(models, prompts):
    backend = models("llama")
    asked = prompts("choice", repeats=30, items=("m01",), option_orders=("printed",), include_none=False)
    before = backend.computed
    completions = ask(backend, asked, max_tokens=4)
    assert backend.computed - before <= len(backend._words.prompt(asked[0])) + 30 * 4
    assert sum(c.tokens_in - c.tokens_cached for c in completions) <= len(backend._words.prompt(asked[0]))


def test_samples_are_spread_as_the_model_says(models, prompts):
    backend = models("llama")
    (asked,) = prompts("choice", items=("m01",), option_orders=("printed",), include_none=False)
    with torch.inference_mode():
        logits = backend._weights.model(input_ids=torch.tensor([backend._words.prompt(asked)])).logits[0, -1]
    words = [token for token in range(len(logits)) if backend._words.text([token]).isalnum()]
    likeliest = max(words, key=lambda token: logits[token])
    seeds = [replace(asked, trial=replace(asked.trial, seed=seed)) for seed in range(400)]
    found = [completion.text for completion in ask(backend, seeds, max_tokens=1)]
    share = sum(text == backend._words.text([likeliest]) for text in found) / len(found)
    expected = float(logits.softmax(-1)[likeliest])
    assert share == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / 400))


def test_greedy_answers_are_the_models_own(models, prompts):
    backend = models("qwen3")
    (asked,) = prompts("choice", items=("m01",), option_orders=("printed",), include_none=False)
    tokens = torch.tensor([backend._words.prompt(asked)])
    generated = backend._weights.model.generate(tokens, max_new_tokens=12, do_sample=False, pad_token_id=0)
    (completion,) = ask(backend, [asked], temperature=0.0, max_tokens=12)
    assert completion.text == backend._words.text(generated[0, tokens.shape[1] :].tolist())
    assert completion.finish_reason == ("stop" if completion.tokens_out < 12 else "length")


def test_a_study_of_both_kinds_comes_back_in_order(models, prompts):
    asked = prompts(items=("F063", "Y002_goals"))
    completions = ask(models("llama"), asked, max_tokens=3)
    assert [c.trial_id for c in completions] == [p.trial.id for p in asked]
    assert {p.trial.elicitation: c.text is None for p, c in zip(asked, completions, strict=True)} == {
        "probabilities": True, "choice": False,
    }  # fmt: skip


def test_a_prompt_too_long_is_an_error_of_its_own(tmp_path, prompts):
    backend = load(f"hf/{save_model(tmp_path, 'llama', max_position_embeddings=700)}")
    asked = prompts(include_none=True, items=("m01",), option_orders=("printed",))
    alone, person = ask(backend, sorted(asked, key=lambda prompt: prompt.size))
    assert alone.error is None
    assert (person.error.kind, person.option_logprobs) == ("too_long", None)


def out_of_memory(limit):
    """A hook that has memory for so many tokens at once, as a small GPU would."""

    def hook(module, args, kwargs):
        if kwargs["input_ids"].numel() > limit:
            raise torch.OutOfMemoryError("CUDA out of memory")

    return hook


@pytest.mark.parametrize("shape", ["llama", "bloom"])
def test_out_of_memory_halves_and_goes_on(tmp_path, prompts, shape):
    backend, asked = load(f"hf/{save_model(tmp_path, shape)}"), prompts(items=("m01", "m02"))
    expected = [masses(completion) for completion in ask(backend, asked)]
    limit = 20 if shape == "llama" else max(len(backend._words.prompt(prompt)) for prompt in asked) + 8
    backend._weights.model.register_forward_pre_hook(out_of_memory(limit), with_kwargs=True)
    found = [masses(completion) for completion in ask(backend, asked)]
    assert [pytest.approx(each, abs=1e-6) for each in expected] == found


def test_where_no_token_fits_the_trial_is_an_error(tmp_path, prompts):
    backend, asked = load(f"hf/{save_model(tmp_path, 'llama')}"), prompts(items=("m01",))
    backend._weights.model.register_forward_pre_hook(out_of_memory(0), with_kwargs=True)
    completions = ask(backend, asked)
    assert {completion.error.kind for completion in completions} == {"too_long"}
    assert len(completions) == len(asked)


def test_a_template_without_system_role_gets_all_in_one_message(tmp_path, prompts):
    backend = load(f"hf/{save_model(tmp_path, 'llama', NO_SYSTEM)}")
    person = next(prompt for prompt in prompts() if prompt.system)
    said = backend._words._tokenizer.decode(backend._words.prompt(person))
    assert said == f"<|user|>{person.system}\n\n{person.user}<|end|><|assistant|>"


def test_chunks_grow_with_the_pace(models, prompts):
    backend, asked = models("llama"), prompts(items=("m0*",))
    backend._chunk = 2
    ask(backend, asked[:2])
    assert backend.capabilities.batch_size == 8


def test_a_run_given_up_leaves_the_model_at_the_next_pack(models, prompts):
    backend, asked = models("llama"), prompts(items=("m0*",))

    async def given_up():
        task = asyncio.create_task(backend.complete(asked, Settings()))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(given_up())
    assert [masses(c) for c in ask(backend, asked)]
