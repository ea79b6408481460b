"""Models of transformers in this process: ``hf/ID``, ``hf/FOLDER``, ``hf/FILE.gguf`` or ``hf/smollm2``."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from culturesim.backends.base import BASE_MODEL, Backend, Call, Capabilities, Options, sampling_seed
from culturesim.backends.hf_engines import Engine
from culturesim.backends.hf_probe import Chosen, choose_engine
from culturesim.backends.hf_sample import Growing, sample
from culturesim.backends.hf_score import Scored, score
from culturesim.backends.hf_weights import Weights, load_weights
from culturesim.backends.hf_words import Words
from culturesim.backends.packaged import fingerprint
from culturesim.records import Completion, Prompt, Settings

FIRST_CHUNK, LARGEST_CHUNK = 8, 512
"""Prompts at a time: at first, and at most."""

GROWTH = 4
"""How many times the chunk before it a chunk may be."""

CHUNK_SECONDS = 4.0
"""How long a chunk should take: what a Ctrl-C waits for, and what a crash may lose."""


def create(name: str, options: Options) -> Backend:
    """The backend of ``hf/NAME``: finds and loads the weights, and tries which engine is exact for them."""
    weights = load_weights(name, options)
    return HFLocal(name, weights, choose_engine(weights.model))


@dataclass(slots=True)
class _Asked:
    """A prompt under way, as it is scored or as its answer grows; ``done`` once that is over."""

    call: Call
    work: Scored | Growing | None = None
    done: Completion | None = None


class _HaltedError(Exception):
    """Nobody waits for the chunk any more."""


class HFLocal:
    """One model in this process, asked a chunk of prompts at a time."""

    def __init__(self, name: str, weights: Weights, chosen: Chosen) -> None:
        self.name = f"hf/{name}"
        self._weights, self._chosen = weights, chosen
        self._words = Words(weights.tokenizer, weights.ends)
        self._halted = threading.Event()
        self._chunk = FIRST_CHUNK
        for engine in (chosen.engine, chosen.plain):
            engine.on_pack = self._go_on

    @property
    def capabilities(self) -> Capabilities:
        """What it can do; the chunks it wants grow until they take some seconds."""
        return Capabilities(
            option_probabilities=True, batch_size=self._chunk, max_concurrency=1, seedable=True, local=True,
            simulated=False,
        )  # fmt: skip

    @cached_property
    def details(self) -> Mapping[str, str]:
        """What exactly answers: software, weights, precision, template."""
        import torch
        import transformers

        model, source = self._weights.model, self._weights.source
        told = {
            "runtime": f"transformers {transformers.__version__}, torch {torch.__version__}",
            "device": _device_name(model.device),
            "dtype": str(model.dtype).removeprefix("torch."),
            "weights": fingerprint(source.weights),
            "quantisation": f"{source.packing}, dequantised" if source.packing else "",
            "commit": source.commit,
            "template": self._words.template,
            "scoring": self._chosen.remark or "prefix tree",
        }
        return {name: value for name, value in told.items() if value}

    @property
    def remarks(self) -> Sequence[str]:
        """What a user should know before trusting the answers."""
        base = "" if self._words.chats else BASE_MODEL
        return [remark for remark in (self._weights.remark, self._chosen.remark, base) if remark]

    @property
    def computed(self) -> int:
        """Tokens put through the model so far."""
        return self._chosen.engine.computed + (
            self._chosen.plain.computed if self._chosen.plain is not self._chosen.engine else 0
        )

    async def complete(self, prompts: Sequence[Prompt], settings: Settings) -> list[Completion]:
        """One completion per prompt; whatever they begin with in common is computed once."""
        self._halted.clear()
        try:
            return await asyncio.to_thread(self._complete, prompts, settings)
        except asyncio.CancelledError:
            self._halted.set()
            raise

    async def close(self) -> None:
        """End what is under way at the next pack; the weights go when the backend does."""
        self._halted.set()

    def _go_on(self) -> None:
        if self._halted.is_set():
            raise _HaltedError

    def _complete(self, prompts: Sequence[Prompt], settings: Settings) -> list[Completion]:
        began = time.perf_counter()
        asked = [self._ready(prompt, settings) for prompt in prompts]
        for engine, part in self._parts(asked):
            self._in_memory(engine, part, settings)
        seconds = time.perf_counter() - began
        self._aim(len(prompts), seconds)
        # The chunk was one piece of work: each of its prompts gets its share.
        return [replace(each.done, seconds=seconds / len(prompts)) for each in asked if each.done]

    def _aim(self, count: int, seconds: float) -> None:
        """The next chunk is to take some seconds; it grows by steps, since the first ones share less and are slow."""
        if count >= self._chunk:
            wanted = int(count * CHUNK_SECONDS / max(seconds, 1e-3))
            self._chunk = max(1, min(wanted, GROWTH * self._chunk, LARGEST_CHUNK))

    def _ready(self, prompt: Prompt, settings: Settings) -> _Asked:
        asked = _Asked(Call.start(prompt, self.name.removeprefix("hf/")))
        tokens = self._words.prompt(prompt)
        room = settings.max_tokens
        if prompt.trial.by_probabilities:
            try:
                trie = self._words.trie(prompt.options)
            except ValueError as error:
                said = f"{self.name} cannot tell the options apart: {error}; ask by choice"
                asked.done = asked.call.failed("bad_request", said)
                return asked
            room = max(map(len, trie.ends))
            asked.work = Scored(tokens, trie)
        else:
            asked.work = Growing(tokens, sampling_seed(prompt))
        context = self._weights.context
        if context is not None and len(tokens) + room > context:
            said = f"{len(tokens)} tokens and {room} for the answer pass the {context} that {self.name} takes"
            asked.done = asked.call.failed("too_long", said)
        return asked

    def _parts(self, asked: Sequence[_Asked]) -> Iterator[tuple[Engine, list[_Asked]]]:
        """The prompts by the engine that is exact for them and by what is asked of it."""
        chosen = self._chosen
        parts: dict[tuple[bool, bool], list[_Asked]] = {}
        for each in asked:
            if each.work is not None and each.done is None:
                long = chosen.longest is not None and len(each.work.tokens) > chosen.longest
                parts.setdefault((long, isinstance(each.work, Scored)), []).append(each)
        for (long, _), part in parts.items():
            yield chosen.plain if long else chosen.engine, part

    def _in_memory(self, engine: Engine, part: Sequence[_Asked], settings: Settings) -> None:
        """Has prompts answered, all at once or as many at a time as the memory holds."""
        try:
            self._answer(engine, part, settings)
        except MemoryError as error:
            engine.forget()
            if len(part) == 1:
                said = f"{self.name} needs more memory than there is: {error}"
                part[0].done = part[0].call.failed("too_long", said)
                return
            half = len(part) // 2
            self._in_memory(engine, part[:half], settings)
            self._in_memory(engine, part[half:], settings)

    def _answer(self, engine: Engine, part: Sequence[_Asked], settings: Settings) -> None:
        score(engine, [each.work for each in part if isinstance(each.work, Scored)])
        answers = [each.work for each in part if isinstance(each.work, Growing)]
        sample(engine, answers, settings, self._words.ends, self._words.said_all)
        for each in part:
            each.done = self._closed(each.call, each.work)

    def _closed(self, call: Call, work: Scored | Growing | None) -> Completion | None:
        if work is None:
            return None
        usage = {"tokens_in": len(work.tokens), "tokens_cached": work.shared}
        if isinstance(work, Growing):
            said = self._words.text(work.said)
            return call.done(said, finish_reason=work.finish, tokens_out=len(work.said), **usage)
        looked_at = len(work.trie.children)
        return call.done(
            None, finish_reason="probabilities", option_logprobs=work.logprobs, tokens_out=looked_at, **usage
        )


def _device_name(device: object) -> str:
    import torch

    named = torch.device(str(device))
    return f"{named} ({torch.cuda.get_device_name(named)})" if named.type == "cuda" else str(named)
