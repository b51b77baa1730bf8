"""401: flows whose steps are not those of their shipped migration any more, and what exactly changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pgflow_gen.diagnostics import Findings
from pgflow_gen.ir.flow import Analysis, FlowSpec
from pgflow_gen.ir.structure import structure
from pgflow_gen.write.migrations.ledger import Entry, Ledger
from pgflow_shared.structure import changes


def changed_shapes(
    ledger: Ledger,
    analysis: Analysis,
    findings: Findings,
    shape_of: Callable[[FlowSpec], Mapping[str, Any]] | None = None,
) -> None:
    """A 401 at every flow that needs a new version. ``shape_of`` knows structures that were worked out."""
    for flow in analysis.flows:
        base = ledger.shipped(flow.db_slug)
        if base is None:
            continue
        shape = structure(flow, analysis.types_of(flow)) if shape_of is None else shape_of(flow)
        if base.structure == shape:
            continue
        version = _next_version(flow, ledger, analysis)
        findings.add(
            "PGF401",
            flow.span,
            f"the shape of flow {flow.db_slug!r} changed, but its version did not",
            notes=[*changes(base.structure, shape), _shipped(base)],
            help=f"keep the old flow as it was, and put the changed one beside it with version={version}",
        )


def _shipped(base: Entry) -> str:
    return f"the shape that runs rely on was shipped with {base.name}"


def _next_version(flow: FlowSpec, ledger: Ledger, analysis: Analysis) -> int:
    """One more than any version that exists or was ever written."""
    versions = [one.version for one in analysis.flows if one.slug == flow.slug]
    for entry in ledger.entries:
        slug, _, number = entry.flow.rpartition("_v")
        if slug == flow.slug and number.isascii() and number.isdigit():
            versions.append(int(number))
    return max(versions) + 1
