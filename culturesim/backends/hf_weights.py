"""Loads a causal language model and its tokenizer with transformers, on a device and in a precision."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from culturesim.backends.base import Options, excerpt
from culturesim.backends.hf_gguf import mend_split
from culturesim.backends.hf_source import Source, find_source
from culturesim.errors import BackendError, MissingPartError

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

DTYPES = ("float32", "bfloat16", "float16")


@dataclass(frozen=True, slots=True)
class Weights:
    """A model that is ready to be asked. ``ends`` are the tokens that end an answer.

    ``remark`` is what a user should know of how it was loaded.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    source: Source
    ends: frozenset[int]
    remark: str = ""

    @property
    def context(self) -> int | None:
        """Tokens that prompt and answer may have together; None where the model sets no bound."""
        bound = getattr(self.model.config, "max_position_embeddings", None)
        return bound if isinstance(bound, int) and bound > 0 else None


def load_weights(name: str, options: Options) -> Weights:
    """The model of ``hf/NAME``. Raises ``MissingPartError`` or ``BackendError`` with what to do."""
    try:
        import torch
        import transformers
    except ModuleNotFoundError as error:
        raise MissingPartError("hf/… needs transformers and torch: pip install 'culturesim[hf]'") from error
    source = find_source(name)
    device = _device(options.device)
    with _told(name, source), redirect_stderr(io.StringIO()):  # loading is a matter of seconds, and draws bars
        where: dict[str, Any] = {"trust_remote_code": options.trust_remote_code}
        where |= {"gguf_file": source.gguf} if source.gguf else {}
        # Numbers must not depend on whether a kernel for packed weights happens to be installed.
        dense = {"quantization_config": transformers.GgufConfig(dequantize=True)} if source.gguf else {}
        config = None if source.gguf else transformers.AutoConfig.from_pretrained(source.folder, **where)
        if config is not None and config.is_encoder_decoder:
            raise BackendError(f"hf/{name}: {config.model_type} has an encoder; only left-to-right models are asked")
        tokenizer = transformers.AutoTokenizer.from_pretrained(source.folder, **where)
        if not len(tokenizer):
            raise BackendError(f"hf/{name}: no tokenizer in {source.folder}")
        remark = mend_split(tokenizer, source.split) if source.gguf else ""
        dtype = _dtype(options.dtype, device, config)
        model = transformers.AutoModelForCausalLM.from_pretrained(source.folder, dtype=dtype, **dense, **where)
    model.requires_grad_(requires_grad=False).eval()  # type: ignore[no-untyped-call]
    try:
        model.to(device)  # type: ignore[arg-type]
    except torch.OutOfMemoryError as error:
        raise BackendError(f"hf/{name} does not fit into the memory of {device}: try --dtype bfloat16") from error
    return Weights(model, tokenizer, source, frozenset(_ends(model, tokenizer)), remark)


@contextmanager
def _told(name: str, source: Source) -> Iterator[None]:
    """Turns what transformers raises for files that are no model into a ``BackendError`` that says so."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        said = str(error)
        if source.gguf and "not supported" in said:
            raise BackendError(
                f"hf/{name}: transformers reads no GGUF of the architecture {source.architecture!r}; llama.cpp may: "
                f"llamacpp/{name}"
            ) from error
        if "trust_remote_code" in said:
            raise BackendError(
                f"hf/{name} brings code of its own, which is run only with --trust-remote-code; read it first"
            ) from error
        raise BackendError(
            f"hf/{name}: {source.folder / source.gguf} cannot be loaded: {excerpt(said, 300)}"
        ) from error


def _device(wanted: str) -> torch.device:
    import torch

    best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(wanted or best)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise BackendError(f"--device {wanted}: not on this machine, which has {best}") from error
    return device


def _dtype(wanted: str, device: torch.device, config: PretrainedConfig | None) -> torch.dtype:
    """Single precision on a CPU, where numbers are to be exact; on a GPU that of the checkpoint, unless told."""
    import torch

    if wanted and wanted not in DTYPES:
        raise BackendError(f"--dtype {wanted}: known are {', '.join(DTYPES)}")
    if wanted:
        return getattr(torch, wanted)  # type: ignore[no-any-return]
    own = getattr(config, "dtype", None)
    return own if device.type != "cpu" and isinstance(own, torch.dtype) else torch.float32


def _ends(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Iterable[int]:
    """End tokens: the generation settings' and the tokenizer's."""
    settings = getattr(model, "generation_config", None)
    for found in (getattr(settings, "eos_token_id", None), tokenizer.eos_token_id):
        yield from [found] if isinstance(found, int) else found or ()
