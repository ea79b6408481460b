"""The parser: a corpus of completions in every language, and properties that hold for any text."""

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.parse import PARSER_VERSION, parse
from culturesim.records import Answer, CallError
from tests.conftest import LANGUAGES as SHIPPED
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
    assert set(sizes) == set(SHIPPED)
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
OR = (
    *(" or ", " o ", "或", " أو ", "か", "または", " या ", " और ", " and ", " و"),
    *("나 ", "이나 ", " 또는 ", "과 ", "에서 ", "번 아니면 "),
    *(" au ", " ama ", " na ", ", ", " - ", "-", "、", "،", "\n", " / ", " ", " & "),
)
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


@pytest.mark.parametrize("scale", ["agree", "zero"])
def test_a_label_denied_behind_in_japanese_is_not_the_answer(scale):
    for label in SCALES[scale]["ja"]:
        for denial in ("ではありません", "とは思わない", "というわけではない", "だとは言えません", "とは限らない"):
            for said in (f"{label}{denial}。", f"私は「{label}」{denial}。", f"回答：{label}{denial}"):
                assert read(said, "ja", scale=scale).status == "unparsed", said


@pytest.mark.parametrize("scale", ["agree", "happy", "zero"])
def test_a_label_denied_behind_in_korean_is_not_the_answer(scale):
    for label in SCALES[scale]["ko"]:
        for denial in ("고는 할 수 없습니다", "고 생각하지 않습니다", "는 아닙니다", "고 말하기는 어렵습니다"):
            for said in (f"{label}{denial}.", f"저는 '{label}'{denial}.", f"답: {label}{denial}"):
                assert read(said, "ko", scale=scale).status != "valid", said


def test_labels_are_read_as_people_inflect_and_spell_them():
    spoken = {
        "happy": {"幸せじゃない": 3, "全く幸せではありません": 4, "まったく幸せじゃない": 4},
        "ten": {"決して許されません": 1, "いつでも許されます": 10},
        "zero": {"少し関係があります": 1, "決め手になります": 3},
    }
    for scale, said in spoken.items():
        for text, code in said.items():
            assert read(text, "ja", scale=scale).codes == (code,), text


def test_keys_and_labels_are_read_with_what_korean_glues_to_them():
    for glued in ("번", "번입니다", "입니다", "점이에요", "번이라고 생각합니다", "번을 선택하겠습니다", "로 할게요"):
        for option in prompt("ko").options:
            assert read(option.key + glued, "ko").codes == (option.code,), glued
    for said, code in {"매우 행복하다고 느낍니다": 1, "저는 행복해요": 2, "행복하지 않은 편이에요": 3}.items():
        assert read(said, "ko", scale="happy").codes == (code,), said


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


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("between", [", ", "; ", "\n"])
def test_letters_of_a_list_are_keys_though_one_is_a_word(language, between):
    """Portuguese and Spanish "e" and Arabic "و" are "and" as well."""
    options = prompt(language, scale="qualities", keys="letters").options
    for picked in itertools.combinations(options, 2):
        text = between.join(option.key for option in picked)
        answer = read(text, language, scale="qualities", keys="letters")
        assert answer.codes == tuple(option.code for option in picked), text


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
        *("rather agree", "两可之间", "أؤيد", "やや賛成", "ではない", "です"),
        *("मेरा उत्तर", "मैं", "नहीं", "कुछ हद तक सहमत", "हूँ", "।", "대체로 찬성한다", "이 아닙니다", "번", "입니다"),
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
    "ja": ["AIとして、個人的な意見は持っていません。", "申し訳ありませんが、お答えできません。", "回答を控えます。"],
    "ko": ["저는 AI이므로 개인적인 의견이 없습니다.", "죄송하지만 답변해 드릴 수 없습니다.", "답변을 거부합니다."],
    "fr": [
        "En tant qu’IA, je n’ai pas d’opinions personnelles.",
        "Désolé, je ne peux pas répondre.",
        "Je préfère ne pas le dire.",
    ],
    "ru": ["Как языковая модель, я не имею мнения.", "Извините, не могу на это ответить.", "Предпочту не отвечать."],
    "ar": ["كنموذج لغوي، ليس لدي آراء شخصية.", "عذرًا، لا يمكنني الإجابة عن هذا السؤال.", "أفضل عدم الإجابة."],
    "hi": [
        "एक एआई के रूप में मेरी कोई निजी राय नहीं है।",
        "क्षमा करें, मैं इस प्रश्न का उत्तर नहीं दे सकता।",
        "मैं जवाब नहीं देना चाहती।",
    ],
    "de": ["Als KI habe ich keine eigene Meinung.", "Das kann ich leider nicht beantworten.", "Keine Angabe."],
    "sw": ["Kama akili bandia, sina maoni binafsi.", "Samahani, siwezi kujibu.", "Napendelea kutojibu."],
    "pt": ["Como IA, não tenho opiniões pessoais.", "Desculpe, não posso responder.", "Prefiro não responder."],
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
    numbers = r"\b(one|two|three|four|five|un[oa]?|eins|zwei|drei|vier)\b"
    if not any(label in text for label in known) and not re.search(numbers, text):
        assert read(text, language).status != "valid"


@pytest.mark.parametrize(
    "hostile",
    ["第一に" * 3000, "9" * 6000, "[" * 9000, '{"a":' * 5000, "1, " * 3000, "not " * 3000, "(" * 9000, "1 " * 3000,
     "{" * 19_000, "{'a': " * 3000 + "}", "{," + " " * 19_000 + "'", '{"a": "' + "'x', " * 4000 + '"}', "['" * 9000,
     "저는 " * 5000, "가지 " * 6000, "매우 행복하다고" * 2000,
     '{"answer": ' * 20 + "3" + "}" * 20, '{"answer": [' + "3, " * 6000, '{"a": 1, ' + '"b": 2, ' * 2000 + '"c": 3}'],
)  # fmt: skip
def test_hostile_texts_are_read_at_once(hostile):
    for language, scale in itertools.product(("en", "hi", "ja", "ko"), ("agree", "happy", "qualities", "goals")):
        assert read(hostile, language, scale=scale).status != "error"
