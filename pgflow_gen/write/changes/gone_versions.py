"""317: released versions whose source is gone, while a newer one is about to be released in their place."""

from __future__ import annotations

from pgflow_gen.diagnostics import Findings
from pgflow_gen.ir.flow import Analysis, FlowSpec
from pgflow_gen.write.migrations.ledger import Ledger


def gone_versions(ledger: Ledger, analysis: Analysis, findings: Findings) -> None:
    """A warning at the newest version of each flow that has lost older ones.

    Once that is released as well, the change has been made: what is open then is seen in the database.
    """
    newest: dict[str, FlowSpec] = {}
    for flow in analysis.flows:
        if flow.slug not in newest or flow.version > newest[flow.slug].version:
            newest[flow.slug] = flow
    present = {flow.db_slug for flow in analysis.flows}
    for slug, flow in newest.items():
        if ledger.shipped(flow.db_slug) is not None:
            continue
        for version in range(1, flow.version):
            older = slug if version == 1 else f"{slug}_v{version}"
            if older not in present and ledger.shipped(older) is not None:
                findings.add(
                    "PGF317",
                    flow.span,
                    f"version {version} of flow {slug!r} is gone, and runs of it may be open",
                    notes=["no worker has its handlers any more: such runs wait for ever"],
                    help=f"keep it beside version {flow.version} until `pgflow-gen runs list --flow {older}`"
                    " shows none that is open",
                    severity="warning",
                )
