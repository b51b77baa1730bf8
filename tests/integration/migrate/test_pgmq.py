"""Where the queue comes from: what is there, the server's extension, or the bundled SQL."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pgmq.install import get_embedded_install_sql
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgflow_runtime.migrate import migrate
from tests.support.core import Core, connect


@pytest.fixture
def extensions(bare_database_dsn: str) -> Iterator[Path]:
    """A folder the server reads, with an extension pgmq in versions 1.4.0 (the default) and 1.6.1."""
    with connect(bare_database_dsn) as connection:
        if connection.info.server_version < 180000:
            pytest.skip("a folder of one's own for extensions needs PostgreSQL 18")
    folder = Path(tempfile.mkdtemp(prefix="pgflow-test-extensions-"))
    home = folder / "extension"
    home.mkdir()
    control = (
        "comment = 'x'\ndefault_version = '1.4.0'\nschema = 'pgmq'\nrelocatable = false\nsuperuser = true\n"
    )
    (home / "pgmq.control").write_text(control, encoding="utf-8")
    (home / "pgmq--1.4.0.sql").write_text("create table pgmq.old ();", encoding="utf-8")
    (home / "pgmq--1.6.1.sql").write_text(get_embedded_install_sql(), encoding="utf-8")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def with_folder(dsn: str, folder: Path) -> str:
    return make_conninfo(dsn, options=f"-c extension_control_path={folder}:$system")


def test_extension_is_preferred_in_a_version_that_is_new_enough(
    bare_database_dsn: str, extensions: Path
) -> None:
    report = migrate(with_folder(bare_database_dsn, extensions))
    assert (report.pgmq, report.notes) == ("extension 1.6.1", [])
    with connect(bare_database_dsn) as connection:
        core = Core(connection)
        assert core.value("select extversion from pg_extension where extname = 'pgmq'") == "1.6.1"
        core.flow("crawl", "urls")
        assert core.start_flow("crawl", {}).status == "started"
    assert migrate(with_folder(bare_database_dsn, extensions)).pgmq == "present"


def test_user_who_may_not_create_it_gets_the_bundled_sql_and_a_note(
    bare_database_dsn: str, other_user: str, extensions: Path
) -> None:
    names = conninfo_to_dict(other_user)
    user, database = sql.Identifier(str(names["user"])), sql.Identifier(str(names["dbname"]))
    with connect(bare_database_dsn) as connection:
        connection.execute(sql.SQL("grant create on database {} to {}").format(database, user))
        setting = sql.Literal(f"{extensions}{os.pathsep}$system")
        connection.execute(sql.SQL("alter role {} set extension_control_path = {}").format(user, setting))
    report = migrate(other_user)
    assert report.pgmq.startswith("bundled SQL")
    assert len(report.notes) == 1
    assert "permission denied" in report.notes[0]


def test_present_queue_is_left_as_it_is(bare_database_dsn: str) -> None:
    with connect(bare_database_dsn) as connection:
        connection.execute(get_embedded_install_sql().encode())
        connection.execute("select pgmq.create('mine')")
    assert migrate(bare_database_dsn).pgmq == "present"
    with connect(bare_database_dsn) as connection:
        assert Core(connection).value("select count(*) from pgmq.q_mine") == 0
