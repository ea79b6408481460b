"""How tokenizers from GGUF files split text."""

import pytest

from culturesim.backends.hf_gguf import mend_split
from tests.tiny_models import save_tokenizer

transformers = pytest.importorskip("transformers", reason="needs the extra hf: pip install 'culturesim[hf]'")
tokenizers = pytest.importorskip("tokenizers", reason="needs the extra hf: pip install 'culturesim[hf]'")


@pytest.fixture
def tokenizer(tmp_path):
    save_tokenizer(tmp_path)
    made = transformers.AutoTokenizer.from_pretrained(tmp_path)
    made.backend_tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    return made


def pieces(tokenizer, text):
    return [text[slice(*place)] for _, place in tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str(text)]


def test_digits_go_one_by_one_where_the_file_says_so(tokenizer):
    assert pieces(tokenizer, "عمر ٧٦ 10") == ["عمر", " ٧٦", " 10"]
    assert mend_split(tokenizer, "smollm") == ""
    assert pieces(tokenizer, "عمر ٧٦ 10") == ["عمر", " ", "٧", "٦", " ", "1", "0"]


@pytest.mark.parametrize("split", ["", "default", "gpt-2", "llama-bpe", "qwen2"])
def test_what_transformers_knows_is_left_to_it(tokenizer, split):
    before = pieces(tokenizer, "a 10")
    assert mend_split(tokenizer, split) == ""
    assert pieces(tokenizer, "a 10") == before


def test_a_split_that_nobody_knows_is_remarked_on(tokenizer):
    assert "splits text as 'nonesuch', which transformers does not know" in mend_split(tokenizer, "nonesuch")
