"""What the cases share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from culturesim.backends.sim_truth import Truth

PEOPLE = Truth(idiosyncrasy=0.6, seed=1)
"""A respondent to whom personas differ, and nothing else is done."""

TWO = {"side": ("left", "right")}
THREE = {"side": ("left", "right"), "age": ("old", "middle", "young")}

MANY: Mapping[str, Any] = {"items": 1000}
"""Items of which those of a survey are a sample."""
