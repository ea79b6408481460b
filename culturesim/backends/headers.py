"""What the headers of a reply say about asking further: how long to wait, and how much is left."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


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
