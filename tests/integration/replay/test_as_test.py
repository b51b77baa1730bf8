"""``runs export --as-test``: a recorded run as a test that passes, and fails once the flow does otherwise."""

from __future__ import annotations

import shutil
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.integration.replay.conftest import Recorded
from tests.support.project import Project


def pytested(project: Project, *files: str) -> CompletedProcess[str]:
    return project.python("-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", *files)


@pytest.fixture
def project(recorded: Recorded, tmp_path: Path) -> Project:
    changed = recorded.changed(tmp_path, "class Card", "class Card")
    changed.write("pyproject.toml", '[tool.pgflow-gen]\n[tool.pytest.ini_options]\npythonpath = ["."]\n')
    return changed


@pytest.mark.parametrize("name", ["paid", "broken", "forked", "late", "cancelled", "unanswered"])
def test_the_test_passes_for_what_was_recorded(recorded: Recorded, project: Project, name: str) -> None:
    done = project.ok("runs", "export", recorded.runs[name], "--as-test", "--dsn", recorded.dsn)
    (test,) = (project.root / "tests").glob("test_*.py")
    assert f"wrote {test} and {test.stem}.json" in done.stderr
    assert test.with_suffix(".json").stat().st_mode & 0o777 == 0o600
    done = pytested(project)
    assert "1 passed" in done.stdout, done.stdout
    again = project.run("runs", "export", recorded.runs[name], "--as-test", "--dsn", recorded.dsn)
    assert (again.returncode, "is there already" in again.stderr) == (2, True)


def test_it_says_what_is_otherwise_once_the_handler_is_mended(recorded: Recorded, project: Project) -> None:
    command = ["runs", "export", recorded.runs["broken"], "--as-test", "-o", "tests/test_broken.py"]
    project.ok(*command, "--dsn", recorded.dsn)
    text = (project.root / "tests" / "test_broken.py").read_text()
    assert "# It failed in step weigh: ValueError: no weight for -2" in text
    source = project.root / "flows" / "shop.py"
    source.write_text(source.read_text().replace("if parcel < 0:", "if parcel < -99:"))
    done = pytested(project)
    assert "1 failed" in done.stdout
    assert "recorded='ValueError: no weight for -2', today='\"-2 kg\"'" in done.stdout
    lines = [line for line in text.splitlines() if "run.differences == ()" not in line]
    (project.root / "tests" / "test_broken.py").write_text(
        "\n".join(lines).replace('"failed"', '"completed"')
    )
    assert "1 passed" in pytested(project).stdout


def test_it_needs_one_run_that_has_ended_and_its_flow(
    recorded: Recorded, project: Project, tmp_path: Path
) -> None:
    two = [recorded.runs["paid"], recorded.runs["broken"]]
    done = project.run("runs", "export", *two, "--as-test", "--dsn", recorded.dsn)
    assert (done.returncode, "a test follows one run, not 2" in done.stderr) == (2, True)
    shutil.rmtree(project.root / "generated")
    done = project.run("runs", "export", two[0], "--as-test", "--dsn", recorded.dsn)
    assert (done.returncode, "this project has no flow 'order'" in done.stderr) == (2, True)
