"""culturesim: a cultural and multilingual value survey simulator for language models.

::

    import culturesim as cs

    run = cs.survey(cs.Study(model="llamacpp/smollm2", battery="first", languages=("en", "es")), db="survey.duckdb")
    run.responses()
    cs.report("survey.duckdb", "report")

Names are loaded when first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_HOMES = {
    "Analysis": "results",
    "CulturesimError": "errors",
    "Draw": "study",
    "Library": "library",
    "Limits": "limits",
    "Plan": "plan",
    "Run": "api",
    "Sampling": "study",
    "Study": "study",
    "analyse": "api",
    "open_store": "api",
    "plan": "api",
    "read_study": "study",
    "report": "api",
    "reparse": "api",
    "resume": "api",
    "retry": "api",
    "survey": "api",
}

__all__ = [
    "Analysis",
    "CulturesimError",
    "Draw",
    "Library",
    "Limits",
    "Plan",
    "Run",
    "Sampling",
    "Study",
    "__version__",
    "analyse",
    "open_store",
    "plan",
    "read_study",
    "reparse",
    "report",
    "resume",
    "retry",
    "survey",
]  # fmt: skip

if TYPE_CHECKING:
    from culturesim.api import Run, analyse, open_store, plan, reparse, report, resume, retry, survey
    from culturesim.errors import CulturesimError
    from culturesim.library import Library
    from culturesim.limits import Limits
    from culturesim.plan import Plan
    from culturesim.results import Analysis
    from culturesim.study import Draw, Sampling, Study, read_study


class _Package(ModuleType):
    """Gives public names on first use, and keeps them: ``culturesim.survey`` is the function, also once the module of
    that name has been imported (which would otherwise put itself in the function's place)."""

    def __getattr__(self, name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'culturesim' has no attribute {name!r}")
        found = getattr(import_module(f"culturesim.{_HOMES[name]}"), name)
        self.__dict__[name] = found
        return found

    def __setattr__(self, name: str, value: object) -> None:
        if name in _HOMES and isinstance(value, ModuleType):
            return
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted(__all__)


sys.modules[__name__].__class__ = _Package
