import numpy as np
import pytest

from culturesim.errors import AnalysisError
from culturesim.stats.crossed import crossed_mean
from culturesim.stats.inference import Bootstrap
from culturesim.stats.nearness import closer, personas_to_populations, survey_agreement, to_populations
from culturesim.stats.opinion import by_question, cfst, opinion_similarity, wasserstein
from culturesim.stats.opinion import survey_agreement as agreement
from culturesim.stats.permutation import Permutations
from culturesim.stats.shares import shares_of

QUICK = Bootstrap(replicates=300)
OPTIONS = 4


def softmax(x):
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


def opinions(rng, questions, gap=1.0, number=2):
    """A model's logits and those of populations around them, of questions drawn from one universe."""
    model = rng.normal(size=(questions, OPTIONS))
    return model, softmax(model + gap * rng.normal(size=(number, questions, OPTIONS)))


def drawn(rng, logits, personas):
    """Chosen options of personas who lean to higher options, or to lower ones, in all questions."""
    lean = rng.normal(size=(personas, 1, 1)) * np.linspace(-1, 1, OPTIONS)
    reached = softmax(logits + lean).cumsum(axis=-1)
    return (rng.random((*reached.shape[:2], 1)) > reached).sum(axis=-1).clip(0, OPTIONS - 1).astype(float)


def averaged(logits):
    lean, weights = np.polynomial.hermite_e.hermegauss(21)
    told = softmax(logits + lean[:, None, None] * np.linspace(-1, 1, OPTIONS))
    return np.einsum("t,tqo->qo", weights / weights.sum(), told)


def measures(questions):
    return [cfst(), opinion_similarity(), wasserstein(np.tile(np.arange(OPTIONS), (questions, 1))), agreement("each")]


@pytest.mark.parametrize("number", range(4))
def test_distances_are_covered_over_questions(number):
    rng = np.random.default_rng(1)
    logits, (people,) = opinions(rng, 20_000, number=1)
    truth = np.nanmean(by_question(measures(20_000)[number], softmax(logits), people))
    hit = []
    for _ in range(250):
        logits, people = opinions(rng, 30, number=1)
        (found,) = to_populations(shares_of(softmax(logits)), shares_of(people), measures(30)[number], bootstrap=QUICK)
        hit.append(found.estimate.low <= truth <= found.estimate.high)
    assert 0.92 <= np.mean(hit) <= 0.98


@pytest.mark.parametrize(
    ("number", "personas", "missing"), [(0, 60, 0), (1, 60, 0), (1, 60, 0.2), (2, 20, 0), (3, 60, 0)]
)
def test_distances_are_covered_over_personas_and_questions(number, personas, missing):
    rng = np.random.default_rng(2)
    logits, (people,) = opinions(rng, 20_000, number=1)
    truth = np.nanmean(by_question(measures(20_000)[number], averaged(logits), people))
    hit, plain, estimate = [], [], []
    for _ in range(250):
        logits, people = opinions(rng, 30, number=1)
        answers = drawn(rng, logits, personas)
        answers[rng.random(answers.shape) < missing] = np.nan
        (found,) = personas_to_populations(answers, shares_of(people), measures(30)[number], bootstrap=QUICK)
        hit.append(found.estimate.low <= truth <= found.estimate.high)
        plain.append(found.plain)
        estimate.append(found.estimate.value)
    assert 0.92 <= np.mean(hit) <= 0.98
    if number != 3:
        assert abs(np.mean(estimate) - truth) < 0.4 * abs(np.mean(plain) - truth)


def test_distances_are_covered_over_personas():
    rng = np.random.default_rng(3)
    logits, people = opinions(rng, 20)
    truth = [np.mean(by_question(cfst(), averaged(logits), row)) for row in people]
    hit = []
    for _ in range(250):
        found = personas_to_populations(drawn(rng, logits, 40), shares_of(people), cfst(), over="personas")
        hit += [one.estimate.low <= true <= one.estimate.high for one, true in zip(found, truth, strict=True)]
    assert 0.92 <= np.mean(hit) <= 0.98


@pytest.mark.parametrize("questions", [12, 40])
def test_neither_of_two_alike_is_called_closer(questions):
    rng = np.random.default_rng(4)
    found = []
    for seed in range(400):
        logits, (a, b) = opinions(rng, questions)
        model, how = shares_of(softmax(logits)), Permutations(199, seed)
        tests = [
            closer(model, shares_of(a), shares_of(b), one, permutations=how, bootstrap=QUICK)
            for one in measures(questions)
        ]
        found.append([one.test.p <= 0.05 for one in tests])
    assert (np.mean(found, axis=0) >= 0.03).all()
    assert (np.mean(found, axis=0) <= 0.07).all()


@pytest.mark.parametrize("number", range(4))
def test_the_closer_one_is_found(number):
    logits, (a,) = opinions(np.random.default_rng(5), 40, gap=0.3, number=1)
    (b,) = opinions(np.random.default_rng(6), 40, number=1)[1]
    model, a, b = (shares_of(x) for x in (softmax(logits), a, b))
    found, turned = (closer(model, *pair, measures(40)[number]) for pair in ((a, b), (b, a)))
    assert found.test.p <= 0.01
    assert found.difference.low > 0
    assert turned.test.p == found.test.p
    assert turned.difference.value == pytest.approx(-found.difference.value)


