"""Questionnaires that nobody wrote, with texts that are hard on formats: quotes, line ends, templates, formulas."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from culturesim.definition import Provenance
from culturesim.exchange.definitions import Definition
from culturesim.questionnaire import CompositeItem, Keys, ScaleTexts, Texts

HARD = [
    "=1+1", "+49", "@a", "007", "1.0", "true", '"""', "a\nb", "a\r\nb", " edge ", "_x000D_", "{{ g('a', \"b\") }}",
    "{# no #}", "مرحبا، كيف الحال؟", "\u200fא\u2067", "a\\n", "#, fuzzy", "x\u2028y\x85z", "PROJECT 1 YEAR", "nul\x00",
]  # fmt: skip
TAGS = ("en", "ar", "zh-Hant")

_any_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
sentences = st.one_of(st.sampled_from(HARD), _any_text).filter(lambda text: bool(text.strip()))
words = st.text("abc äß,;|=", max_size=8).map(str.strip)


@st.composite
def definitions(draw: Any) -> Definition:
    """A sound questionnaire of one to five items, in one to three languages."""
    scales = [
        {
            "id": name, "kind": draw(st.sampled_from(["ordinal", "nominal"])),
            "codes": sorted(draw(st.sets(st.integers(-3, 8), min_size=2, max_size=4))),
            "missing": draw(st.sampled_from([(), (9,)])),
        }
        for name in ("far", "how_often")
    ]  # fmt: skip
    items = [draw(_items(number)) for number in range(draw(st.integers(1, 5)))]
    used = dict.fromkeys(name for item in items for name in item["dimensions"])
    if draw(st.booleans()):
        computed = {"id": "sum", "kind": "composite", "formula": "1 + 1", "range": (0, 2.5), "topic": draw(words)}
        items.insert(draw(st.integers(0, len(items))), computed)
    keys = Keys.model_validate(
        {
            "id": "invented", "version": "1.0", "title": draw(words) or "t", "wording": "adapted",
            "description": draw(words), "source": {"citation": draw(words) or "c", "doi": draw(words)},
            "scales": scales,
            "dimensions": [{"id": name, "title": draw(words) or "t", "low": draw(words)} for name in used],
            "items": items, "scoring": draw(st.sampled_from([
                {"method": "mean"}, {"method": "centred_mean"},
                {"method": "formula", "formulas": dict.fromkeys(used, "2.5 * (\n  1 - 3\n)")},
            ])),
        }
    )  # fmt: skip
    tags = TAGS[: draw(st.integers(1, len(TAGS)))]
    return Definition(keys, {tag: draw(_texts(tag, keys)) for tag in tags})


def _items(number: int) -> st.SearchStrategy[dict[str, Any]]:
    common = {"id": st.just(f"q{number}"), "scale": st.sampled_from(["far", "how_often"]), "code": words,
              "topic": words, "dimensions": st.lists(st.sampled_from(["warmth", "order"]), unique=True)}  # fmt: skip
    picks = {"kind": st.just("pick"), "min_picks": st.integers(1, 2), "max_picks": st.just(2),
             "ordered": st.booleans()}  # fmt: skip
    return st.one_of(
        st.fixed_dictionaries({**common, "reverse": st.booleans()}), st.fixed_dictionaries({**common, **picks})
    )


@st.composite
def _texts(draw: Any, tag: str, keys: Keys) -> Texts:
    asked = [item.id for item in keys.items if not isinstance(item, CompositeItem)]
    several = st.lists(sentences, min_size=1, max_size=3, unique=True).map(tuple)
    scales = {}
    for scale in keys.scales:
        count = len(scale.codes)
        labels = draw(st.lists(sentences, min_size=count, max_size=count, unique=True))
        if scale.kind == "ordinal" and count > 2 and draw(st.booleans()):
            labels[1] = ""
        scales[scale.id] = ScaleTexts(instruction=draw(st.one_of(st.just(""), sentences)), labels=tuple(labels))
    provenance = Provenance(authored=draw(st.booleans()), official=draw(st.booleans()), note=draw(words))
    advice = {name: draw(several) for name in asked if draw(st.booleans())}
    items = {name: draw(several) for name in asked}
    return Texts(language=tag, provenance=provenance, scales=scales, items=items, advice=advice)
