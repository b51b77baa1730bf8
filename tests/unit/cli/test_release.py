"""release, and what build and check say of a project's history, as a user meets them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.project import Project

CRAWL = """\
from pgflow_runtime import Flow

crawl = Flow[list[str]]("crawl", timeout=60)


@crawl.map
async def fetch(url: str) -> int:
    return len(url)
"""
FASTER = CRAWL.replace("timeout=60", "timeout=30")
MORE = (
    CRAWL
    + """\


@crawl.step
def total(fetch: list[int]) -> int:
    return sum(fetch)
"""
)
VERSION_2 = MORE.replace('"crawl", timeout=60', '"crawl", version=2').replace("crawl =", "crawl2 =")
VERSION_2 = VERSION_2.replace("@crawl.", "@crawl2.")
FIRST = "generated/migrations/0001_crawl.sql"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.make(tmp_path, {"flows/crawl.py": CRAWL})
    project.ok("build", "--no-verify")
    return project


@pytest.fixture
def released(project: Project) -> Project:
    assert f"shipped {FIRST}" in project.ok("release", "--no-verify").stderr
    return project


def test_release_check_is_for_ci(project: Project) -> None:
    before = project.run("release", "--check")
    assert (before.returncode, before.stdout) == (1, f"{FIRST} is a draft\n")
    project.ok("release", "--no-verify")
    after = project.ok("release", "--check")
    assert after.stdout == ""
    assert "there are no drafts" in project.ok("release", "--no-verify").stderr
    project.ok("build", "--check", "--no-verify")


def test_nothing_stale_or_faulty_is_released(project: Project) -> None:
    project.write("flows/crawl.py", FASTER)
    stale = project.run("release", "--no-verify")
    assert stale.returncode == 1
    assert "PGF403" in stale.stdout
    project.write("flows/crawl.py", CRAWL.replace("-> int", "-> set"))
    faulty = project.run("release", "--no-verify")
    assert faulty.returncode == 1
    assert "PGF302" in faulty.stdout
    assert project.run("release", "--check").returncode == 1


def test_options_change_by_a_migration_and_steps_by_a_version(released: Project) -> None:
    released.write("flows/crawl.py", FASTER)
    assert "created generated/migrations/0002_alter_crawl.sql" in released.ok("build", "--no-verify").stderr
    released.write("flows/crawl.py", MORE)
    for command in (["build"], ["build", "--check"], ["build", "--diff"], ["check"]):
        done = released.run(*command, "--no-verify")
        said = done.stderr if "--diff" in command else done.stdout
        assert done.returncode == 1
        assert (
            "flows/crawl.py:3:1: error[PGF401]: the shape of flow 'crawl' changed, but its version did not\n"
            '    3 | crawl = Flow[list[str]]("crawl", timeout=60)\n'
            "      | ^^^^^\n"
            "   = note: step 'total' is new\n"
            "   = note: the shape that runs rely on was shipped with 0001_crawl.sql\n"
            "   = help: keep the old flow as it was, and put the changed one beside it with version=2\n"
        ) in said
    released.write("flows/crawl.py", CRAWL)
    released.write("flows/crawl_2.py", VERSION_2)
    told = released.ok("build", "--no-verify").stderr
    assert "created generated/migrations/0002_crawl_v2.sql" in told
    assert "deleted generated/migrations/0002_alter_crawl.sql" in told
    released.ok("release", "--no-verify")
    (released.root / "flows/crawl.py").unlink()
    assert "migrations" not in released.ok("build", "--no-verify").stderr
    released.ok("build", "--check", "--no-verify")


def test_a_lost_shipped_migration_stops_everything(released: Project) -> None:
    (released.root / FIRST).unlink()
    for command in (["build"], ["build", "--check"], ["release"]):
        done = released.run(*command, "--no-verify")
        assert done.returncode == 1
        assert done.stdout == (
            f"{FIRST}:1:1: error[PGF402]: this migration was written before and is missing now\n"
            "   = note: it was shipped: databases may have had it\n"
            "   = help: restore it from version control; if `migrations` is a new folder, move it there\n"
        )
    assert not (released.root / FIRST).exists()


def test_an_edit_is_overwritten_with_a_warning_and_never_silently(project: Project) -> None:
    for path, code in ((FIRST, "PGF402"), ("generated/crawl.py", "PGF404")):
        file = project.root / path
        original = file.read_text()
        file.write_text(original + "\n")
        checked = project.run("build", "--check", "--no-verify")
        assert (checked.returncode, f"{path}:1:1: error[{code}]" in checked.stdout) == (1, True)
        built = project.ok("build", "--no-verify")
        assert f"{path}:1:1: warning[{code}]" in built.stdout
        assert file.read_text() == original


def test_check_and_renumber_do_not_go_together(project: Project) -> None:
    done = project.run("build", "--check", "--renumber")
    assert done.returncode == 2
    assert "choose one" in done.stderr


def test_a_time_is_stamped_once_and_remembered(tmp_path: Path) -> None:
    project = Project.make(tmp_path, {"flows/crawl.py": CRAWL}, 'style = "supabase"\n')
    project.ok("build", "--no-verify")
    [first] = [path.name for path in (tmp_path / "generated/migrations").iterdir()]
    assert re.fullmatch(r"20\d{12}_create_crawl_flow\.sql", first)
    project.write("flows/crawl.py", FASTER)
    project.ok("build", "--no-verify")
    project.ok("release", "--no-verify")
    project.write("flows/crawl.py", CRAWL)
    project.ok("build", "--no-verify")
    project.ok("build", "--check", "--no-verify")
    names = sorted(path.name for path in (tmp_path / "generated/migrations").iterdir())
    assert names[0] == first
    assert re.fullmatch(r"20\d{12}_alter_crawl_flow\.sql", names[1])
