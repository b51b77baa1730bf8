"""What a plan says to people: findings for ``--check``, a unified diff for ``--diff``."""

from __future__ import annotations

import difflib

from pgflow_gen.diagnostics import Findings, Severity, Span
from pgflow_gen.write.plan import Change, Plan

_BUILD = "run `pgflow-gen build` and commit what it writes"


def stale_findings(plan: Plan, findings: Findings) -> None:
    """A 403 for every file that a build would write or delete; a 402 or 404 for what was edited by hand."""
    edited_findings(plan, findings)
    for change in plan.pending:
        if not _is_tampered(change):
            findings.add("PGF403", Span.file(change.path), _stale(change), help=_BUILD)


def edited_findings(plan: Plan, findings: Findings, *, written: bool = False) -> None:
    """What was done to files of ours by hand: 402 for a draft migration, 404 for any other file.

    ``written``: the plan has been carried out, so that it is told as a warning.
    """
    severity: Severity = "warning" if written else "error"
    for change in filter(_is_tampered, plan.pending):
        code = "PGF402" if change.is_migration else "PGF404"
        message, way_out = _tampered(change, written)
        findings.add(code, Span.file(change.path), message, help=way_out, severity=severity)


def _is_tampered(change: Change) -> bool:
    is_missing = change.is_migration and change.kind == "create" and change.was_written
    return change.is_edited or is_missing


def _stale(change: Change) -> str:
    if change.kind == "create":
        return "this generated file is missing"
    if change.kind == "delete":
        return "this generated file is left over: no flow asks for it any more"
    return "this generated file is stale"


def _tampered(change: Change, written: bool) -> tuple[str, str]:
    """(what is wrong, way out)."""
    noun = "draft migration" if change.is_migration else "generated file"
    if change.kind == "delete":
        return (
            f"this {noun} is left over and was edited by hand, so it is not deleted",
            "move your edit elsewhere and delete the file",
        )
    if change.kind == "create":
        if written:
            return f"this {noun} was missing and has been written again", "commit it"
        return f"this {noun} was written before and is missing now", _BUILD
    if written:
        return (
            f"this {noun} was edited by hand, and has been written anew",
            "change the flow it is made from; the edit may still be in version control",
        )
    return (
        f"this {noun} was edited by hand",
        "take the edit back, or change the flow it is made from; `pgflow-gen build` writes the file anew",
    )


def diff(plan: Plan) -> str:
    """A unified diff from the disk to the plan, by path; empty when there is nothing to do."""
    return "".join(_diff(change) for change in plan.pending)


def _diff(change: Change) -> str:
    old, new = _lines(change.old), _lines(change.new)
    before = "/dev/null" if change.old is None else f"a/{change.path}"
    after = "/dev/null" if change.new is None else f"b/{change.path}"
    text = "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(old, new, before, after)
    )
    # An empty file has no lines to show, but its coming and going is news.
    return text or f"--- {before}\n+++ {after}\n"


def _lines(content: bytes | None) -> list[str]:
    text = (content or b"").decode("utf-8", errors="replace").replace("\r\n", "\n")
    return text.splitlines(keepends=True) if "\r" not in text else text.split("\n")
