"""Prompts and completions as the parser sees them, with the scales of the corpus."""

import tomllib
from pathlib import Path

from culturesim.language import option_keys
from culturesim.lexicon import Lexicon, read_lexicon
from culturesim.records import Completion, Option, Prompt, Trial

ROOT = Path(__file__).parent
CORPUS = tomllib.loads((ROOT / "corpus" / "completions.toml").read_text(encoding="utf-8"))
SCALES = CORPUS.pop("scales")
LANGUAGES = tuple(CORPUS)
LEXICONS: dict[str, Lexicon] = {
    tag: read_lexicon(ROOT.parent / "questionnaires" / "languages" / f"{tag}.toml") for tag in LANGUAGES
}


def trial(elicitation="choice", language="en"):
    return Trial("0" * 32, "q", "1", "i", language, "none", "form", 0, "printed", 0, elicitation, 0)


def prompt(language="en", scale="agree", keys="numbers", order=(), elicitation="choice"):
    """A prompt with a scale of the corpus; keys go by place, contents move."""
    fixture = SCALES[scale]
    labels = dict(zip(fixture["codes"], fixture[language], strict=True))
    printed = option_keys(language, keys, fixture["codes"])
    options = tuple(
        Option(code, key, labels[code], spellings)
        for code, (key, spellings) in zip(order or fixture["codes"], printed, strict=True)
    )
    picks = fixture.get("min_picks", 1), fixture.get("max_picks", 1), fixture.get("ordered", False)
    return Prompt(trial(elicitation, language), "", "", options, *picks)


def completion(text, **more):
    return Completion("0" * 32, text, "m", "2026-01-01T00:00:00Z", 0.1, **more)
