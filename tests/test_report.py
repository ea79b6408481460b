"""The report: one safe, self-contained page that says first what the answers are worth."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from culturesim.errors import AnalysisError, CulturesimError, RenderError
from culturesim.records import STATUSES
from culturesim.report import axis, interval, listed, number, percent, render_page, scale_axis, signed, write_report
from culturesim.results import (
    Analysis,
    CoverageRow,
    DesignRow,
    DistributionRow,
    EffectRow,
    Estimate,
    PositionRow,
    QuestionnaireResult,
    ScoreRow,
)

TEMPLATES = Path(__file__).parent.parent / "analysis" / "report"
MODEL = "llamacpp/smollm2"
MISSING = Estimate(None, None, None, 2, 0, "personas", "fewer than half of them are left")
STUDY = {
    "model": MODEL, "battery": "full", "questionnaires": [], "languages": ["en", "ar"], "wordings": [0, 1],
    "personas": {"pool": "world", "n": 8, "seed": 0}, "include_none": True, "frames": ["form"], "fraction": 1.0,
    "option_orders": ["printed", "reversed"], "settings": {"temperature": 1.0, "seed": 0},
}  # fmt: skip


def estimate(value: float, low: float, high: float) -> Estimate:
    return Estimate(value, low, high, 288, 8, "personas")


def position(language: str, share: Estimate, verdict: Any) -> PositionRow:
    first, last = estimate(0.45, 0.4, 0.5), estimate(0.12, 0.1, 0.2)
    return PositionRow(MODEL, "mfq2", language, share, estimate(0.63, 0.6, 0.7), first, last, verdict)


def coverage(language: str, mass: float | None = 0.4) -> CoverageRow:
    statuses = dict.fromkeys(STATUSES, 0) | {"valid": 270, "refused": 18}
    return CoverageRow(MODEL, "mfq2", language, 288, 288, statuses, estimate(0.9375, 0.91, 0.96), mass)


def shares(kind: str, values: dict[int, float]) -> DistributionRow:
    return DistributionRow(MODEL, "mfq2", f"an_{kind}", "care", "en", "personas", kind, values, 30, 32)


def analysis(**changes: Any) -> Analysis:
    score = ScoreRow(MODEL, "mfq2", "care", "Care", "en", "personas", estimate(3.2, 2.9, 3.6), 6, "1–5")
    effect = EffectRow(
        MODEL, "mfq2", "en", "option_order", "printed", "reversed", estimate(-0.2, -0.3, 0.1), estimate(0.3, 0.2, 0.4)
    )
    whole = Analysis(
        database="/somewhere/private/survey.duckdb", created="2026-07-30T10:00:00+00:00", package="0.1.0",
        confidence=0.95, replicates=2000, seed=7,
        design=(DesignRow("run-1", MODEL, False, "done", "2026-07-30 08:05:12.5", None, "0.1.0", "3",
                          json.dumps(STUDY), 576, 576),),
        questionnaires=(QuestionnaireResult("mfq2", "1.0+ab", "Moral foundations", "adapted", "Atari (2023)."),),
        coverage=(coverage("en"), coverage("ar")),
        scores=(score, replace(score, condition="none"), replace(score, language="ar", score=MISSING, flag="m01 gone")),
        effects=(effect,),
        positions=(position("en", estimate(0.21, 0.16, 0.26), "content"),),
        distributions=(shares("scale", {1: 0.25, 2: 0.75}), shares("pick", {1: 0.9, 2: 0.8, 3: 0.0})),
        withheld={f"{MODEL} / mfq2": "one reason; another reason"},
    )  # fmt: skip
    return replace(whole, **changes)


def page(**changes: Any) -> str:
    return render_page(analysis(**changes), TEMPLATES)


class Words(HTMLParser):
    """The text a reader sees; fails on tags that do not balance and ids that come twice."""

    VOID = frozenset({"meta", "br", "hr", "img", "link", "input", "col"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.pieces: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.ids += [names["id"] or ""] if "id" in names else []
        self.links += [value or "" for name, value in attrs if name in {"href", "src", "action", "data", "xlink:href"}]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Drawn shapes close themselves."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.open):
            self.pieces.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).split())


def text(**changes: Any) -> str:
    return Words(page(**changes)).text


# ---------------------------------------------------------------- the page as a file


def test_writes_one_file_into_a_new_folder(tmp_path: Path) -> None:
    path = write_report(analysis(), TEMPLATES, tmp_path / "deep" / "report")
    assert path == tmp_path / "deep" / "report" / "index.html"
    assert [*path.parent.iterdir()] == [path]
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_says_what_exactly_answered_where_it_is_known() -> None:
    known = replace(analysis().design[0], backend='{"dtype": "bfloat16", "weights": "sha256:abc"}')
    said = text(design=(known, replace(known, run="run-2", backend="{}")))
    assert "Precisionbfloat16—" in said
    assert "Weightssha256:abc—" in said
    assert "Chat template" not in said
    assert "Precision" not in text()


def test_same_analysis_same_bytes(tmp_path: Path) -> None:
    first, second = (write_report(analysis(), TEMPLATES, tmp_path / name) for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_needs_nothing_from_outside() -> None:
    html = page()
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in html
    assert all(link.startswith("#") for link in Words(html).links)
    assert not re.search(r"https?://|@import|url\(|<script|<link|<iframe|\son\w+=", html)


def test_tags_balance_and_links_lead_somewhere() -> None:
    words = Words(page())
    assert not words.open
    assert len(set(words.ids)) == len(words.ids)
    assert {link[1:] for link in words.links} <= set(words.ids)


def test_every_table_has_a_caption_and_scoped_headers() -> None:
    html = page()
    assert html.count("<caption>") == len(re.findall(r"<table[ >]", html)) > 5
    assert not re.findall(r"<th(?![^>]*scope=)[ >]", html)


def test_an_analysis_without_rows_is_still_a_page() -> None:
    empty = dict.fromkeys(("design", "questionnaires", "coverage", "scores", "effects", "positions"), ())
    said = text(**empty, distributions=(), withheld={})
    assert "Nothing has been asked yet" in said
    assert "No dimension could be scored" in said


def test_the_folder_of_the_store_is_not_told() -> None:
    html = page()
    assert "survey.duckdb" in html
    assert "private" not in html


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CulturesimError, match=r"file.*index.html: cannot be written .*choose another folder with -o"):
        write_report(analysis(), TEMPLATES, tmp_path / "file")


# ---------------------------------------------------------------- hostile text


def test_hostile_names_are_escaped() -> None:
    evil = "openai/<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    row = analysis().design[0]
    html = page(
        design=(replace(row, model=evil, run=evil, outcome=evil),), coverage=(replace(coverage("en"), model=evil),)
    )
    assert "<script" not in html
    assert "<img" not in html
    assert evil in Words(html).text


def test_hostile_definitions_are_escaped() -> None:
    evil = "</style><script>x</script>{{ 7*7 }}"
    html = page(
        questionnaires=(QuestionnaireResult("mfq2", evil, evil, evil, evil),), withheld={evil: evil},
        distributions=(replace(shares("scale", {1: 1.0}), item=evil, topic=evil),),
    )  # fmt: skip
    assert "<script" not in html
    assert html.count("</style>") == 1
    assert "{{ 7*7 }}" in html


def test_control_and_direction_characters_do_not_pass() -> None:
    html = page(questionnaires=(QuestionnaireResult("mfq2", "1", "a\x00b\u202ec\u2066d", "adapted", "lone \ud800"),))
    assert "a\ufffdb\ufffdc\ufffdd" in html
    assert not re.search("[\x00\u202e\u2066]", html)


def test_lone_surrogates_are_written(tmp_path: Path) -> None:
    odd = analysis(questionnaires=(QuestionnaireResult("mfq2", "1", "t", "adapted", "lone \ud800"),))
    assert "lone ?" in write_report(odd, TEMPLATES, tmp_path).read_text(encoding="utf-8")


# ---------------------------------------------------------------- what the answers are worth


def test_summary_counts() -> None:
    said = text()
    assert "was asked 576 trials in English and Arabic" in said
    assert "as 8 personas of the pool world and as itself, without a persona. 540 (94 %) gave a valid answer." in said


def test_position_is_said_first_and_in_words() -> None:
    said = text(positions=(position("es", estimate(0.71, 0.65, 0.77), "position"),))
    sentence = (
        "In Spanish, 71 % [65–77] of the answers' squared distance from the middle of the scale turns with the list "
        "(n = 288 pairs); the rest stays with what options say. These answers are not evidence of values."
    )
    assert sentence in said
    assert said.index(sentence) < said.index("What was asked")


@pytest.mark.parametrize(
    ("verdict", "heading"),
    [
        ("position", "Where an option stood mattered more than what it said"),
        ("undecided", "Undecided: position or content"),
        ("too_few", "Too few answers to tell position from content"),
        ("content", "What an option said mattered more than where it stood"),
    ],
)
def test_each_verdict_has_its_words_and_no_other(verdict: str, heading: str) -> None:
    said = text(positions=(position("en", estimate(0.5, 0.4, 0.6), verdict),))
    headings = [name for name in HEADINGS if name in said]
    assert headings == [heading]


HEADINGS = (
    "Where an option stood mattered more than what it said", "Undecided: position or content",
    "Too few answers to tell position from content", "What an option said mattered more than where it stood",
    "Not tested: position against content",
)  # fmt: skip


def test_untested_position_is_said() -> None:
    said = text(positions=())
    assert HEADINGS[4] in said
    assert "position's share cannot be told" in said


def test_too_few_pairs_name_the_way_out() -> None:
    none = Estimate(None, None, None, 0, 0, "items", "nothing to estimate from")
    assert "--orders printed,reversed" in text(positions=(position("en", none, "too_few"),))


def test_a_share_that_cannot_be_had_tells_why() -> None:
    none = Estimate(None, None, None, 40, 0, "personas", "all answers lie in the middle")
    assert "In English: all answers lie in the middle (n = 40)." in text(positions=(position("en", none, "undecided"),))


def test_a_share_without_width_says_why() -> None:
    alike = replace(estimate(1, 1, 1), note="every persona gives the same value")
    said = text(positions=(position("en", alike, "position"),))
    assert "(n = 288 pairs; every persona gives the same value)" in said


def test_little_probability_on_the_options_is_said_in_the_summary_and_beside_the_table() -> None:
    said = text(coverage=(coverage("en", 0.459), coverage("ar", 0.019), coverage("es", 0.7)))
    sentence = "of the model's probability, on average only 2 % in Arabic and 46 % in English lay on the options"
    assert said.count(sentence) == 2
    assert said.index(sentence) < said.index("What an option said mattered more") < said.index("What was asked")


@pytest.mark.parametrize("mass", [None, 0.5])
def test_enough_probability_on_the_options_needs_no_word(mass: float | None) -> None:
    assert "Most of the probability lay elsewhere" not in text(coverage=(coverage("en", mass),))


def test_options_listed_first_and_last_are_shown_side_by_side() -> None:
    said = text()
    assert "Option listed firstOption listed last" in said
    assert "45 % [40–50]" in said
    assert "12 % [10–20]" in said


def test_simulated_respondents_are_labelled() -> None:
    said = text(design=(replace(analysis().design[0], simulated=True),))
    assert "Simulated respondents." in said
    assert f"What {MODEL} simulated answered" in said
    assert "simulated" not in text().lower()


def test_adapted_wordings_are_labelled() -> None:
    official = replace(analysis().questionnaires[0], wording="official")
    notice = "Scores of adapted wordings are not official scores."
    assert notice in text()
    assert notice not in text(questionnaires=(official,))


def test_wordings_of_several_kinds_are_told_by_language() -> None:
    mixed = replace(analysis().questionnaires[0], wording="official in de, adapted in en")
    said = text(questionnaires=(mixed,))
    assert "Moral foundations (mfq2) (official in de, adapted in en) was asked in wordings adapted" in said
    assert "official in de, adapted in en scores of adapted wordings are not official" in said


def test_an_unfinished_survey_is_called_so() -> None:
    assert "The survey is not finished: 600 trials were planned." in text(
        coverage=(replace(coverage("en"), planned=600),)
    )


# ---------------------------------------------------------------- the parts


def test_design_shows_every_factor() -> None:
    said = text()
    for shown in ("8 personas of the pool world (seed 0)", "printed, reversed", "0, 1", "temperature 1, seed 0",
                  "culturesim 0.1.0, parser 3", "576 of 576", "2026-07-30 08:05 UTC", "Arabic العربية",
                  "second person"):  # fmt: skip
        assert shown in said


def test_design_shows_how_personas_were_told() -> None:
    design = replace(analysis().design[0], study=json.dumps(STUDY | {"rendering": "first_person"}))
    assert "first person" in text(design=(design,))
    alone = replace(design, study=json.dumps(STUDY | {"personas": {"pool": "none", "n": 0, "seed": 0}}))
    assert "person" not in text(design=(alone,)).partition("Personas told as")[2][:20]


def test_a_study_that_is_not_json_names_its_run() -> None:
    with pytest.raises(AnalysisError, match="run run-1: its study"):
        page(design=(replace(analysis().design[0], study="{"),))


def test_own_names_carry_language_and_direction() -> None:
    assert '<bdi class="own" lang="ar" dir="rtl">العربية</bdi>' in page()


def test_mass_is_shown_where_it_was_elicited() -> None:
    assert "Mean mass on the options" in text()
    assert "Mean mass on the options" not in text(coverage=(coverage("en", None),))


def test_a_missing_score_is_a_dash_with_its_note() -> None:
    html = page()
    assert '<span class="value">—</span>' in html
    assert "fewer than half of them are left" in html
    assert "m01 gone" in html


def test_how_many_failed_attention_items_stands_with_the_scores() -> None:
    row = replace(analysis().scores[0], checked=40, excluded=3)
    said = text(scores=(row, replace(row, condition="none", checked=2, excluded=0)))
    assert "failing an attention item, of those that answered one: English with personas 3 of 40," in said
    assert "English no persona 0 of 2." in said
    assert "Fillings left out" not in text()


def test_scores_without_content_verdict_are_marked() -> None:
    assert "Arabic<sup>" in page()
    assert "English<sup>" not in page()
    assert "†" in text(positions=(position("en", estimate(0.7, 0.6, 0.8), "position"),))


def test_conditions_differ_in_shape() -> None:
    assert page().count('<path d="M0-6.2') > 0
    assert page().count('<circle r="5"/>') > 0


def test_withheld_rankings_give_the_reasons() -> None:
    said = text()
    assert "Rankings withheld." in said
    assert all(reason in said for reason in ("one reason", "another reason"))
    assert "From low to high" not in said


def test_languages_are_ordered_where_nothing_is_withheld() -> None:
    row = analysis().scores[0]
    rows = (row, replace(row, language="ar", score=estimate(2.0, 1.9, 2.1)))
    assert "From low to high with personas: Arabic, English." in text(scores=rows, withheld={})


def test_one_frame_tells_no_effect() -> None:
    assert "One frame was used: its effect cannot be told." in text()


def test_effects_of_frames_are_shown() -> None:
    row = replace(analysis().effects[0], factor="frame", base="form", level="interview")
    said = text(effects=(row,))
    assert "form → interview" in said
    assert "−0.20 [−0.30 to +0.10]" in said
    assert "One option order" not in said


def test_picks_are_bars_that_do_not_sum_to_one() -> None:
    html = page()
    assert html.count("shares do not sum to 1") == 1
    assert 'aria-label="code 1: 90\u202f%, code 2: 80\u202f%, code 3: 0\u202f%"' in html


def test_item_bars_take_their_share_of_the_width() -> None:
    assert '<i class="c0" style="width:25.00%">1</i><i class="c10" style="width:75.00%">2</i>' in page()


def test_methods_name_seed_and_replicates() -> None:
    assert "2,000 times, seed 7" in text()
    assert "culturesim analyse --db survey.duckdb --json" in text()


# ---------------------------------------------------------------- formats and places


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "—"), (0, "0%"), (0.0001, "<0.1%"), (0.004, "0.4%"), (0.714, "71%"), (0.996, "99.6%"), (0.9999, ">99.9%"),
     (1, "100%")],
)  # fmt: skip
def test_percent(value: float | None, expected: str) -> None:
    assert percent(value, "%") == expected


def test_numbers_have_a_true_minus_and_no_negative_zero() -> None:
    assert [number(value) for value in (None, -1.5, -0.001, 1234.5)] == ["—", "−1.50", "0.00", "1,234.50"]
    assert [signed(value) for value in (None, -1.5, -0.001, 0.2)] == ["—", "−1.50", "0.00", "+0.20"]


def test_intervals() -> None:
    assert interval(estimate(0.7, 0.65, 0.77), "percent") == "65–77"
    assert interval(estimate(3, 2.5, 3.5)) == "2.50–3.50"
    assert interval(estimate(0, -0.5, 0.5)) == "−0.50 to 0.50"
    assert interval(MISSING) == ""


def test_lists_of_words() -> None:
    assert [listed(words) for words in ("", "a", "ab", "abc")] == ["—", "a", "a and b", "a, b and c"]


def test_an_axis_holds_all_estimates() -> None:
    line = axis([estimate(0.33, 0.2, 0.41), MISSING])
    assert line.ticks == (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    assert [line.place(value) for value in (-1, 0.25, 0.5)] == ["0.00%", "50.00%", "100.00%"]


def test_a_symmetric_axis_has_zero_in_the_middle() -> None:
    line = axis([estimate(-0.2, -0.33, 0.1)], symmetric=True)
    assert (line.low, line.high, line.place(0.0)) == (-0.4, 0.4, "50.00%")


@pytest.mark.parametrize(
    ("scale", "ends"), [("1–5", (1, 5)), ("−2–2", (-2, 2)), ("0–100", (0, 100)), ("−5.64 … 6.02", (0, 4))]
)
def test_a_scale_gives_its_own_axis(scale: str, ends: tuple[float, float]) -> None:
    line = scale_axis(scale, [estimate(3, 2, 4)])
    assert (line.low, line.high) == ends
    assert len(line.ticks) <= 11


def test_no_estimates_still_make_an_axis() -> None:
    assert axis([MISSING]).high > 0


# ---------------------------------------------------------------- templates of one's own


def own(tmp_path: Path, source: str) -> Path:
    (tmp_path / "index.html.j2").write_text(source, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("source", ["\n{{ nothing }}", "\n{% if %}", "\n{{ analysis.__class__ }}", "\n{{ 1 // 0 }}"])
def test_a_faulty_template_is_named_with_its_line(tmp_path: Path, source: str) -> None:
    with pytest.raises(RenderError, match=r"index\.html\.j2, line 2: "):
        render_page(analysis(), own(tmp_path, source))


def test_a_folder_without_templates_is_named(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"no template index\.html\.j2"):
        render_page(analysis(), tmp_path)
