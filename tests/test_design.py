from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.errors import StudyError
from culturesim.library import Library
from culturesim.persona import Persona, PersonaTexts
from culturesim.prepare import Prepared, prepare
from culturesim.records import Trial
from culturesim.study import Draw, make_study
from tests.conftest import ROOT

Make = Callable[..., Prepared]
SMALL = {"languages": ("en", "ar"), "personas": Draw(pool="world", n=3), "frames": ("form", "interview")}


def ids(trials: Any) -> list[str]:
    return [trial.id for trial in trials]


def test_the_full_crossing_is_asked(prepared: Make) -> None:
    design = prepared(**SMALL, repeats=2).design
    assert design.count == 6 * 2 * (3 + 1) * 2 * 2 * 2 == len(set(ids(design.trials())))


def test_both_orders_of_asking_hold_the_same_trials(prepared: Make) -> None:
    design = prepared(**SMALL, wordings="all").design
    assert sorted(ids(design.trials("shuffled"))) == sorted(ids(design.trials("grouped")))


def test_same_study_same_trials(prepared: Make) -> None:
    assert ids(prepared(**SMALL).design.trials()) == ids(prepared(**SMALL).design.trials())


@pytest.mark.parametrize(
    "changed",
    [
        {"model": "sim/first-option"},
        {"keys": "letters"},
        {"settings": {"temperature": 0.5}},
        {"settings": {"seed": 1}},
    ],
)
def test_what_changes_every_request_changes_every_id(prepared: Make, changed: dict[str, Any]) -> None:
    assert not set(ids(prepared(**SMALL).design.trials())) & set(ids(prepared(**SMALL | changed).design.trials()))


def test_a_larger_study_holds_the_smaller_ones_trials(prepared: Make) -> None:
    larger = {
        "languages": ("en", "ar", "es"),
        "personas": Draw(pool="world", n=7),
        "option_orders": ("printed", "reversed", "shuffled"),
    }
    assert set(ids(prepared(**SMALL).design.trials())) < set(ids(prepared(**SMALL | larger).design.trials()))


def test_grouped_trials_share_their_beginnings(prepared: Make) -> None:
    trials = list(prepared(**SMALL).design.trials("grouped"))
    changes = sum(a.persona != b.persona for a, b in pairwise(trials))
    assert changes == 3


@pytest.mark.parametrize("elicitation", ["probabilities", "probabilities_or_choice"])
def test_pick_items_are_asked_by_choice(prepared: Make, elicitation: str) -> None:
    trials = prepared(questionnaires=("iw10",), elicitation=elicitation).design.trials()
    asked = {(trial.item, trial.elicitation) for trial in trials}
    assert ("Y002_goals", "choice") in asked
    assert ("A008", elicitation) in asked


@pytest.mark.parametrize("elicitation", ["probabilities", "probabilities_or_choice"])
def test_a_frame_may_be_asked_by_choice_only(prepared: Make, elicitation: str) -> None:
    trials = prepared(frames=("form", "json"), elicitation=elicitation).design.trials()
    assert {(trial.frame, trial.elicitation) for trial in trials} == {("form", elicitation), ("json", "choice")}


def test_what_is_asked_by_choice_either_way_is_the_same_trial(prepared: Make) -> None:
    choice, probabilities = (
        prepared(frames=("json",), elicitation=how).design.trials() for how in ("choice", "probabilities")
    )
    assert ids(choice) == ids(probabilities)


def test_a_beginning_of_the_shuffled_order_is_a_fair_sample(prepared: Make) -> None:
    design = prepared(battery="full", languages=("en", "es", "zh", "ar"), personas=Draw(pool="world", n=30)).design
    beginning = Counter(trial.language for trial in islice(design.trials(), 2000))
    assert all(abs(n - 500) < 90 for n in beginning.values())


def shares(trials: Sequence[Trial], whole: Sequence[Trial], *names: str) -> list[float]:
    def levels(some: Sequence[Trial]) -> Counter[tuple[Any, ...]]:
        return Counter(tuple(getattr(trial, name) for name in names) for trial in some)

    kept = levels(trials)
    return [kept[level] / n for level, n in levels(whole).items()]


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5, 0.8])
def test_a_fraction_keeps_every_level_and_pair_in_its_share(prepared: Make, fraction: float) -> None:
    study = SMALL | {"battery": "quick", "personas": Draw(pool="world", n=12), "languages": ("en", "es", "zh", "ar")}
    whole, part = (list(prepared(**study, fraction=f).design.trials()) for f in (1.0, fraction))
    assert len(part) / len(whole) == pytest.approx(fraction, abs=0.02)
    for names in (["language"], ["persona"], ["frame"], ["option_order"], ["item"]):
        assert shares(part, whole, *names) == pytest.approx([fraction] * len(shares(part, whole, *names)), abs=0.1)
    for names in (["language", "option_order"], ["persona", "language"], ["frame", "option_order"]):
        assert shares(part, whole, *names) == pytest.approx([fraction] * len(shares(part, whole, *names)), abs=0.15)


