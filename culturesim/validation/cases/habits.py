"""Silence, styles, place on the list and frame."""

from __future__ import annotations

from collections.abc import Iterator

from culturesim.backends.sim_truth import Truth
from culturesim.validation.case import Case, interval, null
from culturesim.validation.cases.common import PEOPLE
from culturesim.validation.surveys import Design


def habits() -> Iterator[Case]:
    """What answers look like whatever is asked."""
    yield Case(
        "silence",
        "a respondent who refuses, and often says nothing readable",
        Truth(idiosyncrasy=0.5, refusal=0.15, unparsed=0.1),
        Design(items=4, personas=40),
        (
            interval("valid share", 0.75, "coverage", "valid_share"),
            interval("refused", 0.15, "styles", "estimate", style="refused"),
            interval("unparsed", 0.1, "styles", "estimate", style="unparsed"),
        ),
    )
    yield Case(
        "styles",
        "yes-saying, and a liking of the ends",
        Truth(
            idiosyncrasy=0.5,
            acquiescence=0.4,
            acquiescence_sd=0.4,
            extremity=0.5,
            extremity_sd=0.5,
            midpoint=0.5,
            seed=1,
        ),
        Design(items=4, personas=50),
        (
            interval("acquiescence", lambda p: p.acquiescence(), "styles", "estimate", style="acquiescence"),
            interval("extremity", lambda p: p.shares(0, -1), "styles", "estimate", style="extremity"),
            interval("midpoint", lambda p: p.shares(2), "styles", "estimate", style="midpoint"),
        ),
    )
    yield Case(
        "lines",
        "personas who tend to give one code to everything",
        Truth(idiosyncrasy=1.2, difficulty=0.2, temperature=0.25, seed=1),
        Design(dimensions=1, items=5, keyed=False, personas=80),
        (
            interval("straight-lining", lambda p: p.straight_lines(), "styles", "estimate", style="straight_lining"),
            interval("longest run", lambda p: p.longest(), "styles", "estimate", style="longest_string"),
        ),
    )
    both = ("printed", "reversed")
    yield Case(
        "order",
        "a tenth of all answers goes to the option printed first",
        Truth(idiosyncrasy=0.6, position=0.1, mean=-0.4, seed=1),
        Design(items=4, personas=50, orders=both),
        (
            interval("effect of option order", lambda p: p.moved(order="reversed"), "effects", "difference"),
            interval("share of the option listed first", lambda p: p.first(), "positions", "first_share"),
        ),
    )
    yield Case(
        "order-null",
        "a respondent whom the order of options does not move",
        PEOPLE,
        Design(items=4, personas=50, orders=both),
        (
            null("effect of option order", "effects", "difference", 0.0, factor="option_order"),
            null("position coefficient", "styles", "estimate", 0.0, style="position_coefficient"),
        ),
    )
    yield Case(
        "position",
        "place on the list in option probabilities",
        Truth(idiosyncrasy=0.6, position=0.2, seed=1),
        Design(items=4, personas=40, orders=both, probabilities=True),
        (
            interval("position share", lambda p: p.position_share(), "positions", "share"),
            interval("distance from the middle", lambda p: p.position_distance(), "positions", "distance"),
        ),
    )
    yield Case(
        "frame",
        "a frame that moves some items",
        Truth(idiosyncrasy=0.6, frame=0.6, seed=3),
        Design(items=4, personas=50, frames=("form", "talk")),
        (interval("effect of frame", lambda p: p.moved(frame="talk"), "effects", "difference", factor="frame"),),
    )
    yield Case(
        "frame-null",
        "a frame that does nothing",
        PEOPLE,
        Design(items=4, personas=50, frames=("form", "talk")),
        (null("effect of frame", "effects", "difference", 0.0, factor="frame"),),
    )
