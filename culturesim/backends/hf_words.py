"""A model's words: prompts as tokens through its chat template, labels as token paths, and tokens as text.

A model without a chat template is a base model: it continues the prompt as plain text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from culturesim.backends.base import chat_messages, first_line, plain_text
from culturesim.backends.labels import ANCHOR, LabelTrie, TokenPath, build_trie, paths_of, ways_to_write
from culturesim.backends.packaged import fingerprint_of_text
from culturesim.errors import BackendError
from culturesim.records import Option, Prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

A_DAY = datetime(2024, 7, 26)
"""What templates that tell the date are told: a prompt must not differ from one day to the next."""

_PROBE = "culturesim"


def same_day(template: str) -> str:
    """A chat template in which it is always ``A_DAY``: transformers passes no function in, so it defines its own."""
    if "strftime_now" not in template:
        return template
    told = "".join(f"|replace('%{code}', '{A_DAY.strftime('%' + code)}')" for code in "aAbBdeHjmMpSyY")
    return "{% macro strftime_now(form) %}{{ form|replace('%-', '%')" + told + " }}{% endmacro %}{{ '' }}" + template


class Words:
    """What a tokenizer knows of a model's language; ``ends`` are the tokens that end an answer."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, ends: Iterable[int]) -> None:
        self._tokenizer = tokenizer
        self.ends = frozenset(ends)
        self._template = str(tokenizer.get_chat_template()) if tokenizer.chat_template else ""
        self.chats = bool(self._template)
        self._folds = self.chats and not self._knows_system()
        self._spelled: dict[str, frozenset[TokenPath]] = {}
        self._tries: dict[tuple[Option, ...], LabelTrie] = {}

    @property
    def template(self) -> str:
        """A fingerprint of the chat template; "none" for a base model."""
        return fingerprint_of_text(self._template) if self.chats else "none"

    def prompt(self, prompt: Prompt) -> list[int]:
        """The tokens of a prompt, up to where the answer begins."""
        if not self.chats:
            return self._tokens(plain_text(prompt), special=True)
        messages = [{"role": "user", "content": plain_text(prompt)}] if self._folds else chat_messages(prompt)
        return self._tokens(self._templated(messages))

    def trie(self, options: tuple[Option, ...]) -> LabelTrie:
        """The ways to spell the options; raises ``ValueError`` where two share one."""
        if options not in self._tries:
            spelled = [[path for way in option.spellings for path in self._paths(way)] for option in options]
            self._tries[options] = build_trie(spelled)
        return self._tries[options]

    def text(self, tokens: Sequence[int]) -> str:
        """What an answer's tokens say; of a base model's, its first line."""
        said = str(self._tokenizer.decode(list(tokens), skip_special_tokens=True))
        return said if self.chats else first_line(said)

    @property
    def said_all(self) -> Callable[[Sequence[int]], bool]:
        """Whether an answer is over without an end token: a base model's is with its line."""
        if self.chats:
            return lambda tokens: False
        return lambda tokens: "\n" in str(self._tokenizer.decode(list(tokens))).lstrip()

    def _paths(self, spelling: str) -> frozenset[TokenPath]:
        if spelling not in self._spelled:
            anchor = tuple(self._tokens(ANCHOR))
            found = [
                paths_of(tuple(self._tokens(text)), tuple(self._tokens(ANCHOR + text)), anchor)
                for text in ways_to_write(spelling)
            ]
            self._spelled[spelling] = frozenset().union(*found)
        return self._spelled[spelling]

    def _tokens(self, text: str, *, special: bool = False) -> list[int]:
        tokens: list[int] = self._tokenizer(text, add_special_tokens=special)["input_ids"]
        while special and tokens and tokens[-1] == self._tokenizer.eos_token_id:
            tokens.pop()  # some tokenizers end every text; an answer is yet to come
        return tokens

    def _templated(self, messages: Sequence[dict[str, str]]) -> str:
        rendered = self._tokenizer.apply_chat_template(
            list(messages), chat_template=same_day(self._template), tokenize=False, add_generation_prompt=True,
            enable_thinking=False,
        )  # fmt: skip
        return str(rendered)

    def _knows_system(self) -> bool:
        """Whether the template takes a system message and passes on what it says."""
        from jinja2 import TemplateError

        user = {"role": "user", "content": "?"}
        try:
            return _PROBE in self._templated([{"role": "system", "content": _PROBE}, user])
        except TemplateError:
            pass
        try:
            self._templated([user])
        except TemplateError as error:
            raise BackendError(f"the model's chat template takes no single user message: {error}") from error
        return False
