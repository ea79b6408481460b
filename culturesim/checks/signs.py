"""Signs that do not belong in a text: spaces, invisible characters, brackets left open, placeholders nobody fills."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from culturesim.checks.reading import Reading
from culturesim.errors import Fault
from culturesim.language import language, number, plain

_LEFT_OVER = re.compile(
    r"""\{+[^{}]*\}*|\}+                          # {name}, {0}, {{ unclosed
    |%\(\w+\)[a-z]|%(?:\d+\$)?[sdif](?!\w)        # %(name)s, %1$s, %s
    |</?[A-Za-z][^<>]*>|&(?:\#\d+|[a-z]{2,8});    # markup
    |\$\{\w+\}|\$[a-z_]{3,}|\[\[.*?\]\]           # ${name}, $name, [[name]]
    |\\[nrt]                                      # a line break that was meant
    |\b(?:TODO|FIXME|TBD|XXX)\b""",
    re.VERBOSE,
)
_PAIRS = ("()", "[]", "（）", "【】", "「」", "『』", "《》", "〈〉", "«»", "‹›")
_CURLED = re.compile("[“”„‟]")
_LISTED = re.compile(r"(?:(?<=\s)|^)\w{1,3}\)")
"""A bracket that needs no other: "a) one thing, b) another"."""
_JOINED = frozenset(("Arab", "Beng", "Deva", "Gujr", "Guru", "Khmr", "Knda", "Mlym", "Mymr", "Orya", "Sinh", "Taml",
                     "Telu"))  # fmt: skip
"""Scripts that are written with joiners."""
_JOINERS, _DIRECTIONS = frozenset("\u200c\u200d"), frozenset("\u200e\u200f\u061c")
_IDEOGRAPH = "[\u3040-\u30ff\u3400-\u9fff]"
_OWN_MARKS = {
    **dict.fromkeys(("Hans", "Hant", "Jpan"), re.compile(rf"{_IDEOGRAPH} ?[,.?!;:()]|[,?!;:()] ?(?={_IDEOGRAPH})")),
    "Arab": re.compile("[\u0620-\u064a\u06c0-\u06d3] ?[,;?]"),
}
"""ASCII punctuation in text of a script that has signs of its own for it."""
_OPENED = {"es": ("¿?", "¡!"), "ast": ("¿?", "¡!")}
"""Languages that open a question, too."""
_KEYED = re.compile(r"^\W{0,2}(?:\d{1,2}|[A-Za-z])\s*[.)=:：、．](?!\d)")


def sign_faults(reading: Reading, _: Reading | None) -> Iterator[Fault]:
    """Faults and doubts about the signs of every text."""
    for key, forms in reading.forms.items():
        found = dict.fromkeys(finding for form in forms for finding in _findings(form, key, reading))
        for kind, message in found:
            yield reading.doubt(key, kind, message) if kind else reading.fault(key, message)


def _findings(text: str, key: str, reading: Reading) -> Iterator[tuple[str, str]]:
    """Kind of doubt and message; faults are of no kind."""
    tag = reading.language
    yield from (("", message) for message in _wrong(text, tag))
    yield from (("signs", message) for message in _odd(text, tag))
    yield from (("digits", message) for message in _digits(text, tag))
    yield from (("options", message) for message in _options(text, reading, label=".labels[" in key))


def _wrong(text: str, tag: str) -> Iterator[str]:
    if text != text.strip():
        yield "begins or ends with a space"
    if "  " in text.strip():
        yield "has two spaces in a row"
    if not unicodedata.is_normalized("NFC", text):
        yield "is not in composed form (NFC), so that it differs from what looks the same"
    if unseen := _unseen(text, tag):
        yield f"holds characters that do not show: {', '.join(f'U+{ord(char):04X}' for char in unseen)}"
    if left := _LEFT_OVER.findall(text):
        yield f"holds what nobody fills in: {' '.join(left)}"
    for pair in _PAIRS:
        closed = text.count(pair[1]) - text.count(pair[0])
        listed = len(_LISTED.findall(text)) if pair == "()" else 0
        if not 0 <= closed <= listed and not {*pair} & {*"".join(left)}:
            yield f"has {pair[0]} and {pair[1]} in different numbers"
    if text.count('"') % 2 or len(_CURLED.findall(text)) % 2:
        yield "has a quotation mark without another"


def _unseen(text: str, tag: str) -> list[str]:
    """Characters without a shape, but for those a script is written with."""
    script, direction = language(tag).script, language(tag).direction
    allowed = (_JOINERS if script in _JOINED else frozenset()) | (_DIRECTIONS if direction == "rtl" else frozenset())
    odd = {char for char in text if unicodedata.category(char) in {"Cc", "Cf", "Cn", "Co"} or char == "\ufffd"}
    return sorted(odd - allowed - {"\n"})


def _odd(text: str, tag: str) -> Iterator[str]:
    own = _OWN_MARKS.get(language(tag).script)
    if own and (found := own.search(text)):
        yield f"has {found[0].strip()!r}, whose mark is not of that script"
    for pair in _OPENED.get(tag.split("-", maxsplit=1)[0], ()):
        if text.count(pair[0]) != text.count(pair[1]):
            yield f"has {pair[0]} and {pair[1]} in different numbers"


def _digits(text: str, tag: str) -> Iterator[str]:
    own = {number(tag, digit) for digit in range(10)}
    other = sorted({char for char in text if char.isdecimal()} - own)
    if other:
        yield f"has digits of another script, {''.join(other)}: write {{{{ number({int(other[0])}) }}}}"


def _options(text: str, reading: Reading, *, label: bool) -> Iterator[str]:
    """Talk of numbers and places of options, which change."""
    if label and (key := _KEYED.match(text)):
        yield f"begins with a key of its own, {key[0].strip()!r}"
    said = plain(text)
    found = next(filter(None, (pattern.search(said) for pattern in reading.lexicon.scale_phrases)), None)
    if found:
        yield f"speaks of the scale's numbers: {found[0]!r}"
