"""What surveying a local model costs: culturesim against other ways to have the same numbers, in one run.

SmolLM2-135M in single precision (its packaged weights, dequantised) is asked 40 items as 10 people in 2 option orders;
each way of asking in a process of its own, with all cores. Shown are prompts per second (loading left out), tokens put
through the model against the distinct ones, peak memory, the largest difference of an option label's probability to
one prompt at a time, and the share of the arithmetic limit: what the distinct tokens' matrix products would take at the
rate this machine multiplies matrices. lm-evaluation-harness is installed under ``.bench/``.

    python bench/local_models.py [--personas 10] [--ways culturesim,padded,…]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BENCH = HERE.parent / ".bench"
MODEL = BENCH / "smollm2-float32"
PATIENCE = 3_600.0
ITEMS = ("m*", "A008", "A165", "E018", "E025")  # 36 and 4


@dataclass(frozen=True)
class Way:
    """A way to ask: its script, and the packages of its own environment (none: ours)."""

    name: str
    script: str
    packages: tuple[str, ...] = ()


WAYS = {
    "one": Way("one prompt at a time (`generate`)", "one_at_a_time.py"),
    "padded": Way("padded batches of 8", "padded.py"),
    "cached": Way("cached prefixes, batches of 8", "cached_prefixes.py"),
    "lm_eval": Way("lm-evaluation-harness", "lm_eval_client.py", ("torch==2.13.0", "lm_eval[hf]")),
    "llamacpp": Way("llama.cpp server, prompt cache, Q4_1", "llamacpp_client.py"),
    "culturesim": Way("culturesim (rendered, parsed, stored)", "culturesim_client.py"),
}


def dense_model() -> None:
    """Saves the packaged weights in single precision, as the others read them."""
    if (MODEL / "config.json").exists():
        return
    import transformers

    from culturesim.backends.base import Options
    from culturesim.backends.hf_weights import load_weights

    weights = load_weights("smollm2", Options(dtype="float32"))
    # A model loaded from GGUF refuses to be saved, so its numbers go into one that was not.
    config = weights.model.config.to_dict()
    config.pop("quantization_config", None)
    plain = transformers.LlamaForCausalLM(transformers.LlamaConfig(**config))
    plain.load_state_dict(weights.model.state_dict())
    plain.save_pretrained(MODEL)
    weights.tokenizer.save_pretrained(MODEL)


def export(study: Mapping[str, Any], to: Path) -> int:
    """Writes the questions in the order of shared beginnings; returns the number of their distinct tokens."""
    import transformers

    from culturesim.backends.hf_words import Words
    from culturesim.backends.token_tree import TokenTree
    from culturesim.library import Library
    from culturesim.prepare import prepare
    from culturesim.study import make_study

    prepared = prepare(make_study(**study), Library())
    tokenizer = transformers.AutoTokenizer.from_pretrained(MODEL)
    words = Words(tokenizer, ())
    tree = TokenTree()
    with to.open("w", encoding="utf-8") as file:
        for trial in prepared.design.trials("grouped"):
            prompt = prepared.renderer.render(trial)
            tokens = words.prompt(prompt)
            labels = words.trie(prompt.options)
            for path in labels.children:
                tree.add([*tokens, *path])
            options = [[path for path, place in labels.ends.items() if place == n] for n in range(labels.n_options)]
            text = tokenizer.decode(tokens)
            place = (trial.item, trial.persona, trial.option_order)
            row = {"id": trial.id, "place": place, "tokens": tokens, "text": text, "options": options}
            file.write(json.dumps(row) + "\n")
    return len(tree)


def interpreter(key: str) -> str:
    """The Python that runs a way, after installing what it needs."""
    if not WAYS[key].packages:
        return sys.executable
    venv = BENCH / "venvs" / f"local-{key}"
    if not (venv / ".installed").exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        for package in WAYS[key].packages:
            subprocess.run([venv / "bin" / "python", "-m", "pip", "install", "--quiet", package], check=True)
        (venv / ".installed").touch()
    return str(venv / "bin" / "python")


def run(key: str, questions: Path, *more: str) -> dict[str, Any]:
    """One way's figures and answers."""
    command = [interpreter(key), WAYS[key].script, str(MODEL), str(questions), *more]
    done = subprocess.run(command, cwd=HERE / "local_clients", capture_output=True, text=True, timeout=PATIENCE,
                          check=False)  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"prompts"')]
    if done.returncode or not lines:
        raise RuntimeError(f"{key} failed: {(done.stderr.strip() or done.stdout.strip())[-2000:]}")
    figures: dict[str, Any] = json.loads(lines[-1])
    return figures


