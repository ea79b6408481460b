"""Tiny random models of several shapes, saved as a user's folder would be, with a byte-level tokenizer of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + TEMPLATE
DATED = "Today is {{ strftime_now('%d %B %Y') }}." + TEMPLATE
MARKS = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
SMALL = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "max_position_embeddings": 4096}
GROUPED = SMALL | {"num_key_value_heads": 2, "intermediate_size": 64}

SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("LlamaConfig", GROUPED),
    "qwen3": ("Qwen3Config", GROUPED | {"head_dim": 8}),
    "gemma3": ("Gemma3TextConfig", GROUPED | {
        "head_dim": 8, "sliding_window": 40, "query_pre_attn_scalar": 8,
        "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
    }),
    "mistral": ("MistralConfig", GROUPED | {"sliding_window": 40}),
    "gpt2": ("GPT2Config", {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 4096}),
    "bloom": ("BloomConfig", {"hidden_size": 32, "n_layer": 3, "n_head": 4}),
    "mamba": ("MambaConfig", {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 4}),
}  # fmt: skip


def save_tokenizer(folder: Path, template: str | None = TEMPLATE) -> int:
    """A tokenizer of bytes, in which "10" is two tokens; returns the size of its vocabulary."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytes_ = Tokenizer(models.BPE(vocab={mark: place for place, mark in enumerate([*MARKS, *alphabet])}, merges=[]))
    bytes_.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bytes_.decoder = decoders.ByteLevel()
    bytes_.add_special_tokens(MARKS)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bytes_, eos_token="<|end|>")
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    return len(tokenizer)


def save_model(folder: Path, shape: str, template: str | None = TEMPLATE, **changed: Any) -> Path:
    """A model of a shape with random weights, large enough that attention tells."""
    import torch
    import transformers

    name, settings = SHAPES[shape]
    size = save_tokenizer(folder, template)
    given = settings | {"vocab_size": size, "eos_token_id": 0, "bos_token_id": None, "pad_token_id": None} | changed
    config = getattr(transformers, name)(**given)
    torch.manual_seed(7)
    model = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for weights in model.parameters():
            if weights.ndim > 1:
                weights.normal_(0, 0.3)
    model.generation_config.eos_token_id = 0
    model.save_pretrained(folder)
    return folder
