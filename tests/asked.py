"""Records as a run makes them, for the tests of journal and store."""

from __future__ import annotations

import hashlib
from typing import Any

from culturesim.journal import Journal
from culturesim.records import (
    Answer,
    CallError,
    Completion,
    ItemRow,
    Option,
    PersonaRow,
    Prompt,
    QuestionnaireRow,
    RunRow,
    Trial,
)

NOBODY = PersonaRow("none", "", {})
ANNA = PersonaRow("anna", "demo", {"age": "34", "gender": "woman"})
QUESTIONNAIRES = [
    QuestionnaireRow("mean", "1", "By the mean", "adapted", "Nobody, 2026", '{"method": "mean"}'),
    QuestionnaireRow("sums", "1", "By a formula", "adapted", "Nobody, 2026", '{"method": "formula"}'),
]
ITEMS = [
    ItemRow("mean", "1", "plain", "M1", "scale", "s", "ordinal", (1, 2, 3, 4), ("care",), False, "family"),
    ItemRow("mean", "1", "turned", "M2", "scale", "s", "ordinal", (1, 2, 3, 4), ("care", "more"), True, "family"),
    ItemRow("mean", "1", "named", "M3", "scale", "n", "nominal", (1, 2, 3, 4), ("kind",), False, "work"),
    ItemRow("mean", "1", "goals", "M4", "pick", "g", "nominal", (1, 2, 3, 4), (), False, "work"),
    ItemRow("sums", "1", "plain", "S1", "scale", "s", "ordinal", (1, 2, 3, 4), ("sum",), False, "work"),
]


def run_row(name: str = "r1", planned: int = 10, **others: Any) -> RunRow:
    given = {"model": "sim/uniform", "simulated": True, "study": "{}", "package": "0.1.0", "parser": "1"}
    started = {"started": "2026-03-01T10:00:00+00:00", "planned": {("mean", "en"): planned}}
    return RunRow(**({"id": name} | given | started | others))


def trial(number: int = 0, **others: Any) -> Trial:
    """The trial of this number: another number is another trial."""
    given = {"id": hashlib.md5(str(number).encode()).hexdigest(), "questionnaire": "mean", "version": "1"}
    asked = {"item": "plain", "language": "en", "persona": "none", "frame": "plain", "wording": 0, "repeat": 0}
    return Trial(**(given | asked | {"option_order": "printed", "elicitation": "choice", "seed": number} | others))


def prompt(asked: Trial, *, picks: int = 1) -> Prompt:
    codes = (4, 3, 2, 1) if asked.option_order == "reversed" else (1, 2, 3, 4)
    options = tuple(Option(code, str(place), f"label {code}", (str(place),)) for place, code in enumerate(codes, 1))
    return Prompt(asked, "You are kind.", f"How kind are you in case {asked.seed}?", options, max_picks=picks)


def completion(asked: Trial, text: str | None = "2", **others: Any) -> Completion:
    return Completion(**({"trial_id": asked.id, "text": text, "model": "m-1", "seconds": 0.25, "tokens_in": 20,
                          "tokens_out": 1, "started": "2026-03-01T10:00:01+00:00"} | others))  # fmt: skip


def answer(asked: Trial, *codes: int, **others: Any) -> Answer:
    status = "valid" if codes else "refused"
    return Answer(**({"trial_id": asked.id, "parser": "1", "status": status, "codes": codes} | others))


def tell(journal: Journal, asked: Trial, *codes: int, attempt: int = 1, persona: PersonaRow = NOBODY,
         error: CallError | None = None, said: dict[str, Any] | None = None, **others: Any) -> None:  # fmt: skip
    """Append a completion of ``asked`` to the journal: an answer with these codes, or an error."""
    answered = answer(asked, *codes, **({"status": "error"} if error else {}), **(said or {}))
    done = completion(asked, None if error else "text", attempt=attempt, error=error, **others)
    journal.append(asked, prompt(asked, picks=max(1, len(codes))), persona, done, answered)
