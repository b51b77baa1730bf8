"""A project's life: flows built by hand, written, released and built again in one folder."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pgflow_gen.config import Config
from pgflow_gen.diagnostics import Diagnostic, Findings
from pgflow_gen.ir.flow import Analysis, FlowSpec
from pgflow_gen.render import render
from pgflow_gen.write import Plan, apply, edited_findings, make_plan, release, stale_findings
from tests.support.ir import Types

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@dataclass
class History:
    """``minutes`` pass between two builds."""

    root: Path
    style: str = "plain"
    migrations: str = "generated/migrations"
    now: datetime = NOON
    warnings: list[Diagnostic] = field(default_factory=list)

    @property
    def config(self) -> Config:
        return Config(self.root, migrations=self.migrations, style=self.style)

    @property
    def folder(self) -> Path:
        return self.root / self.migrations

    def plan(self, *flows: FlowSpec, renumber: bool = False) -> Plan:
        rendered = render(Analysis(flows, Types().table), self.config)
        return make_plan(rendered, self.config, renumber=renumber, now=self.now)

    def build(self, *flows: FlowSpec, renumber: bool = False) -> Plan:
        """A build that must not be refused, and after which nothing is left to do."""
        plan = self.plan(*flows, renumber=renumber)
        assert plan.findings == ()
        apply(plan)
        findings = Findings()
        edited_findings(plan, findings, written=True)
        self.warnings = list(findings)
        self.now += timedelta(minutes=1)
        assert self.plan(*flows).findings == ()
        return plan

    def check(self, *flows: FlowSpec) -> list[tuple[str, str]]:
        """What ``build --check`` says: code and file."""
        plan = self.plan(*flows)
        findings = Findings()
        findings.extend(plan.findings)
        if not plan.findings:
            stale_findings(plan, findings)
        return [(item.code, item.span.path) for item in findings]

    def release(self) -> tuple[str, ...]:
        return release(self.config)

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.is_dir() else []

    def text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def calls(self, name: str) -> list[str]:
        return [line for line in self.text(name).splitlines() if line.startswith("select ")]

    @property
    def manifest_path(self) -> Path:
        return self.root / "generated" / "manifest.json"

    def manifest(self) -> dict[str, Any]:
        return dict(json.loads(self.manifest_path.read_text()))

    def ledger(self) -> list[tuple[str, bool]]:
        return [(entry["name"], entry["shipped"]) for entry in self.manifest()["migrations"]]


def merged(ours: str, theirs: str, base: str) -> str:
    """What git leaves of a file that both sides changed: marks around what differs."""
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("ours", "base", "theirs")]
        for path, text in zip(paths, (ours, base, theirs), strict=True):
            path.write_text(text, encoding="utf-8")
        done = subprocess.run(
            ["git", "merge-file", "-p", *map(str, paths)], capture_output=True, text=True, check=False
        )
        return done.stdout


def codes(found: Iterable[Diagnostic]) -> list[tuple[str, str]]:
    return [(item.code, item.span.path) for item in found]
