"""A simulated respondent behind the wire protocols of OpenAI and Anthropic, with whatever faults one likes.

For trying out tools that talk to these protocols, ours first of all: what it answers is known beforehand, it counts
what it is asked, and it misbehaves on demand.
"""

from __future__ import annotations

from culturesim.serve.app import Service, served
from culturesim.serve.faults import Fault
from culturesim.serve.respond import Responder

__all__ = ["Fault", "Responder", "Service", "served"]
