"""215 for the client: flows whose classes would meet there, though their modules and methods do not."""

from __future__ import annotations

from pgflow_gen.diagnostics import Findings
from pgflow_gen.ir.flow import Analysis, FlowSpec
from pgflow_gen.render.python.naming import FlowNames, stems


def report_collisions(analysis: Analysis, findings: Findings) -> None:
    """Add a 215 at the later of two flows whose classes have one name, like ``crawl_a`` and ``crawlA``.

    Modules, methods and the names within one flow are judged by the checks, before anything is rendered.
    """
    named = stems(analysis.flows)
    bearers: dict[str, FlowSpec] = {}
    for flow in sorted(analysis.flows, key=lambda flow: flow.span):
        stem = named[flow.key]
        names = FlowNames.for_stem(stem)
        for name in (names.input, names.run, names.async_run):
            other = bearers.setdefault(name, flow)
            # One module for both is told by the checks already.
            if other is flow or named[other.key].casefold() == stem.casefold():
                continue
            findings.add(
                "PGF215",
                flow.slug_span,
                f"flows {flow.db_slug!r} and {other.db_slug!r} would both be class {name!r} of the client",
                notes=[f"flow {other.db_slug!r} is defined at {other.span.path}:{other.span.line}"],
                help="give one of them another slug",
            )
            break
