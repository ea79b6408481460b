"""Commented beginnings of definitions: a questionnaire, and what a language needs before one can be asked in it.

They are sound as they are: what is still to be written is left out, or stands in marks that no answer holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from culturesim.errors import DefinitionError, Fault
from culturesim.exchange.definitions import tag_of
from culturesim.language import language
from culturesim.library import Library

_KEYS = """\
# What is asked and how it is keyed. The words are in a file for each language beside this one.
# Every fault, with file and key:   culturesim check --path {folder}
# The prompts, before any is asked: culturesim plan sim/uniform --path {folder} --questionnaire {id} --languages {tags}
id = "{id}"
version = "1.0"
title = {title}
wording = "official"            # the instrument's own words; "adapted": written on another instrument's keys
# description = "What it is about, in a sentence."

[source]
citation = "Who made it, and where it is published."
# doi = ""
# licence = "On what terms its items may be used."

# A scale has codes, from low to high; what they are called is said in each language. A questionnaire may have several.
[[scales]]
id = "agreement"
kind = "ordinal"                # or "nominal": options in no order
codes = [{codes}]

# What the items measure. "low" and "high" say what the ends mean.
[[dimensions]]
id = "first"
title = "Give it a name"
low = "weak"
high = "strong"

{items}

[scoring]
method = "mean"                 # or "centred_mean", or "formula" with a table [scoring.formulas]: name = "q1 - q2"
"""

_FIRST_ITEM = """\
# An item counts to one dimension, to several or to none. Ids are for you; "code" is what its source calls it.
[[items]]
id = "{id}"
# code = "Q17"
scale = "agreement"
dimensions = ["first"]
# reverse = true                # where agreeing speaks against the dimension
# topic = "gardens"             # items of one topic are compared with one another
"""

_ITEM = """\
[[items]]
id = "{id}"
scale = "agreement"
dimensions = ["first"]
"""

_LAST_ITEM = f"{_ITEM}reverse = true\n"
"""Of the example: it says the opposite."""

_TEXTS = """\
# The words in {name}. Whoever answers sees an instruction, the options in some order, and one item at a time.
language = "{tag}"

[provenance]                    # how these words came to be
authored = true                 # written in this language; false: translated
# back_translated = true        # somebody translated them back without seeing the original, and it was compared
# reviewed = true               # somebody else read them through
# official = true               # the published words of this language
# note = ""

# Labels stand in the order of the codes. Inner ones may be "". Say nothing of numbers or places: they change.
[scales.agreement]
instruction = {instruction}
labels = {labels}

# An item in one or more wordings, which mean the same.
[items]
{items}
"""

_ENGLISH = ("How far do you agree with the statement?", ("not at all", "a little", "partly", "mostly", "completely"))
_ENGLISH_ITEMS = ("Write a statement here.", "Write one here that says the opposite.")
_UNWRITTEN = "…"
"""Stands for words to be written; it has no letters, so it is of every language."""


def new_questionnaire(
    name: str, folder: Path, languages: Sequence[str], library: Library, *, title: str = "",
    questions: Path | None = None, labels: Sequence[str] = (),
) -> dict[Path, str]:  # fmt: skip
    """Path → text of a questionnaire to be filled in, and of what its languages still need to be asked in.

    ``questions``: a text file with an item on each line, in the first of the languages.
    """
    if not (name.isidentifier() and name.isascii() and not name.startswith("_")):
        told = "is no name for a questionnaire: letters, digits and _, a letter first"
        raise DefinitionError([Fault(repr(name), "", told)])
    tags = [tag_of(tag) for tag in languages]
    lines = _read_lines(questions) if questions else []
    ids = [f"q{n:0{len(str(len(lines)))}}" for n in range(1, len(lines) + 1)] if lines else ["q1", "q2"]
    points = len(labels) or len(_ENGLISH[1])
    home = folder / "questionnaires" / name
    layouts = [_FIRST_ITEM, *[_ITEM] * (len(ids) - 1)] if lines else [_FIRST_ITEM, _LAST_ITEM]
    items = "\n".join(layout.format(id=each) for layout, each in zip(layouts, ids, strict=True)).rstrip()
    files = {
        home / "questionnaire.toml": _KEYS.format(
            folder=folder, id=name, tags=",".join(tags), items=items, codes=", ".join(map(str, range(1, points + 1))),
            title=_quoted(title or name.replace("_", " ").capitalize()),
        )
    }  # fmt: skip
    for place, tag in enumerate(tags):
        own = dict(zip(ids, lines, strict=True)) if lines and not place else {}
        files[home / f"{tag}.toml"] = _texts(tag, ids, own, labels if not place else (), points)
        files |= new_language(tag, folder, library)
    return files


def _texts(tag: str, ids: Sequence[str], own: dict[str, str], labels: Sequence[str], points: int) -> str:
    english = tag == "en"
    instruction, ours = _ENGLISH if english else ("…", ())
    # No two labels may be the same, so each waits with one more mark than the one before it.
    waiting = [" ".join([_UNWRITTEN] * place) for place in range(1, points + 1)]
    shown = labels or (ours if len(ours) == points else waiting)
    items = []
    for place, name in enumerate(ids):
        written = own.get(name) or (_ENGLISH_ITEMS[place % 2] if english else _UNWRITTEN)
        items.append(f"{name} = [{_quoted(written)}]")
    return _TEXTS.format(
        name=language(tag).english_name, tag=tag, items="\n".join(items), instruction=_quoted(instruction),
        labels=f"[{', '.join(map(_quoted, shown))}]",
    )  # fmt: skip


def _read_lines(path: Path) -> list[str]:
    from culturesim.exchange.tables import read_exactly

    lines = [line.strip() for line in read_exactly(path).splitlines() if line.strip()]
    if not lines:
        raise DefinitionError([Fault(str(path), "", "holds no questions: write one on each line")])
    return lines


def _quoted(text: str) -> str:
    import tomlkit

    return tomlkit.item(text).as_string()


# ---------------------------------------------------------------- a language

_LEXICON = """\
# What tells an answer from a refusal in {name}, so that models can be asked in it. Words in angle brackets are to be
# replaced; each list takes as many entries as you know. questionnaires/languages/en.toml is a full example.
# Patterns are regular expressions, searched in text that is NFKC-normalised, lower-cased and has straight quotes.
language = "{tag}"

