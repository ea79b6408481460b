"""Option probabilities: exact ones, and what can be told from the most likely tokens of an API."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.parse import MINIMUM_MASS, parse
from culturesim.records import Option, Prompt
from tests.parsed import LEXICONS, completion, prompt, trial


def distribution(keys="numbers", scale="agree", language="en", elicitation="probabilities", said="3", **given_):
    asked = prompt(language, scale, keys, elicitation=elicitation)
    return parse(asked, completion(said, **given_), LEXICONS[language])


def position(sampled, **others):
    """A position as a server reports it: the sampled token first, then the rest."""
    pairs = {sampled: others.pop(sampled)} | others if sampled in others else {sampled: 0.001} | others
    return tuple((token, math.log(probability)) for token, probability in pairs.items())


def test_exact_probabilities_are_renormalised_and_keep_their_mass():
    answer = distribution(option_logprobs=tuple(map(math.log, (0.1, 0.1, 0.4, 0.1, 0.1))))
    assert (answer.status, answer.codes) == ("valid", (3,))
    assert answer.mass == pytest.approx(0.8)
    assert answer.probabilities == pytest.approx({1: 0.125, 2: 0.125, 3: 0.5, 4: 0.125, 5: 0.125})


def test_exact_probabilities_follow_the_printed_order():
    asked = prompt(order=[5, 4, 3, 2, 1], elicitation="probabilities")
    answer = parse(asked, completion(None, option_logprobs=(-0.1, -9, -9, -9, -9)), LEXICONS["en"])
    assert answer.codes == (5,)


def test_a_tie_is_valid_and_names_no_option():
    answer = distribution(option_logprobs=tuple(map(math.log, (0.4, 0.4, 0.1, 0.05, 0.05))))
    assert (answer.status, answer.codes, answer.detail) == ("valid", (), "tie")
    assert answer.probabilities is not None


def test_too_little_mass_is_unparsed_but_kept():
    answer = distribution(option_logprobs=(math.log(MINIMUM_MASS / 10),) + (-50.0,) * 4)
    assert (answer.status, answer.codes) == ("unparsed", ())
    assert answer.mass == pytest.approx(MINIMUM_MASS / 10)
    assert answer.probabilities is not None


@pytest.mark.parametrize("logprobs", [(-1.0, -2.0), (float("nan"),) * 5, (5.0,) * 5, (-math.inf,) * 5])
def test_impossible_log_probabilities_are_unparsed(logprobs):
    assert distribution(option_logprobs=logprobs).status == "unparsed"


def test_tokens_of_one_key_are_added_up_over_spellings():
    tokens = position("3", **{"3": 0.5, " 3": 0.1, "３": 0.05, "2": 0.2, "4": 0.1, "As": 0.004})
    answer = distribution(token_logprobs=(tokens,))
    assert answer.codes == (3,)
    assert answer.mass == pytest.approx(0.95)
    assert answer.probabilities == pytest.approx({1: 0, 2: 0.2 / 0.95, 3: 0.65 / 0.95, 4: 0.1 / 0.95, 5: 0})


def test_arabic_keys_are_read_in_both_digits():
    answer = distribution(language="ar", token_logprobs=(position("٤", **{"٤": 0.6, "4": 0.3, "٣": 0.099}),))
    assert answer.probabilities[4] == pytest.approx(0.9 / 0.999)


def test_marks_before_the_key_are_walked_through():
    first = position("**", **{"**": 0.6, "3": 0.3, "2": 0.095})
    second = position("3", **{"3": 0.8, "2": 0.195})
    answer = distribution(token_logprobs=(first, second))
    assert answer.mass == pytest.approx(0.395 + 0.6 * 0.995)
    assert answer.probabilities[3] == pytest.approx((0.3 + 0.6 * 0.8) / answer.mass)


def test_a_code_of_0_is_an_option_like_any_other():
    answer = distribution(scale="zero", token_logprobs=(position("**", **{"**": 0.999}), position("0", **{"0": 0.999})))
    assert (answer.status, answer.codes) == ("valid", (0,))


def test_what_stands_before_a_mark_counts_even_if_words_follow_it():
    tokens = (position("**", **{"**": 0.5, "3": 0.497}), position("Family", Family=0.99))
    assert distribution(said="**Family", token_logprobs=tokens).mass == pytest.approx(0.497)


def test_an_answer_that_ends_before_it_begins_leaves_the_other_tokens():
    answer = distribution(said="", token_logprobs=(position("<|im_end|>", **{"<|im_end|>": 0.8, "3": 0.198}),))
    assert (answer.codes, answer.mass) == ((3,), pytest.approx(0.198))


def test_an_answer_cue_before_the_key_is_read_past():
    lead = (position("Answer", Answer=0.9, The=0.09), position(":", **{":": 0.999}))
    answer = distribution(token_logprobs=(*lead, position(" 4", **{" 4": 0.9, " 5": 0.095})))
    assert answer.codes == (4,)


def test_a_number_in_prose_is_no_answer_position():
    lead = (position("There", There=0.99), position(" are", **{" are": 0.99}))
    answer = distribution(token_logprobs=(*lead, position(" 3", **{" 3": 0.9, " 4": 0.095})))
    assert answer.status == "unparsed"


# ---------------------------------------------------------------- spellings

SPELLED = ("{}", " {}", "({}", "**{}", "{}.", "{})", "({})", '"{}', "▁{}", "{}\n", "-> {}"[3:], "[{}"[1:])


@pytest.mark.parametrize("form", sorted(set(SPELLED)))
@pytest.mark.parametrize(
    ("language", "keys", "key"),
    [
        ("en", "numbers", "3"), ("en", "numbers", "３"), ("ar", "numbers", "٣"), ("ar", "numbers", "3"),
        ("ar", "numbers", "３"), ("zh", "numbers", "３"), ("en", "letters", "C"), ("en", "letters", "c"),
        ("zh", "letters", "Ｃ"), ("ar", "letters", "ج"),
    ],
)  # fmt: skip
def test_every_spelling_of_a_key_counts_for_its_option(language, keys, key, form):
    own = "أ" if (language, keys) == ("ar", "letters") else "A" if keys == "letters" else "1"
    tokens = position(own, **{own: 0.6, form.format(key): 0.397})
    answer = distribution(keys, language=language, token_logprobs=(tokens,))
    assert (answer.status, answer.probabilities[3]) == ("valid", pytest.approx(0.397 / 0.997)), answer


def test_spellings_of_all_digits_add_up():
    tokens = position("٣", **{"٣": 0.3, "3": 0.2, "３": 0.1, " ٣": 0.1, "(3": 0.1, "**٣": 0.1, "٤": 0.098})
    answer = distribution(language="ar", token_logprobs=(tokens,))
    assert answer.probabilities[3] == pytest.approx(0.9 / 0.998)


def test_tokens_that_a_server_writes_alike_are_added_and_the_sampled_one_not_twice():
    pairs = (("3", math.log(0.5)), ("3", math.log(0.5)), ("3", math.log(0.3)), ("4", math.log(0.198)))
    assert distribution(token_logprobs=(pairs,)).mass == pytest.approx(0.998)


def test_more_probability_than_there_is_is_unparsed():
    tokens = position("3", **{"3": 0.9, "4": 0.8})
    assert distribution(token_logprobs=(tokens,)).detail.startswith("probabilities that sum to 1.7")


# ---------------------------------------------------------------- what is not reported


def test_too_few_reported_tokens_are_unparsed_and_bounded():
    answer = distribution(token_logprobs=(position("3", **{"3": 0.4, "4": 0.2}),))
    assert (answer.status, answer.codes, answer.probabilities) == ("unparsed", (), None)
    assert answer.mass == pytest.approx(0.6)
    assert "top-k too short: 2 tokens for 5 options, 2 of them seen; any may have up to 0.4 unseen" in answer.detail


def test_a_top_k_below_the_number_of_options_is_said_with_both_numbers():
    tokens = position("7", **{"7": 0.5, "8": 0.2, "6": 0.1, "5": 0.08, "9": 0.06})
    answer = distribution(scale="ten", token_logprobs=(tokens,))
    assert "5 tokens for 10 options, 5 of them seen; any may have up to 0.06" in answer.detail
    assert "--elicit choice" in answer.detail


def test_a_short_top_k_will_do_where_it_leaves_next_to_nothing():
    answer = distribution(scale="ten", token_logprobs=(position("7", **{"7": 0.9, "8": 0.097}),))
    assert (answer.status, answer.probabilities[3]) == ("valid", 0.0)


def test_the_sampled_token_alone_bounds_nothing_but_by_itself():
    assert distribution(token_logprobs=((("3", math.log(0.6)),),)).status == "unparsed"
    assert distribution(token_logprobs=((("3", math.log(0.995)),),)).status == "valid"


def test_a_spelling_with_a_space_may_hide_as_much_again():
    tokens = position("3", **{"3": 0.5, "2": 0.4, "4": 0.05, "As": 0.006})
    assert "up to 0.012" in distribution(token_logprobs=(tokens,)).detail


def test_what_hides_before_a_mark_counts_too():
    tokens = (position("**", **{"**": 0.6}), position("3", **{"3": 0.6, "2": 0.399}))
    assert "top-k too short" in distribution(token_logprobs=tokens).detail


# ---------------------------------------------------------------- keys of several tokens


def ten(*positions, said="1", **how):
    return distribution(scale="ten", token_logprobs=positions, said=said, **how)


def test_the_next_token_tells_1_from_10():
    answer = ten(position("1", **{"1": 0.9, "9": 0.099}), position("0", **{"0": 0.7, "<end>": 0.299}))
    assert answer.codes == (10,)
    assert answer.mass == pytest.approx(0.999)
    assert answer.probabilities[1] == pytest.approx(0.27 / 0.999)


def test_after_1_any_token_but_0_leaves_1_and_another_digit_neither():
    after = position(".", **{".": 0.5, " 0": 0.1, "0.": 0.2, "5": 0.195})
    answer = ten(position("1", **{"1": 0.9, "9": 0.099}), after)
    assert answer.probabilities[10] == pytest.approx(0.18 / answer.mass)
    assert answer.mass == pytest.approx(0.999 - 0.9 * 0.195)


def test_a_short_top_k_after_1_leaves_10_open():
    answer = ten(position("1", **{"1": 0.9, "9": 0.099}), position(".", **{".": 0.6, "\n": 0.1}))
    assert (answer.status, answer.probabilities) == ("unparsed", None)
    assert "2 tokens for 10 options" in answer.detail


@pytest.mark.parametrize("number", ["10", "20", " 15", "100", "(12"])
def test_a_number_of_two_digits_among_the_tokens_means_that_1_is_1(number):
    answer = ten(position("7", **{"7": 0.6, "1": 0.396, number: 0.0035}))
    assert (answer.status, answer.codes) == ("valid", (7,))
    assert answer.probabilities[1] == pytest.approx(0.396 / answer.mass)


@pytest.mark.parametrize("token", ["00", "3.10", "<0x10>", "<|reserved_10|>", "١٥", "１５", "x"])
def test_other_tokens_do_not(token):
    answer = ten(position("7", **{"7": 0.6, "1": 0.396, token: 0.0035}), said="7")
    assert (answer.status, answer.probabilities) == ("ambiguous", None)
    assert answer.mass == pytest.approx(0.996, abs=0.004)
    assert "--keys letters" in answer.detail


def test_digits_of_each_kind_are_joined_or_not_by_themselves():
    latin = position("٧", **{"٧": 0.6, "١": 0.396, "15": 0.0035})
    assert ten(latin, language="ar").status == "ambiguous"
    arabic = position("٧", **{"٧": 0.6, "١": 0.396, "١٥": 0.0035})
    assert ten(arabic, language="ar").probabilities[1] == pytest.approx(0.396 / 0.996)


def test_the_number_that_tells_may_stand_anywhere_in_the_completion():
    tokens = (position("7", **{"7": 0.6, "1": 0.397}), position(".", **{".": 0.9, "15": 0.01}))
    assert ten(*tokens).status == "valid"


def test_1_with_what_ends_it_is_1():
    answer = ten(position("7", **{"7": 0.6, "1.": 0.2, "1)": 0.1, "1\n": 0.098}))
    assert answer.probabilities[1] == pytest.approx(0.398 / 0.998)


def test_a_little_on_1_that_may_be_10_counts_for_neither():
    answer = ten(position("7", **{"7": 0.9, "8": 0.09, "1": 0.005, "x": 0.001}))
    assert (answer.status, answer.probabilities[1], answer.probabilities[10]) == ("valid", 0.0, 0.0)


def test_1_as_the_last_token_may_be_10():
    assert ten(position("1", **{"1": 0.9, "9": 0.099})).status == "ambiguous"


@given(st.floats(0.05, 0.9), st.floats(0, 1))
def test_split_and_joined_tokens_of_one_distribution_give_the_same(one, ten_of_it):
    rest = 0.9999 - one
    split = ten(
        position("1", **{"1": one, "7": rest}), position("0", **{"0": ten_of_it + 1e-9, ".": 1 - ten_of_it + 1e-9})
    )
    whole = ten(
        position("7", **{"7": rest, "1": one * (1 - ten_of_it) + 1e-9, "10": one * ten_of_it + 1e-9, "x": 1e-6})
    )
    assert split.probabilities == pytest.approx(whole.probabilities, abs=1e-4)


def negative(*tokens):
    options = tuple(Option(code, str(code), "", (str(code),)) for code in (-2, -1, 0, 1, 2))
    asked = Prompt(trial("probabilities"), "", "", options)
    return parse(asked, completion("-1", token_logprobs=tokens), LEXICONS["en"])


def test_a_sign_is_told_by_the_number_after_it():
    sign = position("-", **{"-": 0.6, "1": 0.3, "-2": 0.099})
    answer = negative(sign, position("1", **{"1": 0.7, "2": 0.299}))
    assert answer.probabilities == pytest.approx(
        {-2: 0.2784 / 0.9984, -1: 0.42 / 0.9984, 0: 0, 1: 0.3 / 0.9984, 2: 0}, abs=1e-3
    )
    assert negative(position("1", **{"1": 0.6, "-": 0.399})).status == "ambiguous"


@pytest.mark.parametrize(("first", "second"), [("\\xd9", "\\xa3"), ("bytes:\\xd9", "bytes:\\xa3")])
def test_halves_of_a_character_are_put_together(first, second):
    answer = distribution(
        language="ar", said="٣",
        token_logprobs=(position(first, **{first: 0.9, "3": 0.099}), position(second, **{second: 0.8, "\\xa4": 0.199})),
    )  # fmt: skip
    assert answer.codes == (3,)
    assert answer.probabilities[4] == pytest.approx(0.9 * 0.199 / answer.mass)


@pytest.mark.parametrize("half", ["\ufffd", "\\xd9"])
def test_halves_that_nothing_completes_may_be_any_option(half):
    answer = distribution(language="ar", said="3", token_logprobs=(position("3", **{"3": 0.6, half: 0.398}),))
    assert (answer.status, answer.probabilities) == ("ambiguous", None)
    assert "part of a character" in answer.detail
    answer.detail.encode()
    plain = distribution(token_logprobs=(position("3", **{"3": 0.6, "\ufffd": 0.398}),))
    assert plain.probabilities[3] == 1  # no option of this prompt is spelled so


def test_letters_are_read_in_both_cases():
    answer = distribution(keys="letters", token_logprobs=(position("B", **{"B": 0.7, "b": 0.2, "(C": 0.095}),))
    assert answer.codes == (2,)
    assert answer.mass == pytest.approx(0.995)


def test_a_letter_that_is_a_word_is_no_answer():
    lead = (position("I", I=0.6, B=0.397), position(" would", **{" would": 0.99}), position(" pick", **{" pick": 0.99}))
    answer = ten(*lead, keys="letters", said="I would pick")
    assert (answer.codes, answer.mass) == ((2,), pytest.approx(0.397))


@pytest.mark.parametrize("after", [".", ")", "\n", " because"])
def test_a_letter_that_is_an_answer_is_one(after):
    answer = ten(position("B", B=0.9, C=0.099), position(after, **{after: 0.9}), keys="letters", said="B" + after)
    assert answer.codes == (2,)


# ---------------------------------------------------------------- servers that leave things out


@pytest.mark.parametrize("given_", [{}, {"token_logprobs": ()}, {"token_logprobs": ((),)}])
def test_no_log_probabilities_name_the_way_out(given_):
    answer = distribution(**given_)
    assert (answer.status, answer.mass) == ("unparsed", None)
    assert answer.detail == "the server gave no log probabilities: ask with --elicit choice"


def test_log_probabilities_that_end_before_the_answer_are_told():
    answer = distribution(said="Answer: 4", token_logprobs=(position("Answer", Answer=0.99),))
    assert answer.detail.startswith("the log probabilities end before the text does")


def test_an_answer_that_begins_with_no_option_has_no_mass():
    tokens = (position("Family", Family=0.7, The=0.29, x=1e-4), position(" matters", **{" matters": 0.99}))
    answer = distribution(said="Family matters", token_logprobs=tokens)
    assert (answer.status, answer.mass, answer.detail) == ("unparsed", 0.0, "no probability on the options")


def thought(*answer, end="</think>"):
    lead = (
        ["<think>", "The", " answer", " is", " 5", end, "\n\n"] if end else ["<think>", "The", " answer", " is", " 5"]
    )
    tokens = [position(token, **{token: 0.9, "2": 0.0999}) for token in lead]
    return distribution(token_logprobs=(*tokens, *answer), said="".join(lead) + "3" * bool(answer))


def test_numbers_in_thoughts_are_no_answer():
    answer = thought(position("3", **{"3": 0.8, "4": 0.199}))
    assert (answer.mass, answer.probabilities[3]) == (pytest.approx(0.999), pytest.approx(0.8 / 0.999))
    assert "thinking does not end" in thought(end="").detail


# ---------------------------------------------------------------- probabilities or choice

EITHER = "probabilities_or_choice"


def test_a_distribution_that_can_be_read_is():
    asked = {"token_logprobs": (position("3", **{"3": 0.6, "4": 0.399}),)}
    assert distribution(elicitation=EITHER, **asked) == distribution(**asked)
    exact = {"option_logprobs": (-0.1, -9.0, -9.0, -9.0, -9.0), "said": None}
    assert distribution(elicitation=EITHER, **exact) == distribution(**exact)


@pytest.mark.parametrize(
    ("tokens", "why"),
    [
        (None, "the server gave no log probabilities"),
        ((position("4", **{"4": 0.5, "3": 0.3}),), "top-k too short"),
        ((position("4", **{"4": 0.5, "1": 0.499}),), "'1' may begin '10'"),
        ((position("4", **{"4": float("nan")}),), "numbers that are no log probabilities"),
    ],
)
def test_where_the_server_gives_none_the_text_is_a_choice(tokens, why):
    answer = distribution(elicitation=EITHER, scale="ten", said="4", token_logprobs=tokens)
    assert (answer.status, answer.codes, answer.probabilities, answer.mass) == ("valid", (4,), None, None)
    assert answer.detail.startswith(f"read as a choice: {why}")
    assert "--" not in answer.detail


@pytest.mark.parametrize(
    ("said", "status"), [("As an AI, I cannot answer that.", "refused"), ("", "empty"), ("12", "off_scale")]
)
def test_a_choice_has_the_status_of_its_text(said, status):
    answer = distribution(elicitation=EITHER, scale="ten", said=said)
    assert (answer.status, answer.codes) == (status, ())
    assert answer.detail.startswith("read as a choice: ")


def test_little_mass_is_no_reason_to_read_a_choice():
    tokens = (position("Family", Family=0.7, The=0.29, **{"3": 0.002}), position(": 3", **{": 3": 0.99}))
    answer = distribution(elicitation=EITHER, said="Family: 3", token_logprobs=tokens)
    assert (answer.status, answer.codes, answer.mass) == ("unparsed", (), pytest.approx(0.002))
    exact = distribution(elicitation=EITHER, option_logprobs=(-9.0,) * 5)
    assert (exact.status, exact.mass) == ("unparsed", pytest.approx(5 * math.exp(-9)))


# ---------------------------------------------------------------- properties


@given(
    st.lists(
        st.lists(
            st.tuples(
                st.sampled_from(
                    [
                        "1",
                        "0",
                        "10",
                        "3",
                        "**",
                        "As",
                        " ",
                        "B",
                        "٣",
                        ":",
                        "-",
                        "\\xd9",
                        "\\xa3",
                        "\ufffd",
                        "\ud800",
                        "",
                        "<think>",
                    ]
                ),
                st.floats(-20, 0),
            ),
            max_size=5,
        ),
        max_size=4,
    )
)
@settings(deadline=None)
def test_any_tokens_give_a_distribution_or_a_reason(positions):
    for keys, language in (("numbers", "en"), ("letters", "en"), ("numbers", "ar"), ("letters", "ar")):
        answer = distribution(keys, "ten", language, token_logprobs=tuple(tuple(pairs) for pairs in positions))
        answer.detail.encode()
        if answer.status == "valid":
            assert math.fsum(answer.probabilities.values()) == pytest.approx(1)
        else:
            assert answer.detail
