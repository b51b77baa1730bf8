"""The compiler from end to end: analyze, check, render, verify, plan, apply. Each arrow is one function.

Faults of the user's code are diagnostics in the report; ConfigError and OSError are raised. The heavy
parts (libcst, jinja2, mypy) are imported when their layer is entered.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from pgflow_gen.diagnostics import Diagnostic, Findings
from pgflow_gen.incremental.fingerprint import BuildRecord, FileStamps, Outcome
from pgflow_gen.incremental.worker_process import WorkerProcess
from pgflow_gen.light_dataclass import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from pgflow_gen.config import Config
    from pgflow_gen.incremental.analysis import Analyzed
    from pgflow_gen.incremental.session import BuildSession
    from pgflow_gen.ir.flow import Analysis, FlowSpec
    from pgflow_gen.render import Rendered
    from pgflow_gen.write import Plan

Mode: TypeAlias = Literal["write", "check", "diff"]


_OF_FILES = ("PGF401", "PGF402", "PGF403", "PGF404")
"""Findings that do not follow from what a build reads."""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What came out of a command: findings by place, what was read, and what was (or would be) written."""

    diagnostics: tuple[Diagnostic, ...]
    sources: Mapping[str, str]
    """Path to text of every file that was read."""
    _analysis: Analysis | None
    sound: tuple[FlowSpec, ...] = ()
    """The flows in whose files, and in those of their types, no error was found."""
    plan: Plan | None = None
    """None when errors kept files from being rendered, and for ``check``."""
    unchanged: Outcome | None = None
    """The last build's outcome where nothing changed since: then nothing was read, and nothing is to do."""

    @property
    def analysis(self) -> Analysis:
        """Empty where nothing was read, which loads nothing either."""
        if self._analysis is not None:
            return self._analysis
        from pgflow_gen.ir.flow import Analysis
        from pgflow_gen.ir.types import TypeTable

        return Analysis((), TypeTable())

    @property
    def has_errors(self) -> bool:
        return any(item.severity == "error" for item in self.diagnostics)

    @property
    def file_count(self) -> int:
        return len(self.sources) if self.unchanged is None else self.unchanged.file_count

    @property
    def flow_count(self) -> int:
        return len(self.analysis.flows) if self.unchanged is None else self.unchanged.flow_count

    @property
    def step_count(self) -> int:
        if self.unchanged is not None:
            return self.unchanged.step_count
        return sum(flow.step_count for flow in self.analysis.flows)


@dataclass(slots=True)
class _Judged:
    """A project after everything that is judged on its source."""

    analyzed: Analyzed
    findings: Findings
    rendered: Rendered | None = None
    plan: Plan | None = field(default=None)

    def report(self) -> BuildReport:
        from pgflow_gen.checks.without_errors import flows_without_errors

        analyzed = self.analyzed
        return BuildReport(
            self.findings.sorted(),
            analyzed.sources,
            analyzed.analysis,
            flows_without_errors(analyzed.analysis, analyzed.module_paths, self.findings),
            self.plan,
        )


def check(
    config: Config,
    *,
    verify: bool = True,
    only: Path | None = None,
    history: bool = False,
    cached: bool = True,
    plugins: bool = True,
) -> BuildReport:
    """Judge all flows of a project, or those of one file; nothing is written but caches.

    ``history``: also against the shapes that were released (401). Without ``cached`` nothing counts that an
    earlier build has found out, without ``plugins`` mypy loads none of the project's.
    """
    with _no_collection(), WorkerProcess(config) if only is None else nullcontext() as worker_process:
        from pgflow_gen.incremental.session import BuildSession

        session = BuildSession(config, BuildRecord(config), worker_process, cached=cached)
        judged = _judge(config, session, verify=verify, plugins=plugins, only=only)
    if history:
        from pgflow_gen.checks.without_errors import flows_without_errors
        from pgflow_gen.write import check_shapes

        analysis = judged.analyzed.analysis
        flows = flows_without_errors(analysis, judged.analyzed.module_paths, judged.findings)
        check_shapes(replace(analysis, flows=flows), config, judged.findings)
    if only is None:
        session.save(judged.analyzed, None)
    return judged.report()


