"""llama.cpp's server in this process, from the ``xllamacpp`` wheel: ``llamacpp/FILE.gguf`` or ``llamacpp/smollm2``."""

from __future__ import annotations

import math
import os
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturesim.backends.base import (
    BASE_MODEL,
    Backend,
    Call,
    Capabilities,
    Options,
    chat_messages,
    count_at,
    excerpt,
    first_line,
    kind_of_status,
    plain_text,
    sampling_seed,
)
from culturesim.backends.gguf_header import Value, quantisation, read_header
from culturesim.backends.labels import (
    ANCHOR,
    LabelTrie,
    TokenPath,
    build_trie,
    label_logprobs,
    paths_of,
    ways_to_write,
)
from culturesim.backends.packaged import PACKAGED, fingerprint, fingerprint_of_text, packaged_weights
from culturesim.errors import BackendError, MissingPartError, UnknownNameError
from culturesim.records import Completion, Option, Prompt, Settings

if TYPE_CHECKING:
    import httpx2
    import xllamacpp

CONTEXT = 4096
"""Tokens of prompt and answer; llama.cpp lowers it to what the model was trained on."""

TIMEOUT = 600.0
"""Seconds for one call: a long prompt to a big model on a CPU takes minutes."""

WHOLE_VOCABULARY = 10_000_000
"""More tokens than any vocabulary has; the server takes it for all of them."""

NEXT_TOKENS = (1_000, 8_000, WHOLE_VOCABULARY)
"""How many of the likeliest next tokens are asked for, until all wanted are there: 20 ms, 80 ms, 400 ms."""

_CERTAIN = 1000.0  # a bias, in nats, that leaves sampling no choice
_SAMPLERS = ["temperature", "top_p"]  # the study's settings alone, without llama.cpp's own top-k and min-p


def create(name: str, options: Options) -> Backend:
    """The backend of ``llamacpp/NAME``: finds the weights and starts the server, which takes about a second."""
    weights = find_weights(name)
    header = read_header(weights)
    key = secrets.token_hex(16)
    timeout = TIMEOUT if options.timeout is None else options.timeout
    return LlamaCpp(name, weights, header, start_server(weights, key), key, timeout)


def find_weights(name: str) -> Path:
    """The GGUF file that ``name`` is the path or the packaged name of."""
    if name in PACKAGED:
        return packaged_weights(name, f"llamacpp/{name}")
    path = Path(name).expanduser()
    if not path.is_file():
        if "/" in name or path.suffix == ".gguf":
            raise BackendError(f"llamacpp/{name}: no such file; give the path of a GGUF file")
        raise UnknownNameError("packaged model", name, PACKAGED, hint="or give the path of a GGUF file")
    return path


def start_server(weights: Path, key: str) -> xllamacpp.Server:
    """A server on a free loopback port that answers to ``key`` only; it stops when it is let go of."""
    try:
        import xllamacpp
    except ModuleNotFoundError as error:
        raise MissingPartError("llamacpp/… needs the package xllamacpp: pip install 'culturesim[llamacpp]'") from error
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.n_parallel, params.n_ctx = 1, CONTEXT
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = _cores()
    params.swa_full = True  # else models with sliding windows keep nothing of what prompts share
    params.cache_ram_mib = 0  # the one slot keeps what prompts share; more would grow by gigabytes
    # Half-precision attention rounds a prompt differently by how much of it was cached: up to 0.4 nats in the tails.
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    params.api_keys, params.ui, params.endpoint_slots = [key], False, False
    params.verbosity = -1
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        raise BackendError(
            f"llama.cpp cannot load {weights}: damaged, too big for the memory, or newer than this xllamacpp "
            "(pip install -U xllamacpp)"
        ) from error


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class _Next:
    """Natural-log probabilities of next tokens by id, and the first reply, which tells what the prompt took."""

    logprobs: dict[int, float]
    reply: dict[str, Any]


