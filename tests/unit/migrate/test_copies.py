"""Copies of the core's migrations for other migration tools."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from pgflow_runtime.cli.install import install
from pgflow_runtime.errors import UsageError
from pgflow_runtime.migrate.copies import plan_copies
from pgflow_sql import migration_files

NOW = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
CORE = [file.name for file in migration_files()]


def names(folder: Path, style: str = "plain", *, with_pgmq: bool = False) -> list[str]:
    return [copy.name for copy in plan_copies(folder, style, NOW, with_pgmq=with_pgmq)]


def test_numbers_follow_those_that_are_there(tmp_path: Path) -> None:
    assert names(tmp_path / "none")[0] == f"0001_pgflow_{CORE[0]}"
    (tmp_path / "00041_mine.sql").touch()
    (tmp_path / "00007_mine.sql").touch()
    assert names(tmp_path)[0] == f"00042_pgflow_{CORE[0]}"
    assert names(tmp_path, with_pgmq=True)[:2] == ["00042_pgflow_pgmq.sql", f"00043_pgflow_{CORE[0]}"]


def test_stamps_are_later_than_the_latest(tmp_path: Path) -> None:
    assert names(tmp_path, "supabase")[0] == f"20240506070809_pgflow_{CORE[0]}"
    (tmp_path / "20300101000059_mine.sql").touch()
    found = names(tmp_path, "supabase", with_pgmq=True)
    assert found[:2] == ["20300101000100_pgflow_pgmq.sql", f"20300101000101_pgflow_{CORE[0]}"]
    assert names(tmp_path)[0].startswith("20300101000100_"), "a folder of stamps stays one"


def test_dbmate_gets_its_two_parts(tmp_path: Path) -> None:
    text = plan_copies(tmp_path, "dbmate", NOW, with_pgmq=False)[0].text
    assert text.startswith("-- migrate:up\n")
    assert text.endswith("-- migrate:down\n")


def test_copies_are_written_once_and_content_is_the_cores(tmp_path: Path) -> None:
    folder = tmp_path / "db" / "migrations"
    done = CliRunner().invoke(install, ["--dir", str(folder), "-y"])
    assert done.exit_code == 0, done.output
    assert "create extension pgmq" in done.stderr
    written = sorted(path.read_text(encoding="utf-8") for path in folder.iterdir())
    assert written == sorted(file.text for file in migration_files())
    again = CliRunner().invoke(install, ["--dir", str(folder), "-y"])
    assert (again.exit_code, again.output.strip()) == (0, f"{folder} holds the core's migrations already")


def test_edited_copy_is_never_overwritten(tmp_path: Path) -> None:
    CliRunner().invoke(install, ["--dir", str(tmp_path), "-y"])
    (path,) = (path for path in tmp_path.iterdir() if path.name.endswith(CORE[0]))
    path.write_text("-- mine\n", encoding="utf-8")
    with pytest.raises(UsageError, match="differs from the migration it was copied from"):
        names(tmp_path)
    done = CliRunner().invoke(install, ["--dir", str(tmp_path), "-y"])
    assert done.exit_code == 2
    assert path.read_text(encoding="utf-8") == "-- mine\n"


def test_no_means_no(tmp_path: Path) -> None:
    done = CliRunner().invoke(install, ["--dir", str(tmp_path)], input="n\n")
    assert done.exit_code == 1
    assert list(tmp_path.iterdir()) == []
