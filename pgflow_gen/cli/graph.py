"""``pgflow-gen graph``."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import click

from pgflow_command.lazy import CommandFailure
from pgflow_command.options import common_options
from pgflow_gen.cli.output import load_project, print_findings, print_summary, refusals
from pgflow_shared.companions import end_slug, undo_slug
from pgflow_shared.text import closest

if TYPE_CHECKING:
    from pgflow_gen.ir.flow import FlowSpec
    from pgflow_gen.pipeline import BuildReport


@click.command(
    epilog="""\
\b
Examples:
  pgflow-gen graph crawl
  pgflow-gen graph flows.crawl:crawl > crawl.mmd
  pgflow-gen graph crawl --format svg > crawl.svg"""
)
@click.argument("flow", metavar="FLOW")
@click.option(
    "-f", "--format", "format", type=click.Choice(("mermaid", "dot", "svg")), default="mermaid",
    show_default=True, help="SVG is drawn by Graphviz, whose command 'dot' must be installed.",
)  # fmt: skip
@common_options
@click.pass_context
def graph(ctx: click.Context, flow: str, format: str) -> None:
    """Print a flow's DAG as a picture: a Mermaid flowchart, Graphviz's DOT, or SVG.

    FLOW is a slug (the highest version's, or crawl_v1 for an older one) or MODULE:NAME, or the slug of what
    undoes it or follows its end (crawl__undo). Faults of other flows do not matter; those of this one go to
    stderr.
    """
    from pgflow_gen import pipeline

    with refusals():
        report = pipeline.check(load_project(), verify=False)
    wanted, companion = _find(report, flow)
    if wanted not in report.sound:
        print_findings(report, "text", err=True)
        print_summary(report)
        ctx.exit(1)
    from pgflow_gen.ir.companions import companions
    from pgflow_gen.render import render_dot, render_graph

    if companion is not None:
        wanted = companions(wanted, report.analysis.types)[companion].flow
    if format == "mermaid":
        click.echo(render_graph(wanted, report.analysis.types), nl=False)
        return
    text = render_dot(wanted, report.analysis.types)
    click.echo(text if format == "dot" else _svg(text), nl=False)


def _svg(text: str) -> str:
    """What Graphviz makes of a graph."""
    program = shutil.which("dot")
    if program is None:
        raise CommandFailure(
            "SVG is drawn by Graphviz, whose command 'dot' is not on the PATH.",
            "install Graphviz (apt install graphviz, brew install graphviz), or use --format mermaid or dot",
        )
    done = subprocess.run(
        [program, "-Tsvg"], input=text, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    if done.returncode != 0:
        told = " ".join(done.stderr.split())[:300]
        raise CommandFailure(f"Graphviz failed: {told or f'exit code {done.returncode}'}", "use --format dot")
    return done.stdout


def _find(report: BuildReport, name: str) -> tuple[FlowSpec, int | None]:
    """The flow that is meant, or whose companion is: then the number of that one among its companions."""
    flows = sorted(report.analysis.flows, key=lambda flow: -flow.version)
    for flow in flows:
        slugs = (flow.slug, flow.db_slug, f"{flow.slug}_v{flow.version}")
        if name in (*slugs, f"{flow.key.module}:{flow.key.name}"):
            return flow, None
        for slug in slugs:
            companions = _companion_slugs(flow, slug)
            if name in companions:
                return flow, companions.index(name)
    known = sorted(slug for flow in flows for slug in (flow.slug, *_companion_slugs(flow, flow.slug)))
    near = closest(name, known)
    there = f"the flows here: {', '.join(known)}" if known else "no flow was found in this project"
    raise CommandFailure(f"There is no flow {name!r}.", f"did you mean {near!r}?" if near else there)


def _companion_slugs(flow: FlowSpec, slug: str) -> list[str]:
    """What the flow's companions are called where it is called ``slug``, in their order."""
    undo = [undo_slug(slug)] if flow.undos else []
    return [*undo, *(end_slug(slug, handler.slug) for handler in flow.ends)]