def test_personas_are_as_their_shares_and_in_any_order():
    rng = np.random.default_rng(7)
    logits, people = opinions(rng, 12)
    answers = drawn(rng, logits, 25)
    answers[0, :5] = np.nan
    shares = np.where(np.isnan(answers)[..., None], np.nan, np.eye(OPTIONS)[np.nan_to_num(answers).astype(int)])
    found = personas_to_populations(answers, shares_of(people), opinion_similarity())
    same = personas_to_populations(shares, shares_of(people), opinion_similarity())
    turned = personas_to_populations(answers[::-1], shares_of(people), opinion_similarity())
    for one, others in zip(found, zip(same, turned, strict=True), strict=True):
        for other in others:
            assert (other.estimate.low, other.estimate.high) == pytest.approx((one.estimate.low, one.estimate.high))
    assert found[0].plain == pytest.approx(
        to_populations(shares_of(np.nanmean(shares, axis=0)), shares_of(people), opinion_similarity())[0].plain
    )


def test_crossed_variance_is_that_of_both_samples():
    rng = np.random.default_rng(8)
    hit, width = [], {over: [] for over in ("both", "questions", "personas")}
    for _ in range(300):
        values = rng.normal(size=(20, 1)) + rng.normal(size=(1, 25)) + rng.normal(size=(20, 25))
        found = {over: crossed_mean(values, over, QUICK) for over in width}
        hit.append(found["both"].low <= 0 <= found["both"].high)
        for over, one in found.items():
            width[over].append(one.high - one.low)
    assert 0.92 <= np.mean(hit) <= 0.98
    assert np.mean(width["both"]) ** 2 == pytest.approx(
        np.mean(width["personas"]) ** 2 + np.mean(width["questions"]) ** 2, rel=0.1
    )


def test_support_is_common_unless_said():
    logits, people = opinions(np.random.default_rng(9), 10, number=3)
    people[0, 0] = people[1, :3] = np.nan
    model = shares_of(softmax(logits))
    counted = {
        how: [one.questions for one in to_populations(model, shares_of(people), cfst(), support=how)]
        for how in ("common", "pairwise", "complete")
    }
    assert counted == {"common": [7, 7, 7], "pairwise": [9, 7, 10], "complete": [0, 0, 10]}
    (nothing, *_) = to_populations(model, shares_of(people), cfst(), support="complete")
    assert (nothing.plain, nothing.estimate.value) == (None, None)
    assert nothing.settings == {"corrected": "no", "sums": "renormalise", "off": 0}


def test_too_little_is_no_interval_and_says_so():
    logits, people = opinions(np.random.default_rng(10), 3)
    (found, _) = to_populations(shares_of(softmax(logits)), shares_of(people), cfst())
    assert (found.estimate.low, found.estimate.note) == (None, "no interval: fewer than four clusters")
    (found, _) = personas_to_populations(np.zeros((1, 3)), shares_of(people), cfst())
    assert (found.plain, found.estimate.note) == (None, "no question in common that two personas answered")
    (found, _) = personas_to_populations(np.zeros((5, 3)), shares_of(people), agreement(), over="personas")
    assert found.over == "questions"


def test_agreement_has_a_ceiling_and_options_may_be_merged():
    """By hand: the model's choices have .5, .2, .5 and .1 of the people; merged .7, .6, .7 and .1."""
    people = np.array([[0.5, 0.2, 0.3], [0.2, 0.4, 0.4], [0.2, 0.5, 0.3], [0.1, 0.0, 0.9]])
    model = np.eye(3)[[0, 0, 1, 0]]
    found = survey_agreement(model, shares_of(people), bootstrap=QUICK)
    assert found.agreement.value == pytest.approx(0.325)
    assert found.ceiling.value == pytest.approx(0.575)
    assert found.of_ceiling.value == pytest.approx(0.325 / 0.575)
    both = survey_agreement(model, shares_of(people), options=[0, 0, 1], bootstrap=QUICK)
    assert (both.agreement.value, both.ceiling.value) == (pytest.approx(0.525), pytest.approx(0.725))
    assert both.settings["merged"] == "yes"
    lacking = survey_agreement(model, shares_of(people * 0.8, sums="residual"), options=[0, 0, 1], bootstrap=QUICK)
    assert lacking.agreement.value == pytest.approx(0.8 * 0.525)
    assert (lacking.settings["sums"], lacking.settings["off"]) == ("residual", 4)


def test_who_agrees_with_the_majority_has_no_interval_of_the_ceiling():
    people = shares_of(np.random.default_rng(11).dirichlet(np.ones(3), size=20))
    found = survey_agreement(people.values, people, bootstrap=QUICK)
    assert (found.of_ceiling.value, found.of_ceiling.low) == (1, None)
    assert "end of its scale" in found.of_ceiling.note


@pytest.mark.parametrize(
    "wrong",
    [
        lambda people: personas_to_populations(np.full((5, 6), 9.0), people, cfst()),
        lambda people: personas_to_populations(np.zeros(6), people, cfst()),
        lambda people: personas_to_populations(np.zeros((5, 6)), people, cfst(), over="items"),
        lambda people: to_populations(shares_of(np.eye(4)), people, cfst()),
        lambda people: to_populations(shares_of(people.values[0]), shares_of(people.values[0]), cfst()),
        lambda people: closer(people, people, people, cfst()),
        lambda people: survey_agreement(people.values, people),
    ],
)
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(AnalysisError):
        wrong(shares_of(opinions(np.random.default_rng(1), 6)[1]))
