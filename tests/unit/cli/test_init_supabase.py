"""`init --supabase`: style, roles and a flow of the preset, whose tests pass as they are."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tests.support.project import Project


def test_a_new_project(tmp_path: Path) -> None:
    project = Project(tmp_path)
    told = project.ok("init", "--supabase").stderr
    for path in ("pyproject.toml", "flows/greeting.py", "supabase/setup.sql", ".env.example"):
        assert f"created {path}" in told
    table = tomllib.loads((tmp_path / "pyproject.toml").read_text())["tool"]["pgflow-gen"]
    assert (table["style"], table["migrations"], table["roles"]) == ("supabase", "supabase/migrations", True)
    assert ".env" in (tmp_path / ".gitignore").read_text().splitlines()
    assert "from pgflow_runtime.supabase import Context, Flow" in (tmp_path / "flows/greeting.py").read_text()
    project.ok("build")
    (migration,) = (tmp_path / "supabase" / "migrations").glob("*_greeting_flow.sql")
    assert migration.name[:14].isdigit()
    done = project.python("-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert "3 passed" in done.stdout, done.stdout + done.stderr


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("flows/greeting.py", "# mine\n")
    assert "kept flows/greeting.py" in project.ok("init", "--supabase").stderr
    assert (tmp_path / "flows/greeting.py").read_text() == "# mine\n"
    assert "kept pyproject.toml" in project.ok("init").stderr


def test_roles_is_true_or_false(tmp_path: Path) -> None:
    project = Project.make(tmp_path, {"flows/a.py": ""}, 'roles = "yes"\n')
    for command in ("check", "migrate"):
        done = project.run(command)
        assert done.returncode == 2
        assert "tool.pgflow-gen.roles must be true or false, not 'yes'" in done.stderr
