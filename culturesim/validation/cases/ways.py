"""Ways of asking, personas against the model as itself, and where variance comes from."""

from __future__ import annotations

from collections.abc import Iterator

from culturesim.backends.sim_truth import Truth
from culturesim.validation.case import Case, Statistic, field_of, interval, null
from culturesim.validation.cases.common import MANY, PEOPLE, TWO
from culturesim.validation.surveys import Design


def consistency() -> Iterator[Case]:
    """Ways of asking that matter, and that do not."""
    yield Case(
        "wordings",
        "wordings that move their item, from sampled answers",
        Truth(spread=0, idiosyncrasy=0.5, wording=0.7),
        Design(dimensions=3, items=5, personas=60, wordings=3),
        (
            interval(
                "distance of wordings beyond chance",
                lambda p: p.beyond("wording"),
                "consistency",
                "beyond",
                kind="paraphrase",
            ),
        ),
        items_drawn=True,
        most=MANY,
    )
    yield Case(
        "distances",
        "wordings and languages that move their item, in option probabilities",
        Truth(spread=0, wording=0.7, dif=0.5),
        Design(dimensions=3, items=5, personas=3, wordings=3, languages=("en", "de"), probabilities=True),
        (
            interval(
                "inconsistency over wordings",
                lambda p: p.inconsistency("wording"),
                "consistency",
                "inconsistency",
                kind="paraphrase",
                language="en",
            ),
            interval(
                "its share of the possible",
                lambda p: p.fraction("wording"),
                "consistency",
                "fraction",
                kind="paraphrase",
                language="en",
            ),
            Statistic(
                "its interval over members",
                "interval",
                "consistency",
                field_of("consistency", "over_members", kind="paraphrase", language="en"),
                lambda p: p.inconsistency("wording"),
                known="as published, it takes the distances of one item's members for independent; look at the other",
            ),
            interval(
                "inconsistency over languages",
                lambda p: p.inconsistency("language"),
                "consistency",
                "inconsistency",
                kind="translation",
            ),
        ),
        items_drawn=True,
        most={**MANY, "items": 300},
        draws=3,
    )
    yield Case(
        "topics",
        "items of one topic, topics being a sample, in option probabilities",
        Truth(idiosyncrasy=0.5, difficulty=0.7),
        Design(dimensions=12, items=3, personas=10, probabilities=True),
        (
            interval(
                "inconsistency within topics", lambda p: p.topics_apart(), "consistency", "inconsistency", kind="topic"
            ),
        ),
        items_drawn=True,
        draws=100,
        people=300,
    )
    yield Case(
        "ways-null",
        "a respondent to whom all ways of asking are one",
        PEOPLE,
        Design(
            dimensions=2,
            items=3,
            personas=16,
            languages=("en", "de"),
            frames=("form", "talk"),
            wordings=2,
            orders=("printed", "reversed"),
            repeats=2,
        ),
        tuple(
            null(f"inconsistency: {kind.replace('_', ' ')}", "consistency", "p", kind=kind)
            for kind in ("paraphrase", "translation", "option_order", "frame", "repeat")
        ),
    )


def stability() -> Iterator[Case]:
    """Personas against the model as itself."""
    told = {"side": {"right": {"a": 1.2}}}
    yield Case(
        "steered",
        "personas who stand elsewhere than the model as itself",
        Truth(idiosyncrasy=0.4, effects=told, seed=1),
        Design(items=4, personas=40, attributes=TWO, include_none=True, repeats=8),
        (interval("steerability", lambda p: p.steered(), "stability", "steerability", dimension="a"),),
    )
    yield Case(
        "steered-null",
        "personas who answer as the model itself does",
        Truth(seed=1),
        Design(items=4, personas=30, include_none=True, repeats=6),
        (null("steerability", "stability", "p", dimension="a"),),
    )


def variance() -> Iterator[Case]:
    """Variance components and generalizability."""

    def share(component: str, name: str) -> Statistic:
        return interval(
            f"share of {name}",
            lambda p: p.share(component),
            "components",
            "share",
            component=component.replace(":", " × "),
        )

    yield Case(
        "components",
        "personas, items and languages that differ, all of them samples",
        Truth(spread=0, idiosyncrasy=0.6, language=0.5, dif=0.4),
        Design(dimensions=1, items=6, personas=30, languages=("en", "de", "fr", "sw", "zh")),
        (
            share("persona", "persona"),
            share("item", "item"),
            share("language", "language"),
            share("item:language", "item × language"),
            share("residual", "the rest"),
            interval(
                "variance of persona", lambda p: p.components["persona"], "components", "variance", component="persona"
            ),
            interval(
                "generalizability Eρ²",
                lambda p: p.generalizability(6, 5),
                "coefficients",
                "generalizability",
                object="persona",
                asked=True,
            ),
            interval(
                "dependability Φ",
                lambda p: p.dependability(6, 5),
                "coefficients",
                "dependability",
                object="persona",
                asked=True,
            ),
        ),
        items_drawn=True,
        most={"items": 40, "languages": tuple(f"x{n}" for n in range(40))},
        draws=12,
    )
