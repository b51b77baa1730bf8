"""What all compiler commands do around the pipeline: find the project, print findings and changes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pgflow_command.lazy import CommandFailure
from pgflow_gen.report import Format, render_report, summary, wants_colour
from pgflow_shared.text import counted, joined
from pgflow_shared.verbosity import is_quiet, is_verbose

if TYPE_CHECKING:
    from pgflow_gen.config import Config
    from pgflow_gen.pipeline import BuildReport


@contextmanager
def refusals() -> Iterator[None]:
    """What a project's configuration or folders do not allow ends the command with exit code 2."""
    from pgflow_gen.config import ConfigError

    try:
        yield
    except ConfigError as error:
        raise CommandFailure(error.message, error.help) from None


def load_project(start: Path | None = None) -> Config:
    """The configuration of the project at ``start`` (default: the working directory)."""
    from pgflow_gen.config import load_config

    with refusals():
        return load_config(start or Path.cwd())


def print_findings(report: BuildReport, format: Format, *, err: bool = False) -> None:
    """The findings to stdout, or to stderr for commands whose stdout is data."""
    stream = sys.stderr if err else sys.stdout
    colour = format == "text" and wants_colour(stream)
    text = render_report(format, report.diagnostics, report.sources, colour=colour)
    if text:
        # click would strip colours that were asked for (FORCE_COLOR) when this is no terminal.
        click.echo(text, nl=False, err=err, color=colour)


def tell(text: str) -> None:
    """A line for the user's eyes, on stderr; not for who asked for quiet."""
    if not is_quiet():
        click.echo(text, err=True)


def print_summary(report: BuildReport) -> None:
    """The closing line, on stderr."""
    if not report.flow_count and not report.has_errors:
        tell('No flow was found; one is a module-level name: crawl = Flow[Input]("crawl")')
    tell(
        summary(
            report.diagnostics,
            file_count=report.file_count,
            flow_count=report.flow_count,
            step_count=report.step_count,
        )
    )
    if any(item.severity == "error" for item in report.diagnostics):
        codes = sorted({item.code for item in report.diagnostics if item.severity == "error"})
        tell(f"For more about {joined(codes, 'or')}: pgflow-gen explain {codes[0]}")


def print_changes(report: BuildReport, *, done: bool) -> None:
    """One line per file that was (or would be) written, and how many were kept; on stderr."""
    if report.unchanged is not None:
        tell(f"kept {counted(report.unchanged.kept_count, 'file')}")
    if report.plan is None:
        return
    words = {"create": "created", "change": "changed", "delete": "deleted"}
    if not done:
        words = {"create": "would create", "change": "would change", "delete": "would delete"}
    kept = 0
    for change in report.plan.changes:
        if change.kind == "keep":
            kept += 1
            if is_verbose():
                tell(f"kept {change.path}")
        else:
            tell(f"{words[change.kind]} {change.path}")
    if kept:
        tell(f"kept {counted(kept, 'file')}")
