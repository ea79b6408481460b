"""Definitions in the project's own TOML, laid out as a person would write them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from culturesim.questionnaire import Battery, Keys, Texts

_WIDTH = 120
_FIRST = ("id", "kind", "code", "scale", "dimensions", "reverse")
"""The order of an entry's keys; others follow in that of their model."""


def keys_toml(keys: Keys) -> str:
    """``questionnaire.toml``."""
    head = keys.model_dump(mode="json", exclude_defaults=True, exclude={"scales", "dimensions", "items", "scoring"})
    source = head.pop("source")
    sections = {"scales": keys.scales, "dimensions": keys.dimensions, "items": keys.items}
    head |= {section: [] for section, members in sections.items() if not members}
    blocks = [_lines(head), ["[source]", *_lines(source)]]
    for section, members in sections.items():
        rows = (_ordered(member.model_dump(mode="json", exclude_defaults=True)) for member in members)
        blocks += [[f"[[{section}]]", *_lines(row)] for row in rows]
    blocks.append(["[scoring]", f"method = {_value(keys.scoring.method)}"])
    if keys.scoring.formulas:
        blocks.append(["[scoring.formulas]", *_lines(keys.scoring.formulas)])
    blocks += [["[[scoring.attention]]", *_lines(one.model_dump(mode="json"))] for one in keys.scoring.attention]
    return _page(blocks)


def texts_toml(texts: Texts) -> str:
    """``<language>.toml``."""
    blocks = [[f"language = {_value(texts.language)}"]]
    if provenance := texts.provenance.model_dump(exclude_defaults=True):
        blocks.append(["[provenance]", *_lines(provenance)])
    for name, words in texts.scales.items():
        blocks.append([f"[scales.{_key(name)}]", *_lines(words.model_dump(mode="json"))])
    if not texts.scales:
        blocks.append(["[scales]"])
    blocks.append(["[items]", *_lines(texts.items)])
    if texts.advice:
        blocks.append(["[advice]", *_lines(texts.advice)])
    if texts.accepted:
        blocks.append(["[accepted]", *_lines(texts.accepted)])
    return _page(blocks)


def battery_toml(battery: Battery) -> str:
    """``batteries/<name>.toml``."""
    head = battery.model_dump(mode="json", exclude_defaults=True, exclude={"parts"})
    parts = (part.model_dump(mode="json", exclude_defaults=True) for part in battery.parts)
    return _page([_lines(head), *(["[[parts]]", *_lines(part)] for part in parts)])


def _page(blocks: Iterable[Sequence[str]]) -> str:
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _ordered(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in _FIRST if name in entry} | entry


def _lines(table: Mapping[str, Any]) -> list[str]:
    return [line for name, value in table.items() for line in _entry(_key(name), value)]


def _entry(key: str, value: Any) -> Iterator[str]:
    """``key = value``, a list of sentences with one on each line."""
    line = f"{key} = {_value(value)}"
    if isinstance(value, list | tuple) and len(value) > 1 and (len(line) > _WIDTH or any(map(_is_sentence, value))):
        yield f"{key} = ["
        yield from (f"  {_value(each)}," for each in value)
        yield "]"
    else:
        yield line


def _is_sentence(value: Any) -> bool:
    return isinstance(value, str) and value.strip()[-1:] in set(".?!。？！؟।")


def _value(value: Any) -> str:
    import tomlkit

    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_key(name)} = {_value(each)}' for name, each in value.items())} }}"
    if isinstance(value, str):
        # Between three quotes a carriage return would be read as the end of a line.
        return str(tomlkit.string(value, multiline="\n" in value and "\r" not in value).as_string())
    return str(tomlkit.item(value).as_string())


def _key(name: str) -> str:
    import tomlkit

    return tomlkit.key(name).as_string()
