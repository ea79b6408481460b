"""What asking in the order of shared beginnings is worth: prompts per second, grouped against shuffled.

The embedded model is asked the same trials twice in one process: in a random order, as one would ask an API, and
grouped by persona, language and scale, as ``culturesim survey`` asks local models. Each order has a fresh server.
Prints both rates, the ratio, the tokens computed, and the largest difference between the two orders' probabilities.
"""

from __future__ import annotations

import asyncio
import math
import platform
import time

from culturesim.backends import load
from culturesim.design import Asking
from culturesim.library import Library
from culturesim.prepare import Prepared, prepare
from culturesim.records import Completion, Settings
from culturesim.study import Draw, make_study


async def ask(prepared: Prepared, asking: Asking) -> tuple[float, dict[str, Completion]]:
    """Seconds, and the completion of each trial."""
    backend = load(prepared.study.model)
    prompts = [prepared.renderer.render(trial) for trial in prepared.design.trials(asking)]
    await backend.complete(prompts[:1], Settings())
    started = time.perf_counter()
    completions = [(await backend.complete([prompt], Settings()))[0] for prompt in prompts]
    seconds = time.perf_counter() - started
    await backend.close()
    return seconds, {completion.trial_id: completion for completion in completions}


def probabilities(completion: Completion) -> list[float]:
    """Of each code, whatever order the options stood in."""
    return [math.exp(logprob) for logprob in completion.option_logprobs or ()]


def main() -> None:
    """Measures and prints."""
    study = make_study(
        battery="first", languages=("en", "es"), personas=Draw(pool="world", n=4), elicitation="probabilities"
    )
    prepared = prepare(study, Library())
    (slow, random_order), (quick, grouped) = (asyncio.run(ask(prepared, asking)) for asking in ("shuffled", "grouped"))
    count = len(grouped)
    print(f"{study.model}, {count} trials, {platform.machine()}, {platform.system()}")
    for name, seconds, completions in (("shuffled", slow, random_order), ("grouped", quick, grouped)):
        computed = sum((c.tokens_in or 0) - (c.tokens_cached or 0) for c in completions.values())
        print(f"{name:>9}: {count / seconds:5.2f} prompts/s, {computed:,} prompt tokens computed")
    print(f"    ratio: {slow / quick:.2f}")
    apart = max(
        abs(a - b)
        for trial, completion in grouped.items()
        for a, b in zip(probabilities(completion), probabilities(random_order[trial]), strict=True)
    )
    print(f"largest difference of a probability between the two orders: {apart:.2g}")


if __name__ == "__main__":
    main()