class LlamaCpp:
    """One model in this process, asked one prompt at a time.

    The prompt goes through the model's own chat template, with thinking turned off where the template knows it; a base
    model, which has none, continues it as plain text.
    """

    capabilities = Capabilities(
        option_probabilities=True, batch_size=1, max_concurrency=1, seedable=True, local=True, simulated=False
    )

    def __init__(
        self, name: str, weights: Path, header: Mapping[str, Value], server: xllamacpp.Server, key: str, timeout: float
    ) -> None:
        import httpx2

        self.name = f"llamacpp/{name}"
        self._weights, self._header = weights, header
        self._model = weights.name
        self._server: xllamacpp.Server | None = server
        self._client = httpx2.AsyncClient(
            base_url=server.listening_address,
            headers={"authorization": f"Bearer {key}"},
            timeout=timeout,
            trust_env=False,  # a proxy of the environment has no business on loopback
        )
        # Without a template of the model's own, llama.cpp's chat would put ChatML around the prompt and not say so.
        self._template = str(header.get("tokenizer.chat_template", ""))
        self._anchor: TokenPath = ()
        self._spelled: dict[str, frozenset[TokenPath]] = {}

    @cached_property
    def details(self) -> Mapping[str, str]:
        """What exactly answers: software, weights, precision, template."""
        from importlib.metadata import version

        return {
            "runtime": f"xllamacpp {version('xllamacpp')}", "scoring": "prompt cache in single precision",
            "weights": fingerprint([self._weights]), "quantisation": quantisation(self._header),
            "template": fingerprint_of_text(self._template) if self._template else "none",
        }  # fmt: skip

    @property
    def remarks(self) -> Sequence[str]:
        """What a user should know before trusting the answers."""
        return [] if self._template else [BASE_MODEL]

    async def complete(self, prompts: Sequence[Prompt], settings: Settings) -> list[Completion]:
        """One completion per prompt, asked in their order, so that prompts share what they begin with."""
        return [await self._ask(prompt, settings) for prompt in prompts]

    async def close(self) -> None:
        """Stop the server and free the weights."""
        await self._client.aclose()
        self._server = None

    async def _ask(self, prompt: Prompt, settings: Settings) -> Completion:
        import httpx2

        call = Call.start(prompt, self._model)
        try:
            if prompt.trial.by_probabilities:
                return await self._probabilities(call)
            return await self._choice(call, settings)
        except httpx2.HTTPStatusError as error:
            too_long = "exceed_context_size" in error.response.text
            kind = "too_long" if too_long else kind_of_status(error.response.status_code)
            return call.failed(kind, _said(error.response))
        except httpx2.TimeoutException:
            return call.failed("timeout", f"{self.name} did not answer in {self._client.timeout.read} s")
        except httpx2.TransportError as error:
            return call.failed("connection", f"the server of {self.name} is gone: {error!r}")

    async def _choice(self, call: Call, settings: Settings) -> Completion:
        body = {
            "prompt": await self._prompt_tokens(call.prompt),
            "n_predict": settings.max_tokens,
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "samplers": _SAMPLERS,
            "seed": sampling_seed(call.prompt),
            "cache_prompt": True,
        }
        reply = await self._post("/completion", body)
        finish_reason = "length" if reply["stop_type"] == "limit" else "stop"
        text = reply["content"] if self._template else first_line(reply["content"])
        return call.done(text, finish_reason=finish_reason, **_usage(reply))

    async def _probabilities(self, call: Call) -> Completion:
        """Exact probabilities of the options: the next tokens at each branching of their labels."""
        prompt = await self._prompt_tokens(call.prompt)
        self._anchor = self._anchor or await self._tokenize(ANCHOR)
        try:
            trie = await self._trie(call.prompt.options)
        except ValueError as error:
            return call.failed("bad_request", f"{self.name} cannot tell the options apart: {error}; ask by choice")
        asked = {path: await self._next(prompt, path, trie.children[path]) for path in trie.inner_paths()}
        usage = _usage(asked[()].reply) | {"tokens_out": len(asked)}
        logprobs = label_logprobs(trie, lambda path: asked[path].logprobs)
        return call.done(None, finish_reason="probabilities", option_logprobs=logprobs, **usage)

    async def _next(self, prompt: list[int], path: TokenPath, wanted: Collection[int]) -> _Next:
        """The likeliest next tokens after ``prompt`` and ``path``, as many as it takes to have those wanted."""
        # llama.cpp tells nothing of a token that ends inside a character, so we have it sample one that does not: the
        # probabilities it reports are those before any bias.
        whole = [[self._anchor[-1], _CERTAIN]]
        body = {"prompt": [*prompt, *path], "n_predict": 1, "temperature": 0, "logit_bias": whole, "cache_prompt": True}
        replies = []
        for n_tokens in NEXT_TOKENS:
            replies.append(await self._post("/completion", body | {"n_probs": n_tokens}))
            logprobs = _top_logprobs(replies[-1])
            if all(token in logprobs for token in wanted):
                break
        return _Next(logprobs, replies[0])

    async def _trie(self, options: Sequence[Option]) -> LabelTrie:
        return build_trie(
            [[path for spelling in option.spellings for path in await self._paths(spelling)] for option in options]
        )

    async def _paths(self, spelling: str) -> frozenset[TokenPath]:
        """The token paths of a spelling as the first words of an answer."""
        if spelling not in self._spelled:
            paths: frozenset[TokenPath] = frozenset()
            for text in ways_to_write(spelling):
                paths |= paths_of(await self._tokenize(text), await self._tokenize(ANCHOR + text), self._anchor)
            self._spelled[spelling] = paths
        return self._spelled[spelling]

    async def _tokenize(self, text: str) -> TokenPath:
        reply = await self._post("/tokenize", {"content": text, "add_special": False})
        return tuple(reply["tokens"])

    async def _prompt_tokens(self, prompt: Prompt) -> list[int]:
        text = plain_text(prompt)
        if self._template:
            template = {"messages": chat_messages(prompt), "chat_template_kwargs": {"enable_thinking": False}}
            text = (await self._post("/apply-template", template))["prompt"]
        body = {"content": text, "add_special": True, "parse_special": bool(self._template)}
        tokens: list[int] = (await self._post("/tokenize", body))["tokens"]
        return tokens

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        response = await self._client.post(path, json=body)
        response.raise_for_status()
        reply: dict[str, Any] = response.json()
        return reply


def _top_logprobs(reply: dict[str, Any]) -> dict[int, float]:
    """The next tokens of a reply by id. llama.cpp adds in single precision: a whole vocabulary may come to 1.0002."""
    logprobs = {entry["id"]: entry["logprob"] for entry in reply["completion_probabilities"][0]["top_logprobs"]}
    excess = math.log(max(1.0, math.fsum(map(math.exp, logprobs.values()))))
    return {token: logprob - excess for token, logprob in logprobs.items()}


def _usage(reply: dict[str, Any]) -> dict[str, int | None]:
    return {
        "tokens_in": count_at(reply, "tokens_evaluated"),
        "tokens_out": count_at(reply, "tokens_predicted"),
        "tokens_cached": count_at(reply, "timings", "cache_n"),
    }


def _said(response: httpx2.Response) -> str:
    return f"llama.cpp answered {response.status_code}: {excerpt(response.text, 300)}"
