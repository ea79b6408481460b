"""What the headers of a reply say about asking further: how long to wait, and how much is left."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from culturesim.records import Allowance


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds a server asks us to wait, from ``Retry-After`` (a number or a date) or ``Retry-After-Ms``."""
    if (milliseconds := _duration(headers.get("retry-after-ms", ""))) is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "")
    seconds = _duration(value)
    return _until(value) if seconds is None else seconds


def _duration(text: str) -> float | None:
    try:
        duration = float(text)
    except ValueError:
        return None
    return max(0.0, duration) if math.isfinite(duration) else None


def _until(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())


def allowance(headers: Mapping[str, str]) -> Allowance | None:
    """What is left of a server's limits, and when they are full again; None where it says nothing of them.

    Knows OpenAI's headers (``x-ratelimit-remaining-requests``, times such as ``6m0s``), Anthropic's
    (``anthropic-ratelimit-requests-remaining``, times in RFC 3339) and plain ``ratelimit-remaining``.
    """
    found = [(name, headers[name]) for name in _REMAINING if name in headers]
    if not found:
        return None
    left: dict[str, int] = {}
    waits = [0.0]
    for name, value in found:
        if (count := _duration(value)) is None:
            continue
        limit = "tokens" if "token" in name else "requests"
        left[limit] = min(left.get(limit, int(count)), int(count))
        if not int(count) and (wait := _reset(headers.get(_RESETS[name], ""))) is not None:
            waits.append(wait)
    return Allowance(left.get("requests"), left.get("tokens"), max(waits))


_PLAIN = ("ratelimit-remaining", "x-ratelimit-remaining")
_REMAINING = (
    *(f"x-ratelimit-remaining-{limit}" for limit in ("requests", "tokens")),
    *(f"anthropic-ratelimit-{limit}-remaining" for limit in ("requests", "tokens", "input-tokens", "output-tokens")),
    *_PLAIN,
)
_RESETS = {name: name.replace("remaining", "reset") for name in _REMAINING}
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def _reset(value: str) -> float | None:
    """Seconds in any of the forms that servers tell a time in."""
    if (seconds := _duration(value)) is not None:
        return seconds if seconds < 1e9 else max(0.0, seconds - datetime.now(UTC).timestamp())
    if re.fullmatch(rf"(?:{_PART.pattern})+", value):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
