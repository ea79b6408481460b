"""The parser: a corpus of completions in five languages, and properties that hold for any text."""

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.parse import PARSER_VERSION, parse
from culturesim.records import Answer, CallError
from tests.parsed import CORPUS, LANGUAGES, LEXICONS, SCALES, completion, prompt

CASES = [
    pytest.param(tag, scale, case, id=f"{tag}-{scale}-{number}")
    for tag, scales in CORPUS.items()
    for scale, cases in scales.items()
    for number, case in enumerate(cases)
]


def read(text, language="en", finish=None, **how) -> Answer:
    return parse(prompt(language, **how), completion(text, finish_reason=finish), LEXICONS[language])


@pytest.mark.parametrize(("language", "scale", "case"), CASES)
def test_corpus(language, scale, case):
    how = {"keys": case.get("keys", "numbers"), "order": case.get("order", ())}
    answer = read(case["text"], language, case.get("finish"), scale=scale, **how)
    expected = case.get("status", "valid"), case.get("codes", [])
    assert (answer.status, list(answer.codes)) == expected, f"{case['text']!r}: {answer}"


def test_corpus_is_large_in_every_language():
    sizes = {tag: sum(len(cases) for cases in scales.values()) for tag, scales in CORPUS.items()}
    assert set(sizes) == {"en", "es", "zh", "ar", "ru"}
    assert min(sizes.values()) >= 100


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("scale", SCALES)
def test_every_label_alone_is_its_option(language, scale):
    if SCALES[scale].get("min_picks", 1) > 1:
        return
    for code, label in zip(SCALES[scale]["codes"], SCALES[scale][language], strict=True):
        if label:
            assert read(label, language, scale=scale).codes == (code,), label


@pytest.mark.parametrize("language", LANGUAGES)
def test_options_as_printed_are_read_in_every_order(language):
    for order in ([1, 2, 3, 4, 5], [5, 4, 3, 2, 1], [3, 1, 5, 2, 4]):
        for style in ("numbers", "letters"):
            for option in prompt(language, keys=style, order=order).options:
                answer = read(f"{option.key} = {option.label}", language, keys=style, order=order)
                assert answer.codes == (option.code,)


PARTED = (" - ", ": ", "=", ". ", ".", ") ", " (", "、", "，", ", ", " – ", "\t")
OR = (" or ", " o ", " или ", " и ", "或", " أو ", ", ", " - ", "-", "、", "،", " and ", " و", "\n", " / ", " ", " & ")


