"""What templates look up, read off their syntax trees: placeholders of a text, and how a frame uses a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from jinja2 import Environment, TemplateError, nodes

from culturesim.checks.reading import Reading, sources
from culturesim.errors import Fault

_GRAMMAR = frozenset({"g", "p"})
"""Helpers that choose between forms of a word, which each language needs in its own places."""
_SYNTAX = Environment(autoescape=False)


def placeholder_faults(reading: Reading, english: Reading | None) -> Iterator[Fault]:
    """Placeholders that a text has and the English one has not, or the other way round."""
    if english is None:
        return
    originals = dict(sources(english.texts))
    for key, source in sources(reading.texts):
        if key not in originals or "{" not in source + originals[key]:
            continue
        own, theirs = placeholders(source), placeholders(originals[key])
        if lacking := sorted((theirs - own).elements()):
            yield reading.fault(key, f"lacks {' '.join(lacking)}, which en has")
        if (added := sorted((own - theirs).elements())) and theirs:
            yield reading.fault(key, f"has {' '.join(added)}, which en has not")
        elif added:
            yield reading.doubt(key, "placeholders", f"has {' '.join(added)}, where en has none")


@lru_cache(maxsize=20_000)
def placeholders(source: str) -> Counter[str]:
    """Names that a text looks up and calls, with their plain arguments; what cannot be read has none."""
    try:
        tree = _SYNTAX.parse(source)
    except TemplateError:  # rendering tells of it
        return Counter()
    called = {id(call.node): call for call in tree.find_all(nodes.Call)}
    names = (name for name in tree.find_all(nodes.Name) if name.name not in _GRAMMAR)
    return Counter(f"{{{{ {_shown(name.name, called.get(id(name)))} }}}}" for name in names)


def _shown(name: str, call: nodes.Call | None) -> str:
    if call is None:
        return name
    return f"{name}({', '.join(str(part.value) if isinstance(part, nodes.Const) else '…' for part in call.args)})"


@lru_cache(maxsize=1_000)
def interpolates(source: str, name: str) -> bool:
    """Whether a frame does no more with a name than to write it out, so that any text under it is treated alike."""
    try:
        tree = _SYNTAX.parse(source)
    except TemplateError:
        return False
    written = {id(part) for output in tree.find_all(nodes.Output) for part in output.nodes}
    return all(id(found) in written for found in tree.find_all(nodes.Name) if found.name == name)
