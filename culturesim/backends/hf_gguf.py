"""What transformers leaves out of a tokenizer from a GGUF file: how text is split before anything is merged."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

DIGIT_BY_DIGIT = frozenset({"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"})
"""Names of splits (``tokenizer.ggml.pre``) that take digits one by one, then words as GPT-2 does (llama.cpp)."""

AS_GPT2 = frozenset({"", "default", "gpt-2"})
"""Names of the split that transformers takes where it knows none."""


def mend_split(tokenizer: PreTrainedTokenizerBase, split: str) -> str:
    """Has byte-level text split as the file says; returns a remark where nobody here knows how that is.

    Without it "٧٦" and the space before it merge into tokens that the model has hardly ever seen there.
    """
    from tokenizers import pre_tokenizers

    inner = getattr(tokenizer, "backend_tokenizer", None)
    if (
        split in AS_GPT2
        or inner is None
        or not isinstance(inner.pre_tokenizer, pre_tokenizers.ByteLevel | pre_tokenizers.Sequence)
    ):
        return ""
    if split in DIGIT_BY_DIGIT:
        inner.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
        return ""
    if split in _known_to_transformers():
        return ""
    return f"the file splits text as {split!r}, which transformers does not know: llama.cpp may read prompts otherwise"


def _known_to_transformers() -> frozenset[str]:
    try:
        from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS
    except ImportError:
        return frozenset()
    return frozenset(GGUF_PRE_TOKENIZER_SPLITS)
