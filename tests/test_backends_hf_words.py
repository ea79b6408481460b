"""What a tokenizer and its chat template make of prompts, labels and answers."""

from dataclasses import replace

import pytest

from culturesim.errors import BackendError
from culturesim.records import Option, Prompt, Trial
from tests.tiny_models import DATED, NO_SYSTEM, TEMPLATE, save_tokenizer

transformers = pytest.importorskip("transformers", reason="needs the extra hf: pip install 'culturesim[hf]'")

from culturesim.backends.hf_words import Words  # noqa: E402

DROPS_SYSTEM = "{% for message in messages if message.role != 'system' %}<|user|>{{ message.content }}{% endfor %}"
TRIAL = Trial("cd" * 16, "iw10", "1", "god", "en", "none", "form", 0, "printed", 0, "probabilities", 7)
ASKED = Prompt(TRIAL, "You are Ana.", "How much?", ())


@pytest.fixture
def words(tmp_path):
    def words(template=TEMPLATE):
        save_tokenizer(tmp_path, template)
        return Words(transformers.AutoTokenizer.from_pretrained(tmp_path), {0})

    return words


def said(words, prompt=ASKED):
    return words._tokenizer.decode(words.prompt(prompt))


def test_a_chat_model_gets_its_template(words):
    assert said(words()) == "<|system|>You are Ana.<|end|><|user|>How much?<|end|><|assistant|>"
    assert said(words(), replace(ASKED, system="")) == "<|user|>How much?<|end|><|assistant|>"


@pytest.mark.parametrize("template", [NO_SYSTEM, DROPS_SYSTEM])
def test_a_system_message_that_would_be_refused_or_lost_is_folded_in(words, template):
    assert "<|user|>You are Ana.\n\nHow much?" in said(words(template))


def test_a_template_that_tells_the_date_tells_the_same_one(words):
    assert said(words(DATED)).startswith("Today is 26 July 2024.")


def test_a_template_that_takes_no_question_is_an_error(words):
    with pytest.raises(BackendError, match="takes no single user message"):
        words("{{ raise_exception('no') }}")


def test_a_base_model_gets_plain_text_and_answers_with_a_line(words):
    base = words(None)
    assert said(base) == "You are Ana.\n\nHow much?"
    tokens = base._tokenizer("\n 3, I think.\nQuestion 2")["input_ids"]
    assert base.text(tokens) == "\n 3, I think."
    assert base.said_all(tokens)
    assert not base.said_all(tokens[:8])
    assert (base.template, base.chats) == ("none", False)


def test_labels_are_spelled_with_and_without_a_space(words):
    trie = words().trie((Option(1, "1", "", ("1",)), Option(2, "10", "", ("10",))))
    written = {words()._tokenizer.decode(path): option for path, option in trie.ends.items()}
    assert written == {"1": 0, " 1": 0, "10": 1, " 10": 1}


def test_labels_that_share_a_spelling_cannot_be_told_apart(words):
    with pytest.raises(ValueError, match="options 1 and 2"):
        words().trie((Option(1, "1", "", ("1",)), Option(2, "1", "", ("1",))))
