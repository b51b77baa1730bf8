"""What the benchmark measures is a project in order: a fault would make it fast for the wrong reason."""

from __future__ import annotations

from pathlib import Path

from benchmarks.flow_modules import write_project
from pgflow_gen.config import load_config
from pgflow_gen.pipeline import build


def test_its_modules_have_five_steps_each_and_no_faults(tmp_path: Path) -> None:
    modules = write_project(tmp_path / "project", 3)
    report = build(load_config(tmp_path / "project"), verify=False)
    assert report.diagnostics == ()
    assert [len(flow.steps) for flow in report.analysis.flows] == [5, 5, 5]
    assert all(60 <= len(module.read_text().splitlines()) <= 90 for module in modules)
