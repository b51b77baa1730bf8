"""PGF201, where it is about a slug's form; reserved words and a queue's length are judged in ``checks``."""

from __future__ import annotations

import re
from typing import Literal

from pgflow_gen.diagnostics import Findings, Span
from pgflow_shared.slugs import MAX_LENGTH, is_slug


def check_slug(findings: Findings, what: Literal["flow", "step"], slug: str, span: Span) -> None:
    """Report a slug that is none, at ``span``."""
    if is_slug(slug):
        return
    if len(slug) > MAX_LENGTH:
        message = f"{what} slug is {len(slug)} characters long, at most {MAX_LENGTH} are allowed"
        findings.add("PGF201", span, message, help="choose a shorter slug")
        return
    suggestion = re.sub(r"[^a-zA-Z0-9_]+", "_", slug).strip("_")
    suggestion = f"_{suggestion}" if suggestion[:1].isdigit() else suggestion
    findings.add(
        "PGF201",
        span,
        f"{slug!r} is not a valid {what} slug",
        notes=("a slug is made of ASCII letters, digits and _, and does not start with a digit",),
        help=f"for example {suggestion!r}" if is_slug(suggestion) else "choose another slug",
    )
