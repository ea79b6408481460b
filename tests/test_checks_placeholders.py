"""Placeholders that differ from the English ones are planted and found; grammatical forms may differ."""

from __future__ import annotations

from typing import Any

import pytest

from culturesim.checks.placeholders import interpolates, placeholder_faults, placeholders
from tests.checked import garden, told

FIVE = "Name {{ number(5) }} plants."
PLANTED: list[tuple[str, str, list[tuple[str, str]]]] = [
    (FIVE, "Nombre {{ number(5) }} plantas.", []),
    (FIVE, "Nombre {{ g('cinco', 'cinco') }} plantas, {{ number(5) }}.", []),
    (FIVE, "Nombre cinco plantas.", [("items.calm[0]", "lacks {{ number(5) }}, which en has")]),
    (FIVE, "Nombre {{ number(6) }} plantas.", [
        ("items.calm[0]", "lacks {{ number(5) }}, which en has"),
        ("items.calm[0]", "has {{ number(6) }}, which en has not"),
    ]),
    ("Name five plants.", "Nombre {{ number(5) }} plantas.", [
        ("items.calm[0].placeholders", "has {{ number(5) }}, where en has none?"),
    ]),
    ("Name {{ g('a', 'b') }}.", "Nombre una.", []),
]  # fmt: skip


@pytest.mark.parametrize(("english", "spanish", "found"), PLANTED, ids=[spanish for _, spanish, _ in PLANTED])
def test_placeholders_are_those_of_english(english: str, spanish: str, found: list[Any]) -> None:
    readings = (garden(tag, {"items.calm[0]": text}) for tag, text in (("es", spanish), ("en", english)))
    assert told(placeholder_faults(*readings)) == found


def test_placeholders_are_counted_with_their_arguments() -> None:
    assert placeholders("{{ number(3) }} of {{ number(3) }}, {{ name }}") == {"{{ number(3) }}": 2, "{{ name }}": 1}
    assert not placeholders("{{ unclosed")


@pytest.mark.parametrize(
    ("source", "only"),
    [
        ("Item: {{ item }}", True),
        ("{% if keys %}{{ item }}{% else %}Item: {{ item }}{% endif %}", True),
        ("{{ item | upper }}", False),
        ("{% if 'x' in item %}{{ item }}{% endif %}", False),
        ("{% set it = item %}{{ it }}", False),
        ("{{ item", False),
    ],
)
def test_a_frame_only_writes_the_item_out_or_does_more(source: str, only: bool) -> None:
    assert interpolates(source, "item") is only
