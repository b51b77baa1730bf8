"""PGF201: what may be a slug."""

from __future__ import annotations

import re

from pgflow_gen.diagnostics import Findings, Span
from pgflow_gen.names import (
    MAX_FLOW_SLUG_LENGTH,
    MAX_SLUG_LENGTH,
    RESERVED_FLOW_SLUGS,
    RESERVED_STEP_SLUGS,
    is_slug,
)


def check_flow_slug(findings: Findings, slug: str, db_slug: str, span: Span) -> None:
    """``slug`` as written; ``db_slug`` with the version's suffix is what has to fit a queue's name."""
    if _check_form(findings, "flow", slug, span):
        return
    if slug in RESERVED_FLOW_SLUGS:
        _reserved(findings, "flow", slug, span, f'for example "{slug}_flow"')
    elif len(db_slug) > MAX_FLOW_SLUG_LENGTH:
        findings.add(
            "PGF201",
            span,
            f"flow slug {db_slug!r} is {len(db_slug)} characters long",
            notes=(f"it is also a queue's name, which has at most {MAX_FLOW_SLUG_LENGTH}",),
            help="choose a shorter slug",
        )


def check_step_slug(findings: Findings, slug: str, span: Span) -> None:
    if not _check_form(findings, "step", slug, span) and slug in RESERVED_STEP_SLUGS:
        _reserved(findings, "step", slug, span, "rename the handler, or pass another slug=")


def _check_form(findings: Findings, what: str, slug: str, span: Span) -> bool:
    """Whether the form is wrong, which is then reported."""
    if is_slug(slug):
        return False
    if len(slug) > MAX_SLUG_LENGTH:
        message = f"{what} slug is {len(slug)} characters long, at most {MAX_SLUG_LENGTH} are allowed"
        findings.add("PGF201", span, message, help="choose a shorter slug")
        return True
    suggestion = re.sub(r"[^a-zA-Z0-9_]+", "_", slug).strip("_")
    suggestion = f"_{suggestion}" if suggestion[:1].isdigit() else suggestion
    findings.add(
        "PGF201",
        span,
        f"{slug!r} is not a valid {what} slug",
        notes=("a slug is made of ASCII letters, digits and _, and does not start with a digit",),
        help=f"for example {suggestion!r}" if is_slug(suggestion) else "choose another slug",
    )
    return True


def _reserved(findings: Findings, what: str, slug: str, span: Span, help: str) -> None:
    findings.add("PGF201", span, f"{slug!r} is a reserved word and cannot be a {what} slug", help=help)