def build(
    config: Config,
    *,
    verify: bool = True,
    mode: Mode = "write",
    renumber: bool = False,
    cached: bool = True,
    plugins: bool = True,
) -> BuildReport:
    """Judge the flows and bring the generated files up to date, or say what is stale (403).

    With errors nothing is rendered, planned or written. ``mode`` diff plans without judging staleness.
    ``renumber`` moves draft migrations behind all others. Where nothing changed since a build that had
    nothing to find, its outcome is handed out again; where little changed, little is read. Without ``cached``
    nothing counts that an earlier build has found out; without ``plugins`` mypy loads none of the project's.
    """
    record = BuildRecord(config)
    known = record.outcome(verify=verify) if cached else None
    if known is not None and not renumber:
        return _unchanged(config, known)
    with _no_collection(), WorkerProcess(config) as worker_process:
        from pgflow_gen.incremental.session import BuildSession

        session = BuildSession(config, record, worker_process, cached=cached)
        judged = _build(config, session, verify=verify, plugins=plugins, mode=mode, renumber=renumber)
        report = judged.report()
        after: FileStamps | None = None
        if cached and report.plan is not None and _is_settled(report, mode):
            changed, others = _written(report.plan)
            after = record.remember(_outcome(report, verify=verify and plugins), changed, others)
        session.save(judged.analyzed, report.plan, after)
        record.settle()
    return report


def _outcome(report: BuildReport, *, verify: bool) -> Outcome:
    assert report.plan is not None
    kept = sum(change.kind != "delete" for change in report.plan.changes)
    counts = (report.file_count, report.flow_count, report.step_count, kept)
    return Outcome(*counts, verify, report.diagnostics)


def _written(plan: Plan) -> tuple[list[str], list[str]]:
    """Of the files that are not as they were, those that have changed, and those that came or went."""
    changed = [change.path for change in plan.pending if change.kind == "change"]
    return changed, [change.path for change in plan.pending if change.kind != "change"]


@contextmanager
def _no_collection() -> Iterator[None]:
    """Syntax trees and the IR are large and hold no cycles: looking for some takes a third of a build."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _is_settled(report: BuildReport, mode: Mode) -> bool:
    """Whether the same build would now find everything in order, with the same warnings."""
    assert report.plan is not None
    if report.has_errors or any(item.code in _OF_FILES for item in report.diagnostics):
        return False
    return mode == "write" or report.plan.is_clean


def _unchanged(config: Config, known: Outcome) -> BuildReport:
    paths = {item.highlight.path if item.highlight else item.span.path for item in known.warnings}
    return BuildReport(known.warnings, dict(_texts(config, sorted(paths))), None, unchanged=known)


def _texts(config: Config, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    if not paths:
        return
    from pgflow_gen.source.files.text import SourceText, read_source

    for path in paths:
        text = read_source(config.root, config.root / path)
        if isinstance(text, SourceText):
            yield text.path, text.text


def _build(
    config: Config, session: BuildSession, *, verify: bool, plugins: bool, mode: Mode, renumber: bool
) -> _Judged:
    from pgflow_gen.write import apply, edited_findings, make_plan, stale_findings

    judged = _judge(config, session, verify=verify, plugins=plugins)
    if judged.rendered is not None and not judged.findings.has_errors:
        plan = make_plan(judged.rendered, config, renumber=renumber, written=session.written)
        judged.findings.extend((*plan.findings, *plan.warnings))
        if plan.findings:
            return judged
        judged.plan = plan
        if mode == "write":
            apply(plan)
            edited_findings(plan, judged.findings, written=True)
        elif mode == "check":
            stale_findings(plan, judged.findings)
    return judged


def _judge(
    config: Config, session: BuildSession, *, verify: bool, plugins: bool, only: Path | None = None
) -> _Judged:
    from pgflow_gen.checks import run_checks
    from pgflow_gen.checks.without_errors import flows_without_errors
    from pgflow_gen.incremental.flow_results import FlowResults
    from pgflow_gen.render import render, report_collisions

    findings = Findings()
    analyzed = session.analyze(findings, only=only)
    results = FlowResults.of(analyzed)
    clean = run_checks(analyzed.analysis, findings, results.clean)
    report_collisions(analyzed.analysis, findings)
    judged = _Judged(analyzed, findings)
    # A fault in one flow does not hide from mypy what is wrong in the others.
    flows = flows_without_errors(analyzed.analysis, analyzed.module_paths, findings)
    analysis = replace(analyzed.analysis, flows=flows)
    whole = not findings.has_errors
    if whole or (verify and analysis.flows):
        rendered = render(analysis, config, results.files, results.client)
        results.store(analyzed, clean, rendered.flow_files, rendered.client)
        judged.rendered = rendered if whole else None
        if verify and analysis.flows:
            from pgflow_gen.verify import verify as verify_by_mypy

            verify_by_mypy(analysis, rendered, config, findings, cached=session.is_cached, plugins=plugins)
    else:
        results.store(analyzed, clean, {})
    return judged