def matmul_rate() -> float:
    """Floating-point operations per second of a large single-precision matrix product, the best of many."""
    import torch

    a, b = torch.randn(1536, 1536), torch.randn(1536, 1536)
    best = 0.0
    for _ in range(20):
        began = time.perf_counter()
        a @ b
        best = max(best, 2 * 1536**3 / (time.perf_counter() - began))
    return best


def operations(unique: int, prompts: int) -> float:
    """Of the matrix products that the distinct tokens need: every layer once, the vocabulary once a prompt."""
    config = json.loads((MODEL / "config.json").read_text())
    width, inner, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    keys = width * config["num_key_value_heads"] // config["num_attention_heads"]
    layer = 2 * width * width + 2 * width * keys + 3 * width * inner
    return 2.0 * (unique * layers * layer + prompts * width * config["vocab_size"])


def apart(answers: Mapping[str, Mapping[str, float]], reference: Mapping[str, Mapping[str, float]],
          questions: Sequence[Mapping[str, Any]], *, by_option: bool) -> float:  # fmt: skip
    """The largest difference of a probability to the reference's, of a label's token or of an option."""
    worst = 0.0
    for question in questions:
        known = reference[question["id"]]
        for name, found in answers[question["id"]].items():
            ways = [",".join(map(str, path)) for path in question["options"][int(name)]] if by_option else [name]
            worst = max(worst, abs(found - sum(known[way] for way in ways)))
    return worst


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--personas", type=int, default=10)
    parser.add_argument("--ways", default=",".join(WAYS))
    chosen = parser.parse_args()
    ways = chosen.ways.split(",")
    study = {
        "questionnaires": ["mfq2", "iw10"], "items": ITEMS, "languages": ["en"], "elicitation": "probabilities",
        "personas": {"pool": "world", "n": chosen.personas}, "include_none": False,
        "option_orders": ["printed", "reversed"],
    }  # fmt: skip
    for key in ways:
        interpreter(key)
    dense_model()
    from culturesim.backends.packaged import packaged_weights

    more = {"llamacpp": (str(packaged_weights("smollm2", "smollm2")),), "culturesim": (json.dumps(study),)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "questions.jsonl")
        unique = export(study, path)
        questions = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        print(f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}, {os.cpu_count()} cores")
        print(f"{len(questions)} prompts, {unique:,} distinct tokens of {sum(len(q['tokens']) for q in questions):,}")
        limit = matmul_rate()
        needed = operations(unique, len(questions))
        print(f"matrix products at {limit / 1e9:.0f} GFLOP/s; {needed / 1e12:.1f} TFLOP are needed\n")
        print("| way | prompts/s | tokens computed per distinct token | peak memory MB | largest difference |"
              " share of the limit |\n|---|---|---|---|---|---|")  # fmt: skip
        rates, reference = {}, {}
        for key in ways:
            figures = run(key, path, *more.get(key, ()))
            reference = reference or figures["answers"]
            worst = apart(figures["answers"], reference, questions, by_option=key == "culturesim")
            rates[key] = len(questions) / figures["seconds"]
            share = needed / limit / figures["seconds"]
            print(f"| {WAYS[key].name} | {rates[key]:.2f} | {figures['tokens'] / unique:.3f} | "
                  f"{figures['peak_mb']:.0f} | {worst:.1e} | {share:.0%} |", flush=True)  # fmt: skip
        if "culturesim" in rates:
            others = [f"{rates['culturesim'] / rate:.1f} × {WAYS[key].name}" for key, rate in rates.items()]
            print(f"\nculturesim's prompts/s: {', '.join(others[:-1])}")


if __name__ == "__main__":
    main()
