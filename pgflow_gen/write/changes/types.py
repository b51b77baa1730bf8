"""405-409: types of a released flow that refuse what its runs under way have stored."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pgflow_gen.diagnostics import Findings, Span
from pgflow_gen.ir.flow import FlowSpec
from pgflow_gen.render.rendered import Rendered
from pgflow_gen.write.changes.narrowing import Comparison
from pgflow_gen.write.migrations.ledger import Ledger
from pgflow_shared.system.digest import digest

_DIGEST = "contract"
"""Under which the digest of the whole contract stands: while that is the same, nothing need be compared."""
_HELP = {
    "PGF405": "give it a default",
    "PGF406": "let the new type take the old values as well (Old | New)",
    "PGF407": "check it in the handler",
    "PGF408": "let it take other keys",
    "PGF409": "keep the value among the others",
}


def stored_types(content: bytes) -> dict[str, Any]:
    """Of a contract, the schemas of what a run stores: input, outputs, what loops keep."""
    contract = json.loads(content)
    own, steps = contract["properties"], contract["x-pgflow"]["steps"]
    return {
        "input": own["input"],
        "outputs": {slug: step["output"] for slug, step in steps.items()},
        "states": {slug: step["state"] for slug, step in steps.items() if "state" in step},
        "$defs": contract["$defs"],
        _DIGEST: digest(content),
    }


def changed_types(ledger: Ledger, rendered: Rendered, findings: Findings) -> None:
    """A warning at each type that has become narrower since its flow's release, until the next one."""
    for flow in rendered.analysis.flows:
        base = ledger.shipped(flow.db_slug)
        if base is None or base.types is None or base.types[_DIGEST] == rendered.contract_digest(flow):
            continue
        now = stored_types(rendered.contract(flow))
        for what, span, before, after in _pairs(flow, base.types, now):
            for found in Comparison(base.types, now).narrowings(before, after):
                findings.add(
                    found.code,
                    span,
                    f"{what}{found.path} of flow {flow.db_slug!r} {found.words}, and runs under way may hold"
                    " what it refuses",
                    notes=[f"as it was released with {base.name}"],
                    help=f"{_HELP[found.code]}; or keep the old flow, and put the changed one beside it as a"
                    " new version",
                    severity="warning",
                )


def _pairs(
    flow: FlowSpec, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[tuple[str, Span, Mapping[str, Any], Mapping[str, Any]]]:
    """What is stored, with its type then and now, and where it is written."""
    yield "input", flow.span, old["input"], new["input"]
    for step in flow.steps:
        for what, key in ((step.slug, "outputs"), (f"state of {step.slug}", "states")):
            if step.slug in old[key] and step.slug in new[key]:
                yield what, step.span, old[key][step.slug], new[key][step.slug]
