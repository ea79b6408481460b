from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from culturesim.backends.headers import allowance
from culturesim.records import Allowance


@pytest.mark.parametrize(
    ("headers", "left"),
    [({}, None), ({"content-type": "x"}, None),
     ({"x-ratelimit-remaining-requests": "7", "x-ratelimit-remaining-tokens": "900"}, Allowance(7, 900, 0.0)),
     ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, Allowance(0, None, 360.0)),
     ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "17ms"}, Allowance(None, 0, 0.017)),
     ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "2.5"}, Allowance(None, 0, 2.5)),
     ({"ratelimit-remaining": "0", "ratelimit-reset": "30"}, Allowance(0, None, 30.0)),
     ({"x-ratelimit-remaining-requests": "many"}, Allowance(None, None, 0.0)),
     ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "soon"}, Allowance(0, None, 0.0)),
     ({"anthropic-ratelimit-input-tokens-remaining": "5", "anthropic-ratelimit-tokens-remaining": "9"},
      Allowance(None, 5, 0.0))],
)  # fmt: skip
def test_what_headers_leave(headers: dict[str, str], left: Allowance | None) -> None:
    assert allowance(headers) == left


def test_times_of_day_are_seconds_from_now() -> None:
    moment = (datetime.now(UTC) + timedelta(seconds=100)).isoformat().replace("+00:00", "Z")
    name = "anthropic-ratelimit-requests"
    left = allowance({f"{name}-remaining": "0", f"{name}-reset": moment})
    assert left
    assert left.seconds == pytest.approx(100, abs=30)