@pytest.mark.parametrize("keys", ["numbers", "letters"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_key_with_the_label_of_another_option_is_never_valid(language, keys):
    for one, other in itertools.permutations(prompt(language, keys=keys).options, 2):
        for parted in PARTED:
            for text in (one.key + parted + other.label, one.label + parted + other.key):
                assert read(text, language, keys=keys).status != "valid", text


@pytest.mark.parametrize("keys", ["numbers", "letters"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_two_keys_are_never_valid(language, keys):
    for one, other in itertools.permutations(prompt(language, keys=keys).options, 2):
        for either in OR:
            text = one.key + either + other.key
            if not (either == " / " and other.code == 5):  # 3 / 5 is three out of five
                assert read(text, language, keys=keys).status != "valid", text


# ---------------------------------------------------------------- failures of the call


def test_a_failed_call_is_an_error_with_its_message():
    answer = parse(prompt(), completion(None, error=CallError("timeout", "no reply in 60 s")), LEXICONS["en"])
    assert (answer.status, answer.codes, answer.detail) == ("error", (), "timeout: no reply in 60 s")


def test_no_text_is_empty_and_a_content_filter_refuses():
    assert parse(prompt(), completion(None), LEXICONS["en"]).status == "empty"
    filtered = parse(prompt(), completion("", finish_reason="content_filter"), LEXICONS["en"])
    assert (filtered.status, filtered.detail) == ("refused", "content filter")


@pytest.mark.parametrize("elicitation", ["choice", "probabilities"])
def test_a_refusal_that_the_server_tells_is_one_in_any_words(elicitation):
    asked = prompt("zh", elicitation=elicitation)
    answer = parse(asked, completion("I can't do 3 of that.", finish_reason="refusal"), LEXICONS["zh"])
    assert (answer.status, answer.codes) == ("refused", ())
    assert parse(asked, completion(None, finish_reason="content_filter"), LEXICONS["zh"]).status == "refused"


def test_a_filter_cuts_off_like_the_limit_of_tokens():
    assert read("I would choose 1", finish="content_filter", scale="ten").status != "valid"


def test_hidden_thinking_that_took_all_tokens_names_the_way_out():
    answer = parse(prompt(), completion("", finish_reason="length"), LEXICONS["en"])
    assert answer.status == "empty"
    assert "--max-tokens" in answer.detail


def test_answers_carry_trial_and_version():
    answer = read("3")
    assert (answer.trial_id, answer.parser) == ("0" * 32, PARSER_VERSION)


def test_details_say_why():
    assert read("I'm not sure.").detail == "don't know"
    assert "lies between" in read("3.5").detail
    assert "label of another" in read("2 - rather agree").detail
    assert "cut off" in read("Well, let me think about", finish="length").detail
    assert read("1, 2, 3, 4", scale="qualities").detail == "4 picks, allowed 1 to 3"
    assert read("As an AI I can't feel, but I would choose 3.").detail == "answers though it refuses"


# ---------------------------------------------------------------- JSON

WRITTEN = (
    '{{"{name}": {value}}}', '{{"{name}": "{value}"}}', "{{'{name}': '{value}'}}", '{{"{name}": [{value}]}}',
    '```json\n{{\n  "{name}": {value}\n}}\n```', '{{"{name}": {value},}}', '{{"{name}": {{"{name}": {value}}}}}',
)  # fmt: skip
NAMES = ("answer", "respuesta", "答案", "الإجابة", "rating", "grado", "分数", "x")


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_object_says_what_its_one_value_says(language):
    for name, form, option in itertools.product(NAMES, WRITTEN, prompt(language).options):
        said = read(form.format(name=name, value=option.key), language)
        assert (said.status, said.codes) == ("valid", (option.code,)), (form, name, option.key)
        assert read(form.format(name=name, value=f'"{option.label}"').replace('""', '"'), language).codes == said.codes


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_object_cut_off_by_the_limit_is_never_valid(language):
    for form in WRITTEN[:2]:
        whole = form.format(name="answer", value="1")
        for end in range(len(whole)):
            answer = read(whole[:end], language, "length", scale="ten")
            assert answer.status != "valid", whole[:end]
    for end in range(len('{"answer": [2, 5')):
        assert read('{"answer": [2, 5'[: end + 1], language, scale="qualities").status != "valid"


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_values_of_an_object_are_never_valid(language):
    for one, other in itertools.permutations(prompt(language).options, 2):
        for form in ('{{"answer": {}, "answer": {}}}', '{{"answer": [{}, {}]}}', '{{"answer": {}}}\n{{"answer": {}}}',
                     "[{{'x': {}}}, {{'x': {}}}]", '{{"answer": {{"x": {}, "y": {}}}}}'):  # fmt: skip
            assert read(form.format(one.key, other.key), language).status == "ambiguous", form


# ---------------------------------------------------------------- properties

FRAGMENTS = st.sampled_from(
    [
        *(
            "1",
            "2",
            "10",
            "٣",
            "三",
            "A",
            "B",
            "ب",
            "3.5",
            "-2",
            "%",
            " ",
            "\n",
            ".",
            ",",
            ":",
            "(",
            ")",
            "{",
            '"',
            "}",
        ),
        *(
            "<think>",
            "</think>",
            "```json",
            '{"answer": ',
            "{'answer': ",
            "[",
            "]",
            "\\boxed{",
            "my answer is",
            "I would choose",
            "not",
            "and",
        ),
        *("Option", "1/", "我选择", "或", "إجابتي", "و", "أو", "mi respuesta es", "o", "As an AI", "<|", "torn"),
        *("rather agree", "两可之间", "أؤيد"),
    ]
)
MESSY = st.one_of(
    st.text(max_size=80), st.lists(FRAGMENTS, max_size=14).map("".join), st.lists(FRAGMENTS).map(" ".join)
)
PROMPTS = st.builds(
    prompt, st.sampled_from(LANGUAGES), st.sampled_from(sorted(SCALES)), st.sampled_from(["numbers", "letters"])
)


@given(PROMPTS, MESSY, st.sampled_from(["stop", "length", None]))
@settings(max_examples=400, deadline=None)
def test_any_text_gives_an_answer_made_of_options(asked, text, finish):
    answer = parse(asked, completion(text, finish_reason=finish), LEXICONS[asked.trial.language])
    assert set(answer.codes) <= {option.code for option in asked.options}
    assert bool(answer.codes) == (answer.status == "valid")
    if answer.codes:
        assert asked.min_picks <= len(answer.codes) <= asked.max_picks
    assert "\x00" not in answer.detail


ZEROS = [chr(code) for code in range(0x110000) if chr(code).isdecimal() and int(chr(code)) == 0]


@given(
    st.sampled_from(LANGUAGES),
    st.permutations(range(1, 11)),
    st.integers(0, 9),
    st.sampled_from(ZEROS),
    st.sampled_from(["{}", " {}\n", "**{}**", "({})", "{}.", "\u200f{}", '"{}"']),
)
@settings(max_examples=200, deadline=None)
def test_a_key_alone_is_its_option_in_any_digits_and_order(language, order, place, zero, form):
    digits = "".join(chr(ord(zero) + int(digit)) for digit in str(place + 1))
    assert read(form.format(digits), language, scale="ten", order=tuple(order)).codes == (order[place],)


REFUSALS = {
    "en": [
        "As an AI, I don't have personal opinions.",
        "I'm sorry, but I can't help with that.",
        "I'd rather not say.",
    ],
    "es": ["Como modelo de lenguaje, no tengo opiniones.", "Lo siento, no puedo responder.", "Prefiero no contestar."],
    "zh": ["作为一个人工智能，我没有个人观点。", "很抱歉，我无法回答这个问题。", "无可奉告。"],
    "ru": ["Как языковая модель, я не имею мнения.", "Извините, не могу на это ответить.", "Предпочту не отвечать."],
    "ar": ["كنموذج لغوي، ليس لدي آراء شخصية.", "عذرًا، لا يمكنني الإجابة عن هذا السؤال.", "أفضل عدم الإجابة."],
}


@given(
    st.sampled_from(LANGUAGES).flatmap(
        lambda tag: st.tuples(st.just(tag), st.lists(st.sampled_from(REFUSALS[tag]), min_size=1))
    )
)
@settings(deadline=None)
def test_refusals_alone_are_never_valid(refusal):
    language, sentences = refusal
    for scale in ("agree", "happy", "qualities"):
        for keys in ("numbers", "letters"):
            assert read(" ".join(sentences), language, scale=scale, keys=keys).status == "refused"


@given(st.sampled_from(LANGUAGES), st.text(alphabet="abcdefghijklmnoprstuvwxyz ,.!\n", max_size=60))
@settings(deadline=None)
def test_prose_without_key_label_or_cue_is_never_valid(language, text):
    known = [option.label for option in prompt(language).options]
    if not any(label in text for label in known) and not re.search(r"\b(one|two|three|four|five|un[oa]?)\b", text):
        assert read(text, language).status != "valid"


@pytest.mark.parametrize(
    "hostile",
    ["9" * 6000, "[" * 9000, '{"a":' * 5000, "1, " * 3000, "not " * 3000, "(" * 9000, "1 " * 3000,
     "{" * 19_000, "{'a': " * 3000 + "}", "{," + " " * 19_000 + "'", '{"a": "' + "'x', " * 4000 + '"}', "['" * 9000,
     '{"answer": ' * 20 + "3" + "}" * 20, '{"answer": [' + "3, " * 6000, '{"a": 1, ' + '"b": 2, ' * 2000 + '"c": 3}'],
)  # fmt: skip
def test_hostile_texts_are_read_at_once(hostile):
    for scale in ("agree", "happy", "qualities"):
        assert read(hostile, scale=scale).status != "error"
