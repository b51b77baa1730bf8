"""The versions of a flow: ``order`` is the first, ``order_v2`` the second."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from pgflow_shared.text import counted

_VERSION = re.compile(r"_v(\d+)\Z", re.ASCII)

STRANDED: Final = "select flow_slug, open_count from pgflow.count_stranded_runs(%s::text[])"
"""Open runs of other versions of these flows that no worker is there for."""


def family(slug: str) -> str:
    """What all versions of a flow have in common."""
    return _VERSION.sub("", slug)


def version(slug: str) -> int:
    found = _VERSION.search(slug)
    return int(found[1]) if found else 1


def relative(slug: str, known: Iterable[str]) -> str | None:
    """How the flow is related to the nearest of the ``known`` ones: "an older version of ..."."""
    kin = [other for other in known if family(other) == family(slug) and other != slug]
    if not kin:
        return None
    nearest = min(kin, key=lambda other: abs(version(other) - version(slug)))
    age = "an older" if version(slug) < version(nearest) else "a newer"
    return f"{age} version of this project's flow '{nearest}'"


def stranded(slug: str, open_count: int, known: Iterable[str]) -> str:
    """What is said of a version with open runs and no worker."""
    kin = relative(slug, known) or "no flow of this project"
    waits = "it waits" if open_count == 1 else "they wait"
    return f"flow '{slug}', {kin}, has {counted(open_count, 'open run')} and no worker: {waits} for ever"


STRANDED_HELP: Final = "keep the source of that version and a worker for it until its runs have ended"
