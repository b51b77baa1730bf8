"""Slugs: the names of flows and steps in the database."""

from __future__ import annotations

import re

MAX_LENGTH = 128
MAX_FLOW_LENGTH = 47
"""pgmq's limit on a queue's name; a flow's slug is one."""
RESERVED_FOR_STEPS = frozenset({"flow_input", "input", "run", "ctx"})
"""Names that a handler's parameters use for something else."""
RESERVED_FOR_FLOWS = frozenset({"run"})

_PATTERN = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def is_slug(text: str) -> bool:
    """Whether ``text`` has the form of a slug; reserved words are judged apart."""
    return len(text) <= MAX_LENGTH and _PATTERN.fullmatch(text) is not None


def db_slug(slug: str, version: int) -> str:
    """A flow's slug in the database: version n > 1 is ``<slug>_v<n>``."""
    return slug if version == 1 else f"{slug}_v{version}"