# Some fifty very frequent grammatical words, in plain letters: by them a text shows its language. No single letters.
function_words = ["<the>", "<and>", "<of>", "<to>", "<is>"]

# Words for numbers: the first row zero, the second one, and so on to ten or more; several spellings in one row.
number_words = [
  ["<zero>"], ["<one>"], ["<two>"], ["<three>"], ["<four>"], ["<five>"],
  ["<six>"], ["<seven>"], ["<eight>"], ["<nine>"], ["<ten>"],
]

# Patterns: how people and models refuse to answer.
refusals = ["<as an ai>", "<i cannot answer>", "<i would rather not say>"]

# Patterns: how they say that they do not know.
dont_know = ["<i don't know>", "<i am not sure>"]

# Patterns: what stands right before an answer.
answer_cues = ["<my answer is>", "<i choose>"]

# Words that deny what follows: not the option named next.
negations = ["<not>", "<never>"]

# More, where the language has them; take the brackets out and the line in.
# hearsay = ["<people>", "<others>"]         words by which a sentence tells of others
# joiners = ["<and>", "<then>"]              words between several picks
# key_words = ["<option>", "<number>"]       words right before the key of an option
# continuations = ["<because>", "<since>"]   words that go on after an answer
# scale_phrases = ["<on a scale from>"]      talk about the scale itself
# ordinals = [["<first>"], ["<second>"]]     words for ranks

# What simulated respondents say beside bare keys: whole sentences, no patterns; take all four lines in.
# [speech]
# answers = ["{{key}}.", "<My answer is> {{key}}."]
# refusals = ["<I would rather not say.>"]
# asides = ["<Let me think.>"]
"""

_FRAME = """\
{{# How a question is put in {name}. Each comment says what to write in its place; it is shown to nobody.
   The English is in questionnaires/frames/form/en.j2. Keep what stands in braces: keys, labels and the item. #}}
{{% block system %}}{{% if persona %}}{{{{ persona }}}}

{{# You have been given a questionnaire to fill in. Answer it as this person would. #}}
{{% endif %}}{{% endblock %}}
{{% block user -%}}
{{# Please fill in this questionnaire. There are no right or wrong answers: choose what is true for you. #}}
{{% if instruction -%}}
{{{{ instruction }}}}

{{% endif -%}}
{{# Answer options: #}}
{{% for option in options -%}}
{{{{ option.key }}}}{{{{ " = " ~ option.label if option.label else "" }}}}
{{% endfor %}}{{{{ "\\n" -}}}}
{{% if options | selectattr("label", "equalto", "") | list -%}}
{{# Options without a description are steps between the ones that have one. #}}
{{% endif -%}}
{{# keys is letters or numbers: what the options are marked by. -#}}
{{% if kind == "scale" -%}}
{{# Write only the number of the one option you choose, and nothing else. #}}
{{% elif ordered -%}}
{{# Choose so many options, the best first; write only their numbers, commas between: {{{{ number(max_picks) }}}}. #}}
{{% else -%}}
{{# Choose up to so many options; write only their numbers, commas between: {{{{ number(max_picks) }}}}. #}}
{{% endif -%}}
{{# Item: #}}
{{{{ item }}}}{{% endblock %}}
"""


def new_language(tag: str, folder: Path, library: Library) -> dict[Path, str]:
    """Path → text of what a language lacks before a model can be asked in it; nothing where it lacks nothing."""
    tag = tag_of(tag)
    name = language(tag).english_name
    files: dict[Path, str] = {}
    if tag not in library.lexicons():
        files[folder / "questionnaires" / "languages" / f"{tag}.toml"] = _LEXICON.format(name=name, tag=tag)
    if tag not in library.frame_languages("form"):
        files[folder / "questionnaires" / "frames" / "form" / f"{tag}.j2"] = _FRAME.format(name=name)
    return files
