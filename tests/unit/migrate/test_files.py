"""Flow migrations as files: order, what is run of them, and what they say."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from pgflow_runtime.cli.install import install
from pgflow_runtime.errors import ProjectError
from pgflow_runtime.migrate.files import FlowMigration, read_flow_migrations
from tests.support.migrations import migration


def test_files_come_in_order_of_name_and_others_are_left_out(tmp_path: Path) -> None:
    for name in ("0010_b.sql", "0002_a.sql", "README.md"):
        (tmp_path / name).write_text("select 1;", encoding="utf-8")
    assert [file.name for file in read_flow_migrations(tmp_path, "plain")] == ["0002_a.sql", "0010_b.sql"]
    assert read_flow_migrations(tmp_path / "none", "plain") == ()


def test_copies_of_the_core_for_another_tool_are_left_out(tmp_path: Path) -> None:
    arguments = ["--dir", str(tmp_path), "--style", "dbmate", "--with-pgmq", "-y"]
    assert CliRunner().invoke(install, arguments).exit_code == 0
    assert len(list(tmp_path.iterdir())) > 1
    (tmp_path / "29990101000000_create_pgflow_flow.sql").write_text("select 1;", encoding="utf-8")
    found = [file.name for file in read_flow_migrations(tmp_path, "dbmate")]
    assert found == ["29990101000000_create_pgflow_flow.sql"]


def test_transaction_is_ours_so_its_frame_is_left_out_and_lines_keep_their_numbers() -> None:
    file = FlowMigration("1.sql", "-- head\nBEGIN;\nselect 'begin;';\n  commit ;\n")
    assert file.script == "-- head\n\nselect 'begin;';\n\n"


def test_only_the_up_part_of_dbmate_is_run() -> None:
    text = "-- migrate:up\nselect 1;\n\n-- migrate:down\ndrop schema pgflow;\n"
    assert FlowMigration("1.sql", text).script.strip() == "select 1;"


def test_file_names_its_flows_and_structure() -> None:
    file = migration()
    assert file.flow_slugs == ("crawl",)
    assert file.structure_hash is not None
    assert FlowMigration("1.sql", "select 1;").structure_hash is None
    text = "select pgflow.alter_flow ('b');select pgflow.add_step('a', 'x');select pgflow.alter_step('b')"
    assert FlowMigration("1.sql", text).flow_slugs == ("b", "a")


@pytest.mark.parametrize("style", ["alembic", "django"])
def test_styles_of_other_programs_are_theirs_to_apply(tmp_path: Path, style: str) -> None:
    with pytest.raises(ProjectError, match=style) as failure:
        read_flow_migrations(tmp_path, style)
    assert "--core-only" in (failure.value.help or "")


def test_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_bytes(b"\xff\xfe")
    with pytest.raises(ProjectError, match="cannot be read"):
        read_flow_migrations(tmp_path, "plain")
