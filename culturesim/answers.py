"""What an analysis starts from: answers with the keys they are scored by, and the parts that tables are made of.

One narrow row per trial with names held as numbers, so that ten million answers take less than a gigabyte;
``Answers.wholes`` and ``Whole.parts`` give a piece at a time. ``fetch`` reads them from a store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import polars as pl

from culturesim.score import Key, centre, code_shares, item_values, paired, read_key, scale_points, with_attention

NAMES = ("model", "questionnaire", "version", "item", "language", "persona_id", "frame", "option_order", "elicitation",
         "status")  # fmt: skip
"""The columns of answers that hold names."""

JOINED = ("model", "questionnaire", "version", "item", "language")
"""Those by which answers meet other tables, which have them as text."""


@dataclass(frozen=True)
class Part:
    """The answers of one model to one questionnaire in one language. Frames are as ``score`` wants and gives them."""

    model: str
    questionnaire: str
    language: str
    key: Key
    items: pl.DataFrame
    responses: pl.DataFrame

    @cached_property
    def shares(self) -> pl.DataFrame:
        """How each valid answer falls on the codes."""
        return code_shares(self.responses)

    @cached_property
    def points(self) -> pl.DataFrame:
        """Answers on ordinal scales, with ``y``: the (expected) place on the scale, 0 … 1."""
        return scale_points(self.responses, self.shares, self.items)

    @cached_property
    def turned(self) -> pl.DataFrame:
        """Answers to the same question in printed (``base``) and in reversed order (``level``)."""
        return paired(self.points, "option_order", "printed", "reversed")

    @cached_property
    def checked(self) -> pl.DataFrame:
        """The responses, with whether their filling was ``checked`` for attention, and ``failed``."""
        return with_attention(self.responses, [self.key])

    @cached_property
    def values(self) -> pl.DataFrame:
        """Values of items, reverse-keyed and centred as the key says, of fillings that failed no attention item."""
        kept = self.checked.filter(~pl.col("failed"))
        return centre(item_values(kept, self.shares, self.items, [self.key]), [self.key])


@dataclass(frozen=True)
class Whole:
    """The answers of one model to one questionnaire, in all languages."""

    model: str
    questionnaire: str
    key: Key
    items: pl.DataFrame
    responses: pl.DataFrame
    personas: pl.DataFrame

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages it was asked in."""
        return tuple(sorted(self.responses["language"].cast(pl.String).unique()))

    def parts(self) -> Iterator[Part]:
        """Its answers, a language at a time."""
        kinds = self.items.select("item", "kind", "topic")
        for (language,), rows in sorted(self.responses.partition_by("language", as_dict=True).items()):
            own = rows.with_columns(pl.col(JOINED).cast(pl.String))
            yield Part(self.model, self.questionnaire, language, self.key, self.items,
                       own.join(kinds, on="item", maintain_order="left"))  # fmt: skip


@dataclass(frozen=True)
class Answers:
    """What an analysis starts from.

    ``responses`` has each trial once, however many runs share it: ``trial_id``, the names ``NAMES`` as categories,
    ``wording``, ``repeat``, ``code``, ``picks`` (the codes of a pick item), ``shuffled`` (the codes as listed, where
    they were shuffled), ``probabilities`` (key and value) and ``mass``.
    ``members`` counts the answers of each run, those it reused among them, by questionnaire and language; ``asked_as``
    is the questionnaire's own name, also where ``questionnaire`` tells its versions apart. ``personas`` has a column
    for each attribute, beside ``persona_id``.
    """

    runs: pl.DataFrame
    members: pl.DataFrame
    questionnaires: pl.DataFrame
    items: pl.DataFrame
    responses: pl.DataFrame
    personas: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"persona_id": pl.String}))

    @cached_property
    def keys(self) -> Mapping[str, Key]:
        """How each questionnaire is scored."""
        return {
            name: read_key(name, version, scoring, self.items.filter(questionnaire=name, version=version))
            for name, version, scoring in self.questionnaires.select("id", "version", "scoring").iter_rows()
        }

    def wholes(self) -> Iterator[Whole]:
        """The answers of each model to each questionnaire."""
        pairs = self.responses.select(pl.col("model", "questionnaire").cast(pl.String)).unique()
        for model, questionnaire in sorted(pairs.iter_rows()):
            items = self.items.filter(questionnaire=questionnaire)
            own = with_lists(self.responses.filter(model=model, questionnaire=questionnaire), items)
            yield Whole(model, questionnaire, self.keys[questionnaire], items, own, self.personas)

    def parts(self) -> Iterator[Part]:
        """The answers of each model to each questionnaire in each language."""
        for whole in self.wholes():
            yield from whole.parts()


def as_categories(numbered: pl.DataFrame, names: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """The frame with these columns, which number the names they stand for, as categories of those names."""
    return numbered.with_columns(pl.col(name).cat.to(pl.Enum(known)) for name, known in names.items())


def with_lists(responses: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """The answers to one questionnaire with ``codes``, those given, and ``order_codes``, the options as listed."""
    asked = pl.col("item").cast(responses.schema["item"], strict=False)  # null: an item that nobody was asked
    printed = items.select(asked, printed=pl.col("codes")).drop_nulls("item")
    order = pl.col("option_order").cast(pl.String)
    listed = pl.when(order == "reversed").then(pl.col("printed").list.reverse()).otherwise("printed")
    one = pl.concat_list("code").list.drop_nulls()
    return (
        responses.join(printed, on="item", how="left", maintain_order="left")
        .with_columns(pl.coalesce("picks", one).alias("codes"), pl.coalesce("shuffled", listed).alias("order_codes"))
        .drop("code", "picks", "shuffled", "printed")
    )


def tell_versions_apart(answers: Answers) -> Answers:
    """Where answers to several versions of a questionnaire meet, each is called by name and version: none are mixed."""
    several = answers.questionnaires.group_by("id").len().filter(pl.col("len") > 1)["id"].to_list()
    if not several:
        return answers

    def named(column: str) -> pl.Expr:
        name = pl.col(column).cast(pl.String)
        return (
            pl.when(name.is_in(several))
            .then(name + " " + pl.col("version").cast(pl.String))
            .otherwise(name)
            .alias(column)
        )

    responses = answers.responses.with_columns(named("questionnaire"))
    names = sorted(responses["questionnaire"].unique())
    return replace(
        answers,
        members=answers.members.with_columns(named("questionnaire")),
        questionnaires=answers.questionnaires.with_columns(named("id")),
        items=answers.items.with_columns(named("questionnaire")),
        responses=responses.with_columns(pl.col("questionnaire").cast(pl.Enum(names))),
    )
