from culturesim.claims import withheld_claims
from culturesim.results import CoverageRow, Estimate, PositionRow

UNTESTED = "comparability across languages has not been tested (it takes personas asked in each language)"


def coverage(language, valid=1.0, mass=None):
    share = Estimate(valid, valid, valid, 40, 8, "personas")
    return CoverageRow("m", "q", language, 40, 40, {}, share, mass)


def position(language, verdict="content", value=0.1, low=0.05, high=0.2):
    share = Estimate(value, low, high, 60, 8, "personas")
    return PositionRow("m", "q", language, share, share, share, share, verdict)


def reason(coverages, positions=()):
    return withheld_claims(coverages, positions)["m / q"]


def test_one_language_is_not_ranked_at_all():
    assert withheld_claims([coverage("en")], [position("en", "position")]) == {}


def test_untested_comparability_alone_withholds_a_ranking():
    assert reason([coverage("en"), coverage("es")], [position("en"), position("es")]) == UNTESTED


def test_low_coverage_is_told_with_its_number():
    said = reason([coverage("en"), coverage("es", 0.715), coverage("zh", None)])
    assert "only 72 % of the answers in es are valid (n = 40); nothing was answered in zh" in said
    assert said.endswith(UNTESTED)


def test_little_probability_on_the_options_is_told_with_its_number():
    said = reason([coverage("en", mass=0.46), coverage("ar", mass=0.0189)])
    assert said == f"only 1.9 % of the model's probability in ar lay on the options; {UNTESTED}"


def test_answers_by_place_are_told_with_their_numbers():
    said = reason([coverage("en"), coverage("es")], [position("en", "position", 0.81, 0.7, 0.9)])
    assert said.startswith("answers in en follow the place on the list more than what options say")
    assert "(position share 0.81, 60 pairs, interval 0.70 to 0.90)" in said


def test_doubt_withholds_too():
    positions = [position("en", "undecided", 0.5, 0.3, 0.7), position("es", "too_few", None, None, None)]
    said = reason([coverage("en"), coverage("es")], positions)
    assert "whether answers in en follow place or content is undecided" in said
    assert "too few answers in es to tell place from content (60 pairs)" in said
