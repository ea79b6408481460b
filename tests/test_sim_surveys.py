"""Respondents of known truth through the whole way: design, prompts, words, parser, store."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

import culturesim as cs
from culturesim import api
from culturesim.backends import load
from culturesim.backends.sim_graded import Asked, Graded
from culturesim.backends.sim_truth import Truth
from culturesim.briefing import brief
from culturesim.errors import BackendError, DefinitionError, StudyError, UnknownNameError
from culturesim.library import Library
from culturesim.parse import parse
from culturesim.prepare import item_rows
from culturesim.records import Settings
from culturesim.serve import Responder
from tests.conftest import LANGUAGES


def backend(model, prepared, library):
    return load(model, briefing=brief(model, prepared.selection, prepared.lexicons.values(), library))


def answers(model, prepared, library):
    """(prompt, answer) of every trial."""
    asked = list(map(prepared.renderer.render, prepared.design.trials()))
    completions = asyncio.run(backend(model, prepared, library).complete(asked, Settings()))
    return [
        (prompt, parse(prompt, completion, prepared.lexicons[prompt.trial.language]))
        for prompt, completion in zip(asked, completions, strict=True)
    ]


@pytest.mark.parametrize("keys", ["numbers", "letters"])
def test_what_is_said_is_read_in_all_languages_and_frames(prepared, library, keys):
    study = prepared(battery="quick", languages=LANGUAGES, frames=tuple(library.frames()), keys=keys)
    model = "sim/graded?persona=0.5&position=0.2"
    found = answers(model, study, library)
    assert {answer.status for _, answer in found} == {"valid"}
    assert {prompt.trial.language for prompt, _ in found} == {*LANGUAGES}


def test_what_is_said_is_what_was_drawn(prepared, library):
    """At temperature 0 the truth has one code for each question, and every text has to bring it."""
    study = prepared(questionnaires=("mfq2",), languages=LANGUAGES, option_orders=("printed", "shuffled"))
    model = "sim/graded?temperature=0&language=1&dif=1"
    truth = backend(model, study, library)._respondent.graded
    for prompt, answer in answers(model, study, library):
        codes = tuple(option.code for option in prompt.options)
        certain = codes[truth.distribution(prompt.trial, order=codes).index(1.0)]
        assert answer.codes == (certain,), prompt.trial


def test_statuses_and_codes_of_a_survey_are_as_planted(tmp_path, library):
    study = cs.Study(
        model="sim/graded?seed=3&refusal=0.15&unparsed=0.10", questionnaires=("mfq2",), languages=("en", "ar", "ja"),
        wordings="all", frames=("form", "interview"), repeats=3,
    )  # fmt: skip
    run = cs.survey(study, tmp_path / "survey.duckdb")
    rows = run.responses()
    assert set(rows["model"]) == {"sim/graded?refusal=0.15&unparsed=0.1&seed=3"}
    assert rows.height > 3000
    shares = {status: count / rows.height for status, count in Counter(rows["status"]).items()}
    assert shares == pytest.approx({"valid": 0.75, "refused": 0.15, "unparsed": 0.1}, abs=0.03)
    item = rows.filter((rows["item"] == "m01") & (rows["status"] == "valid"))["code"]
    (row,) = [row for row in item_rows(library.questionnaire("mfq2")) if row.item == "m01"]
    expected = cs_truth("refusal=0.15&unparsed=0.1&seed=3", row)
    assert [sum(item == code) / len(item) for code in row.codes] == pytest.approx(expected, abs=0.2)


def cs_truth(query, row):
    return Graded(Truth.of_query(query), [row]).distribution(Asked(row.questionnaire, row.item))


def test_a_survey_asked_again_under_another_spelling_asks_nothing(tmp_path):
    db = tmp_path / "survey.duckdb"
    study = cs.Study(model="sim/graded?seed=2&persona=0.50", battery="first")
    assert cs.survey(study, db).tally.asked
    again = cs.survey(study.model_copy(update={"model": "sim/graded?persona=0.5&seed=2"}), db)
    assert again.tally.asked == 0
    assert cs.plan(study).model == "sim/graded?persona=0.5&seed=2"


def test_probabilities_leave_silence_off_the_options(tmp_path):
    study = cs.Study(model="sim/graded?refusal=0.2&unparsed=0.1", questionnaires=("mfq2",), elicitation="probabilities")
    rows = cs.survey(study, tmp_path / "survey.duckdb").responses()
    assert set(rows["status"]) == {"valid"}
    assert rows["mass"].to_list() == pytest.approx([0.7] * rows.height)


def test_a_file_is_the_respondent_and_another_one_is_not_mixed_in(tmp_path):
    file, db = tmp_path / "truth.toml", tmp_path / "survey.duckdb"
    file.write_text("temperature = 0\n[difficulties]\nm01 = -9\nmfq2.m02 = 9\n", encoding="utf-8")
    study = cs.Study(model=f"sim/graded:{file}", questionnaires=("mfq2",), items=("m01", "m02"))
    rows = cs.survey(study, db).responses()
    assert set(zip(rows["item"], rows["code"], strict=True)) == {("m01", 5), ("m02", 1)}
    file.write_text("temperature = 1\n", encoding="utf-8")
    with pytest.raises(StudyError, match="from other weights"):
        cs.survey(study.model_copy(update={"frames": ("interview",)}), db)


def test_faults_of_a_name_are_told_before_anything_is_asked(tmp_path):
    db = tmp_path / "survey.duckdb"
    with pytest.raises(UnknownNameError, match="did you mean 'persona'"):
        cs.survey(cs.Study(model="sim/graded?persone=1", battery="first"), db)
    with pytest.raises(DefinitionError, match="cannot be read"):
        cs.survey(cs.Study(model=f"sim/graded:{tmp_path}/none.toml", battery="first"), db)
    with pytest.raises(BackendError, match="was not told"):
        load("sim/graded:truth.toml")
    with pytest.raises(UnknownNameError, match="simulated respondent"):
        load("sim/uniform?seed=1")


def test_a_changed_language_file_changes_no_trial(prepared, library, tmp_path):
    (tmp_path / "questionnaires" / "languages").mkdir(parents=True)
    text = library.lexicons()["en"].read_text(encoding="utf-8")
    changed = tmp_path / "questionnaires" / "languages" / "en.toml"
    changed.write_text(text.replace('"My answer is {key}."', '"I say {key}."'), encoding="utf-8")
    other = api.prepare(prepared(battery="first").study, Library([tmp_path]))
    assert "I say {key}." in other.lexicons["en"].speech.answers
    assert [t.id for t in other.design.trials()] == [t.id for t in prepared(battery="first").design.trials()]


def test_it_is_served(prepared, library):
    study = prepared(questionnaires=("mfq2",), items=("m01",), languages=("en", "ar"), wordings="all", repeats=20)
    model = "sim/graded?temperature=0&refusal=0.2"
    respond, statuses, codes = Responder(model), Counter(), set()
    for prompt, _ in answers("sim/uniform", study, library):
        said = respond.reply(prompt.system, prompt.user, prompt.trial.seed)
        completion = asyncio.run(backend("sim/uniform", study, library).complete([prompt], Settings()))[0]
        answer = parse(prompt, replace(completion, text=said.text), study.lexicons[prompt.trial.language])
        statuses[answer.status] += 1
        codes |= set(answer.codes)
    assert set(statuses) == {"valid", "refused"}
    assert statuses["refused"] / statuses.total() == pytest.approx(0.2, abs=0.1)
    assert len(codes) == 1
