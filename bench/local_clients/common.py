"""What the clients share: the questions, a model that counts the tokens put through it, and what is measured."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Work:
    """The questions of a round. ``tokens`` counts those put through the model; ``answers`` hold, by question, the
    probability of each way to write an option's label, named by its tokens ("35", "216,35")."""

    model: Path
    questions: Sequence[Mapping[str, Any]]
    tokens: int = 0
    seconds: float = 0.0
    peak_mb: float = 0.0
    answers: dict[str, dict[str, float]] = field(default_factory=dict)

    def keep(self, question: Mapping[str, Any], logprobs: Any) -> None:
        """Notes the labels of one token, given natural-log probabilities of the whole vocabulary after a question."""
        labels = [path for option in question["options"] for path in option if len(path) == 1]
        self.answers[question["id"]] = {str(token): float(logprobs[token].exp()) for (token,) in labels}


def work() -> Work:
    """The model's folder and the file of questions, from the command line."""
    model, path, *_ = sys.argv[1:]
    return Work(Path(model), [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()])


def counted(work: Work) -> Any:
    """The plain model in single precision, with its tokens counted."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(work.model, dtype=torch.float32).eval()

    def count(module: object, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        ids = kwargs.get("input_ids")
        work.tokens += (args[0] if ids is None else ids).numel()

    model.register_forward_pre_hook(count, with_kwargs=True)
    return model


@contextmanager
def measured(work: Work) -> Iterator[None]:
    """Measures what happens inside."""
    began = time.perf_counter()
    yield
    work.seconds = time.perf_counter() - began
    work.peak_mb = _peak_mb()


def _peak_mb() -> float:
    """This process's peak memory. What ``getrusage`` tells begins with the parent's, before the script was started."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def tell(work: Work, tokens: int | None = None) -> None:
    """Prints what was measured, and the answers, as one line of JSON."""
    figures = {"prompts": len(work.questions), "seconds": work.seconds, "tokens": tokens or work.tokens}
    print(json.dumps(figures | {"peak_mb": work.peak_mb, "answers": work.answers}), flush=True)
