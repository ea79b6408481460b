"""The page of the recovery suite: what was simulated, how to read it, and how every statistic did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from culturesim.validation.case import KINDS, WANTED, Case
from culturesim.validation.recovered import Recovered
from culturesim.validation.run import REPLICATES

_TEXT = """\
# What the statistics find where the truth is known

Before a statistic is believed on a model, it has to find what is known to be there, and nothing where there is nothing.
Every case below is a respondent whose truth is written down ([the likelihood](respondents.md)), asked in {surveys}
surveys of a size that people ask. Each survey has personas, answers and chance of its own, and goes from answers to the
rows of the result tables exactly as yours do (`culturesim analyse`). This page is what one run of

```bash
culturesim validate --surveys {surveys} --seed {seed} --markdown docs/validation.md
```

wrote; it depends on the seed and on no machine. `culturesim validate --list` tells the cases, a name runs one of them.
Permutation tests have as many draws as yours, bootstraps {replicates} replicates.

## How to read it

- **true** is computed from the likelihood, over thousands of personas, and not from answers; but where scores of single
  personas are ranked or correlated, one answer each is drawn. Where items, wordings, languages or topics are what is
  resampled, every survey has others, and the true value is that over all one could ask. **mean** is the mean estimate,
  **bias** their difference in standard deviations of the estimate.
- **came out** is how often the table was right in the sense of its kind, with the 95 % interval (Wilson) that so many
  surveys give it; "n without": in so many surveys there was no value or no interval, and they do not count (in more
  than a tenth of them: the statistic fails). The kinds:
{kinds}
- **verdict**: *holds* where that rate is what is wanted, or is not significantly outside it: its interval reaches the
  wanted range. Else it *fails*, unless it errs on the side of caution: a *cautious* interval holds the truth more often
  than it says, a *cautious* test rejects less often, a *cautious* alarm keeps a claim back that could be made.

An estimate may be biased and its interval right: Tucker's φ of a sample is too low, distances are too large by what
chance adds. Their intervals are made for the true value, and `culturesim/stats/` says how.

## What holds

{summary}

{tables}
"""


def page(cases: Sequence[Case], rows: Sequence[Recovered], *, surveys: int, seed: int) -> str:
    """The page in Markdown."""
    kinds = "\n".join(f"  - *{kind}*: {KINDS[kind]} ({_range(WANTED[kind], kind)});" for kind in KINDS)
    tables = "\n\n".join(_table(case, [row for row in rows if row.case == case.name]) for case in cases)
    return _TEXT.format(surveys=surveys, seed=seed, kinds=kinds, summary="\n".join(_summary(rows)), tables=tables,
                        replicates=REPLICATES)  # fmt: skip


def _range(wanted: tuple[float, float], kind: str) -> str:
    low, high = (f"{100 * end:.0f}" for end in wanted)
    if kind == "value":
        return "no rate"
    return f"wanted: {high} %" if low == high else f"wanted: {low}–{high} %"


def _summary(rows: Iterable[Recovered]) -> list[str]:
    rows = list(rows)
    held = sum(row.verdict == "holds" for row in rows)
    others = [f"- {_said(row)}: {_came_out(row)}." for row in rows if row.verdict != "holds"]
    return [f"{held} of {len(rows)} statistics hold.", *([""] if others else []), *others]


def _said(row: Recovered) -> str:
    why = f" ({row.known})" if row.known else ""
    return f"{row.statistic} (`{row.case}`) {'is cautious' if row.verdict == 'cautious' else 'fails'}{why}"


def _table(case: Case, rows: Sequence[Recovered]) -> str:
    drawn = f"; {case.other_words}" if case.other_words else ""
    lines = [f"### `{case.name}`: {case.shows}", "", f"{case.design.words}{drawn}. Truth: {case.truth_words}.", "",
             "| statistic | table | kind | true | mean | bias | came out | verdict |",
             "|---|---|---|---:|---:|---:|---|---|"]  # fmt: skip
    for row in rows:
        numbers = (_number(row.truth), _number(row.mean), _number(row.bias_sd, 2))
        cells = (row.statistic, f"`{row.table}`", row.kind, *numbers, _came_out(row), row.verdict)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}".replace("-", "−")


def _came_out(row: Recovered) -> str:
    if row.rate is None or row.rate_low is None or row.rate_high is None:
        return f"bias {100 * (row.bias or 0.0) / row.truth:+.1f} %".replace("-", "−") if row.truth else ""
    rate = f"{100 * row.rate:.1f} % ({100 * row.rate_low:.0f}–{100 * row.rate_high:.0f})"
    return f"{rate}, {row.without} without" if row.without else rate
