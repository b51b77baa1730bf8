"""The two distributions: the whole one, and the lean one for images of workers and services."""

from __future__ import annotations

from importlib.util import find_spec

WHOLE = "pgflow-gen"
LEAN = "pgflow-runtime"


def installed() -> str:
    """The distribution that this program came with: the whole one wherever there is a compiler."""
    return LEAN if find_spec("pgflow_gen") is None else WHOLE


def extra(name: str) -> str:
    """The command that installs an extra of the distribution at hand."""
    return f"pip install '{installed()}[{name}]'"
