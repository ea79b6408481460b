"""Finds words of another language in a prompt: what a translator, or our own code, forgot."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from culturesim.errors import CulturesimError, UnknownNameError
from culturesim.language import country, foreign_letters
from culturesim.language import words as words_of
from culturesim.lexicon import Lexicon
from culturesim.library import Library
from culturesim.persona import Attribute
from culturesim.records import Prompt

_CODE = re.compile(r"\{[{%#].*?[}%#]\}", re.DOTALL)
_NOT_SHOWN = re.compile(r"(?m)^\s*(?:#.*|(?:note|language)\s*=.*|\[.*\]\s*$|[\w\"-]+\s*=)")
"""Of a TOML file: comments, notes, headings and keys."""
_ACCEPTED = re.compile(r"(?ms)^\[accepted\]\s*$.*?(?=^\[|\Z)")
"""The part of a TOML file that is written to whoever works on it."""
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")

_ID = re.compile(r"[^\W_]+_\w+")
_LOOKED_UP = re.compile(r"word\([^,]*,")
"""The id of an attribute, in a persona template."""


class Vocabularies:
    """The words each language's files use, to tell where a prompt in one language shows words of another."""

    def __init__(self, library: Library, lexicons: Mapping[str, Lexicon]) -> None:
        self._lexicons = lexicons
        self._ids = frozenset(words(_ids(library)))
        self._names = re.compile("|".join(map(re.escape, _names(library))) or "(?!)")
        counted = {tag: _counted(self._sources(library, tag)) for tag in lexicons}
        self._words = {tag: frozenset(count) for tag, count in counted.items()}
        self._at_home = {
            tag: lexicons[tag].function_words | {word for word, places in count.items() if places > 1}
            for tag, count in counted.items()
        }
        """Words that show in more than one place of a language's files: what was left there once is in one."""

    def leaks(self, language: str, text: str) -> list[str]:
        """What in ``text`` is not of ``language``, sorted.

        Words with letters of other scripts, words that only other languages' files have, ids of attributes and levels,
        another's most frequent words, and lines in another's words only; not the names of frames' own.
        """
        text = self._names.sub(" ", text)
        shown = set(words([text]))
        letters = foreign_letters(language, text.casefold())
        found = {word for word in shown if letters & set(word)} if letters else set()
        found |= shown & (self._ids - self._words[language]) | set(_ID.findall(text))
        for other in self._lexicons.keys() - {language}:
            found |= shown & (self._words[other] - self._words[language])
        return sorted(found | self.frequent(language, text) | self.borrowed(language, text))

    def frequent(self, language: str, text: str) -> set[str]:
        """Another language's most frequent words, where there are two that this language has in one place at most."""
        shown, found = set(words([text])), set[str]()
        for other in self._lexicons.keys() - {language}:
            frequent = shown & (self._lexicons[other].function_words - self._at_home[language])
            found |= frequent if len(frequent) > 1 else set()
        return found

    def borrowed(self, language: str, text: str) -> set[str]:
        """Words of lines that another language has in several places, and this one nowhere else."""
        found = set[str]()
        for line in text.splitlines():
            shown = set(words([line]))
            if len(shown) > 1 and not shown & self._at_home[language]:
                others = (self._at_home[other] for other in self._lexicons.keys() - {language})
                found |= shown if any(shown <= home for home in others) else set()
        return found

    def _sources(self, library: Library, tag: str) -> Iterator[str]:
        for folder in library.questionnaires().values():
            yield from _file(folder / f"{tag}.toml")
        for root in library.roots:
            for path in (*root.glob(f"questionnaires/frames/*/{tag}.j2"), *root.glob(f"personas/*/**/{tag}.*")):
                yield from _file(path)
        yield from _countries(library, tag)


def _counted(texts: Iterable[str]) -> Counter[str]:
    """In how many of the texts each word stands."""
    return Counter(word for text in texts for word in set(words([text])))


def _file(path: Path) -> Iterator[str]:
    """The words of a file, by key where it has keys: what stands outside code, and the quoted strings within."""
    if not path.is_file():
        return
    source = path.read_text(encoding="utf-8", errors="replace")  # reading it for use tells what is wrong with it
    parts = _NOT_SHOWN.split(_ACCEPTED.sub("", source)) if path.suffix == ".toml" else [source]
    for part in parts:
        within = (_LOOKED_UP.sub("", code) for code in _CODE.findall(part))
        quoted = (single or double for code in within for single, double in _QUOTED.findall(code))
        yield " ".join((_CODE.sub(" ", part), *quoted))


def _attributes(library: Library) -> Iterator[Attribute]:
    for name in library.pools():
        # A pool that cannot be read is told of where it is checked itself.
        with suppress(CulturesimError):
            yield from library.pool(name).attributes


def _names(library: Library) -> Iterator[str]:
    """Words that stand in every language as they are."""
    for name in library.frames():
        # A frame.toml that cannot be read is told of where it is checked itself.
        with suppress(CulturesimError):
            yield from library.frame_head(name).names


def _ids(library: Library) -> Iterator[str]:
    """Ids of attributes and of levels that are words, which no prompt should show."""
    for attribute in _attributes(library):
        yield attribute.id.replace("_", " ")
        if attribute.domain != "country":
            yield from (str(level).replace("_", " ") for level in attribute.levels)


def _countries(library: Library, tag: str) -> Iterator[str]:
    for attribute in _attributes(library):
        for level in attribute.levels if attribute.domain == "country" else ():
            # Rendering tells of codes that no country has.
            with suppress(UnknownNameError):
                yield country(tag, str(level))


def words(texts: Iterable[str]) -> Iterator[str]:
    """The words of texts, lower case."""
    for text in texts:
        yield from words_of(text)


def words_shown(prompt: Prompt) -> str:
    """The words of a prompt without the keys of its options, which may be letters of another script."""
    keys = "|".join(re.escape(option.key) for option in prompt.options)
    return re.sub(rf"(?<!\w)(?:{keys})(?!\w)", " ", f"{prompt.system}\n{prompt.user}")
