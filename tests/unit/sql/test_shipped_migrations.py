"""Core migrations that were released never change; the script that watches over it, on a scratch copy."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "scripts" / "core_migration.py"


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "--root", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A scratch copy whose migrations have been shipped."""
    root = tmp_path / "pgflow_sql"
    shutil.copytree(ROOT / "sql" / "pgflow_sql", root)
    done = run(root, "--ship")
    assert done.returncode == 0, done.stderr
    return root


def add_migration(root: Path, number: int, text: str = "select 1;\n") -> Path:
    path = root / "migrations" / f"{number:04}_more.sql"
    path.write_text(text, encoding="utf-8")
    version = root / "schema" / "00_model" / "schema_version.sql"
    text = version.read_text(encoding="utf-8").replace("select 1", f"select {number}")
    version.write_text(text, encoding="utf-8")
    return path


def test_ours_are_in_order() -> None:
    done = run(ROOT / "sql" / "pgflow_sql", "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_shipped_one_that_changed_is_noticed(copy: Path) -> None:
    assert run(copy, "--check").returncode == 0
    path = copy / "migrations" / "0001_core.sql"
    path.write_text(path.read_text(encoding="utf-8") + "-- a thought\n", encoding="utf-8")
    done = run(copy, "--check")
    assert done.returncode == 1
    assert "0001_core.sql was shipped and changed: restore it" in done.stderr
    assert run(copy, "--ship").returncode == 1


def test_a_shipped_one_that_went_is_noticed(copy: Path) -> None:
    (copy / "migrations" / "0001_core.sql").unlink()
    assert "0001_core.sql was shipped and is gone" in run(copy, "--check").stderr


def test_after_shipping_the_first_is_not_written_again(copy: Path) -> None:
    schema = copy / "schema" / "10_types" / "_retry_delay.sql"
    schema.write_text("-- changed\n" + schema.read_text(encoding="utf-8"), encoding="utf-8")
    before = (copy / "migrations" / "0001_core.sql").read_bytes()
    done = run(copy)
    assert (done.returncode, (copy / "migrations" / "0001_core.sql").read_bytes()) == (0, before)
    assert "changes go into a new migration" in done.stderr


def test_a_new_one_is_a_draft_until_it_is_shipped(copy: Path) -> None:
    path = add_migration(copy, 2)
    assert run(copy, "--check").returncode == 0
    path.write_text("select 2;\n", encoding="utf-8")
    assert run(copy, "--check").returncode == 0
    assert run(copy, "--ship").returncode == 0
    path.write_text("select 3;\n", encoding="utf-8")
    assert "0002_more.sql was shipped and changed" in run(copy, "--check").stderr


def test_numbers_without_gaps_and_the_version_with_them(copy: Path) -> None:
    path = add_migration(copy, 2)
    path.rename(path.with_name("0003_more.sql"))
    assert "not numbered from 1 on without gaps" in run(copy, "--check").stderr
    path.with_name("0003_more.sql").rename(path)
    version = copy / "schema" / "00_model" / "schema_version.sql"
    version.write_text(version.read_text(encoding="utf-8").replace("select 2", "select 1"), encoding="utf-8")
    assert "does not return 2" in run(copy, "--check").stderr


def test_a_draft_that_lags_behind_the_schema(tmp_path: Path) -> None:
    root = tmp_path / "pgflow_sql"
    shutil.copytree(ROOT / "sql" / "pgflow_sql", root, ignore=shutil.ignore_patterns("shipped.txt"))
    schema = root / "schema" / "10_types" / "_retry_delay.sql"
    schema.write_text("-- changed\n" + schema.read_text(encoding="utf-8"), encoding="utf-8")
    done = run(root, "--check")
    assert done.returncode == 1
    assert "+-- changed" in done.stdout
    assert run(root).returncode == 0
    assert run(root, "--check").returncode == 0


def test_the_record_is_one_that_sha256sum_reads(copy: Path) -> None:
    tool = shutil.which("sha256sum")
    if tool is None:
        pytest.skip("there is no sha256sum on this system")
    folder = copy / "migrations"
    assert (
        subprocess.run([tool, "--check", "--quiet", "shipped.txt"], cwd=folder, check=False).returncode == 0
    )


def change(root: Path, name: str, old: str, new: str) -> None:
    (path,) = (root / "schema").rglob(name)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_draft_holds_what_differs_and_what_closes_each_migration(copy: Path) -> None:
    change(copy, "list_flows.sql", "begin", "begin  -- again")
    done = run(copy, "--draft", "again")
    assert (done.returncode, done.stderr) == (0, "")
    text = (copy / "migrations" / "0002_again.sql").read_text(encoding="utf-8")
    assert re.findall(r"^create .*", text, re.MULTILINE) == [
        "create or replace function pgflow.schema_version()",
        "create or replace function pgflow.list_flows()",
    ]
    assert re.findall(r"(?m)^-- ---- schema/9\d_(\w+)", text) == ["settings", "privileges"]
    assert run(copy, "--check").returncode == 0


def test_a_draft_is_written_again_and_keeps_what_was_written_by_hand(copy: Path) -> None:
    change(copy, "02_steps.sql", "  opt_max_delay int,", "  opt_max_delay int,\n  note text,")
    done = run(copy, "--draft", "note")
    assert "by hand: 20_tables/02_steps.sql" in done.stdout
    path = copy / "migrations" / "0002_note.sql"
    by_hand = "alter table pgflow.steps add column note text;\n"
    path.write_text(by_hand + path.read_text(encoding="utf-8"), encoding="utf-8")
    change(copy, "list_flows.sql", "begin", "begin  -- again")
    assert run(copy, "--draft", "note").returncode == 0
    text = path.read_text(encoding="utf-8")
    assert text.startswith(by_hand)
    assert text.count(by_hand) == 1
    assert "create or replace function pgflow.list_flows()" in text


def test_a_function_that_went_is_dropped_by_hand(copy: Path) -> None:
    (path,) = (copy / "schema").rglob("list_flows.sql")
    path.unlink()
    assert "by hand: pgflow.list_flows is gone" in run(copy, "--draft", "fewer").stdout


def test_a_file_that_moved_is_no_change(copy: Path) -> None:
    (path,) = (copy / "schema").rglob("list_flows.sql")
    path.rename(path.parent.with_name("40_runs") / path.name)
    run(copy, "--draft", "moved")
    assert "list_flows" not in (copy / "migrations" / "0002_moved.sql").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "words"),
    [("Late!", "lower-case letters"), ("other", "0002_more.sql is not shipped yet")],
)
def test_a_draft_that_cannot_be(copy: Path, name: str, words: str) -> None:
    add_migration(copy, 2)
    done = run(copy, "--draft", name)
    assert done.returncode == 1
    assert words in done.stderr


def test_the_first_migration_has_no_draft(tmp_path: Path) -> None:
    root = tmp_path / "pgflow_sql"
    shutil.copytree(ROOT / "sql" / "pgflow_sql", root, ignore=shutil.ignore_patterns("shipped.txt"))
    assert "not shipped yet" in run(root, "--draft", "more").stderr