def test_a_fraction_asks_a_question_in_all_its_orders(prepared: Make) -> None:
    kept = Counter(
        (t.item, t.language, t.persona, t.frame, t.repeat) for t in prepared(**SMALL, fraction=0.2).design.trials()
    )
    assert set(kept.values()) == {2}


def test_a_fraction_that_leaves_nothing_is_refused(prepared: Make) -> None:
    with pytest.raises(StudyError, match=r"a fraction of 0\.0001 of 12 trials is none"):
        assert prepared(fraction=0.0001).design


@settings(max_examples=30, deadline=None)
@given(fraction=st.floats(0.15, 1), seed=st.integers(0, 9), n=st.integers(1, 6))
def test_the_count_is_the_number_of_trials(library: Any, fraction: float, seed: int, n: int) -> None:
    study = make_study(model="sim/uniform", battery="first", languages=("en", "es"), personas=Draw(pool="world", n=n),
                       fraction=fraction, settings={"seed": seed})  # fmt: skip
    design = prepare(study, library).design
    assert Counter(("mfq2", trial.language) for trial in design.trials()) == Counter(dict(design.planned))


def test_only_trials_of_a_changed_wording_change(prepared: Make, library: Any) -> None:
    before = prepared(languages=("en", "es"), wordings="all")
    questionnaire, items = before.selection[0]
    english = questionnaire.texts["en"]
    changed = english.model_copy(update={"items": english.items | {"m02": (english.items["m02"][0], "New.", "Newer.")}})
    after = prepare(before.study, library)
    vars(after)["selection"] = [
        (type(questionnaire)(questionnaire.folder, questionnaire.keys, {**questionnaire.texts, "en": changed}), items)
    ]
    fresh = [trial for trial in after.design.trials() if trial.id not in set(ids(before.design.trials()))]
    assert {(t.item, t.language, t.wording) for t in fresh} == {("m02", "en", 1), ("m02", "en", 2)}


def test_a_changed_vocabulary_changes_personas_not_the_model_itself(prepared: Make) -> None:
    study = prepared(languages=("en",), personas=Draw(pool="world", n=2))
    texts = study.texts["en"]
    other = prepared(languages=("en",), personas=Draw(pool="world", n=2))
    told = texts.template.replace("As for religion", "In religion")
    vars(other)["texts"] = {"en": PersonaTexts("en", texts.path, told, texts.vocabulary)}
    kept = set(ids(study.design.trials())) & set(ids(other.design.trials()))
    assert {trial.persona for trial in other.design.trials() if trial.id in kept} == {"none"}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
def test_ten_million_trials_take_little_memory_and_no_enumeration() -> None:
    code = """
import re, sys
from culturesim.cli import run
run(sys.argv[1:])
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""
    study = ["plan", "openai/gpt-4.1-mini", "--battery", "full", "--languages", "en,es,zh,ar", "--wordings", "all",
             "--frames", "form,interview", "--personas", "world:1509", "--repeats", "6", "--json"]  # fmt: skip
    out = subprocess.run([sys.executable, "-c", code, *study], capture_output=True, text=True, check=True).stdout
    plan, kilobytes = out.splitlines()
    assert json.loads(plan)[0]["count"] > 10_000_000
    assert int(kilobytes) < 200_000


def test_a_persona_is_known_by_what_it_is() -> None:
    assert Persona("world", {"age": 3, "sex": "male"}).id == Persona("world", {"sex": "male", "age": 3}).id
    assert Persona("world", {"age": 3}).id != Persona("world", {"age": 4}).id


def test_items_in_the_same_words_are_trials_of_their_own(tmp_path: Any, library: Any) -> None:
    """Inventories share sentences; an answer counts for the item on its row."""
    for name in ("mfq2", "twin"):
        folder = shutil.copytree(ROOT / "questionnaires" / "mfq2", tmp_path / "questionnaires" / name)
        keys = folder / "questionnaire.toml"
        keys.write_text(keys.read_text(encoding="utf-8").replace('"mfq2"', f'"{name}"'), encoding="utf-8")
    study = make_study(model="sim/uniform", questionnaires=("mfq2", "twin"))
    trials = list(prepare(study, Library([tmp_path])).design.trials())
    assert len({trial.id for trial in trials}) == len(trials) == 2 * 36 * 2
