"""Schedules through the life of a project: migrations, in order, leave in a database what the source has."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pgflow_gen.config import load_config
from pgflow_gen.pipeline import build
from pgflow_gen.write.release import release
from pgflow_runtime.migrate.files import read_flow_migrations
from tests.support.core import Connection

HEAD = "from pgflow_runtime import Flow\n"


def flow(version: int = 1, steps: str = "write", schedules: str = "") -> str:
    name = f"v{version}"
    text = f'{name} = Flow[None]("report", version={version})\n'
    for step in steps.split():
        text += f'@{name}.step(slug="{step}")\ndef {step}_{version}() -> None: ...\n'
    for schedule in schedules.split():
        slug, _, seconds = schedule.partition("=")
        text += f'{name}.schedule("{slug}", every={seconds}, input=None)\n'
    return text


@dataclass
class Project:
    root: Path
    db: Connection
    applied: set[str] = field(default_factory=set)

    def becomes(self, *flows: str) -> dict[str, tuple[str, int]]:
        """Build, release and migrate; then each schedule's flow and seconds."""
        (self.root / "pyproject.toml").write_text("[tool.pgflow-gen]\n")
        (self.root / "flows").mkdir(exist_ok=True)
        (self.root / "flows" / "report.py").write_text(HEAD + "".join(flows))
        config = load_config(self.root)
        report = build(config, verify=False)
        assert [item.message for item in report.diagnostics if item.severity == "error"] == []
        release(config)
        for migration in read_flow_migrations(self.root / config.migrations, config.style):
            if migration.name not in self.applied:
                self.db.execute(migration.script.encode())
                self.applied.add(migration.name)
        assert build(config, verify=False, mode="check").plan.is_clean  # type: ignore[union-attr]
        query = "select s.schedule_slug, s.flow_slug, s.spec from pgflow.schedules s"
        return {row.schedule_slug: (row.flow_slug, row.spec["every"]) for row in self.db.execute(query)}


@pytest.fixture
def project(tmp_path: Path, db: Connection) -> Project:
    return Project(tmp_path, db)


def test_schedules_come_change_and_go(project: Project) -> None:
    assert project.becomes(flow(schedules="a=60 b=60")) == {"a": ("report", 60), "b": ("report", 60)}
    assert project.becomes(flow(schedules="b=120 c=60")) == {"b": ("report", 120), "c": ("report", 60)}
    assert project.becomes(flow()) == {}
    assert len(project.applied) == 3


def test_a_pause_survives_a_change(project: Project) -> None:
    project.becomes(flow(schedules="a=60"))
    project.db.execute("select pgflow.pause_schedule('report', 'a', 'somebody')")
    project.becomes(flow(schedules="a=120"))
    row = project.db.execute("select s.is_paused from pgflow.schedules s").fetchone()
    assert row is not None
    assert row.is_paused


def test_the_next_version_beside_the_old_one_takes_schedules_over(project: Project) -> None:
    project.becomes(flow(schedules="a=60 b=60"))
    both = project.becomes(flow(), flow(2, "write send", "b=60 c=60"))
    assert both == {"b": ("report_v2", 60), "c": ("report_v2", 60)}
    assert project.becomes(flow(), flow(2, "write send")) == {}


def test_the_next_version_in_place_of_the_old_one_drops_what_it_does_not_declare(project: Project) -> None:
    project.becomes(flow(schedules="a=60 b=60"))
    assert project.becomes(flow(2, "write send", "b=120")) == {"b": ("report_v2", 120)}
    assert project.becomes(flow(2, "write send", "a=30")) == {"a": ("report_v2", 30)}
