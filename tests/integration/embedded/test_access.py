"""Who gets at the embedded server: nobody but its owner, and no data that was made elsewhere is started."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from pgflow_runtime.database.embedded import embedded_server, location
from pgflow_runtime.database.embedded.location import location_of
from pgflow_runtime.errors import ProjectError
from tests.integration.embedded.conftest import NOBODY, Holder
from tests.support.project import clean_environment

DAEMON = 1
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")

# Imports first, then becomes somebody else, who may not reach the interpreter's own files.
_BECOME = """
import os, sys
uid = int(sys.argv.pop(1))
if os.geteuid() == 0 and uid != 0:
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    os.environ.pop("HOME", None)
"""
_COMMAND = f"""
import psutil, pgflow_command.app, pgflow_runtime.cli.migrate, pgflow_runtime.cli.runs.command
import pgflow_runtime.database.embedded.postgres, pgflow_runtime.terminal.text_view
from pgflow_gen.cli import main
{_BECOME}
main(sys.argv[1:])
"""
_KNOCK = f"""
import psycopg
{_BECOME}
try:
    with psycopg.connect(sys.argv[1], connect_timeout=10) as connection:
        print("in as", connection.execute("select current_user").fetchone()[0])
except psycopg.Error as error:
    print("refused:", error)
try:
    print("seen", os.listdir(sys.argv[2]))
except OSError as error:
    print("closed:", error.strerror)
"""


def knock(conninfo: str, folder: Path, uid: int) -> str:
    """What another user of the machine is told at the socket and at the folder."""
    command = [sys.executable, "-c", _KNOCK, str(uid), conninfo, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def owned(make_project: Callable[[str], Path], name: str = "project") -> Path:
    """A project of a normal user: nobody's, when root runs the tests."""
    project = make_project(name)
    if os.geteuid() == 0:
        os.chown(project, NOBODY, NOBODY)
    return project


def as_owner(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``pgflow-gen`` as the project's owner."""
    return subprocess.run(
        [sys.executable, "-c", _COMMAND, str(project.stat().st_uid), *arguments],
        cwd=project,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def migrated(project: Path) -> None:
    done = as_owner(project, "migrate", "--core-only")
    assert done.returncode == 0, done.stderr


@needs_root
@pytest.mark.parametrize("is_roots", [False, True])
def test_another_user_neither_connects_nor_reads(make_project: Callable[[str], Path], is_roots: bool) -> None:
    project = make_project("project") if is_roots else owned(make_project)
    holder = Holder(project, None if is_roots else NOBODY)
    _, conninfo = holder.ready()
    folder = location_of(project).folder if is_roots else project / ".pgflow"
    told = knock(conninfo, folder, DAEMON)
    assert "refused:" in told
    assert "closed: Permission denied" in told

    # each of the three doors holds by itself: the folder, the socket, what the server asks
    folder.chmod(0o755)
    told = knock(conninfo, folder / "data", DAEMON)
    assert "refused:" in told
    assert "closed: Permission denied" in told
    (folder / ".s.PGSQL.5432").chmod(0o777)
    assert "Peer authentication failed" in knock(conninfo, folder, DAEMON)
    if not is_roots:
        assert "in as postgres" in knock(conninfo, folder, NOBODY)
    holder.end()


def test_what_an_earlier_version_left_open_is_closed(make_project: Callable[[str], Path]) -> None:
    project = owned(make_project)
    migrated(project)
    folder = project / ".pgflow"
    folder.chmod(0o755)
    (folder / "data" / "pg_hba.conf").write_text("local all all trust\nhost all all all trust\n")
    with (folder / "data" / "postgresql.auto.conf").open("a") as file:
        file.write("unix_socket_permissions = '0777'\nlisten_addresses = '*'\narchive_mode = 'on'\n")
        file.write("archive_command = 'touch /tmp/archived'\nhba_file = '/etc/hosts'\n")
    holder = Holder(project, NOBODY if os.geteuid() == 0 else None)
    holder.ready()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / ".s.PGSQL.5432").stat().st_mode) == 0o700
    rules = (folder / "data" / "pg_hba.conf").read_text()
    assert "trust" not in rules
    options = (folder / "data" / "postmaster.opts").read_text()
    assert '"archive_command="' in options
    holder.end()


def test_data_that_was_made_elsewhere_is_refused_until_it_is_adopted(
    make_project: Callable[[str], Path],
) -> None:
    mine, theirs = owned(make_project, "mine"), owned(make_project, "theirs")
    migrated(theirs)
    shutil.copytree(theirs / ".pgflow", mine / ".pgflow", symlinks=True)  # as a clone or an archive brings it
    for path in ((mine / ".pgflow"), *(mine / ".pgflow").rglob("*")):
        os.chown(path, mine.stat().st_uid, mine.stat().st_gid)

    refused = as_owner(mine, "migrate", "--core-only")
    assert refused.returncode == 2, refused.stderr
    assert "Traceback" not in refused.stderr
    for words in (str(mine / ".pgflow" / "data"), f"belongs to {(mine / '.pgflow').owner()}", "--adopt-data"):
        assert words in refused.stderr
    assert not (mine / ".pgflow" / "data" / "postmaster.pid").exists()
    assert as_owner(mine, "runs", "list").returncode == 2, "refused again: nothing adopts by itself"

    adopted = as_owner(mine, "migrate", "--core-only", "--adopt-data")
    assert adopted.returncode == 0, adopted.stderr
    assert f"adopted the embedded server's data in {mine / '.pgflow' / 'data'}" in adopted.stderr
    migrated(mine)


def test_a_note_that_came_along_is_worth_nothing(make_project: Callable[[str], Path]) -> None:
    """Also one that names the right folders: what the kernel says of their making cannot be foreseen."""
    project = owned(make_project)
    migrated(project)
    data, written = project / ".pgflow" / "data", project / ".pgflow" / "data.made"
    traits = json.loads(written.read_text())
    shutil.copy(data / "PG_VERSION", data / "new")
    (data / "new").replace(data / "PG_VERSION")
    if os.geteuid() == 0:
        os.chown(data / "PG_VERSION", NOBODY, NOBODY)
    traits[2] = (data / "PG_VERSION").stat().st_ino
    written.write_text(json.dumps(traits))
    assert "--adopt-data" in as_owner(project, "migrate", "--core-only").stderr


@pytest.mark.parametrize("link", [".pgflow", ".pgflow/data"])
def test_links_to_anothers_data_are_not_followed(make_project: Callable[[str], Path], link: str) -> None:
    mine, theirs = owned(make_project, "mine"), owned(make_project, "theirs")
    (theirs / ".pgflow" / "data").mkdir(parents=True)
    (theirs / ".pgflow" / "data" / "kept").touch()
    (mine / link).parent.mkdir(exist_ok=True)
    (mine / link).symlink_to(theirs / link)
    for path in (mine / ".pgflow", theirs / ".pgflow"):
        os.chown(path, mine.stat().st_uid, mine.stat().st_gid, follow_symlinks=False)
    done = as_owner(mine, "migrate", "--core-only")
    assert done.returncode == 2
    assert f"{mine / link} is a symbolic link" in done.stderr
    assert sorted(path.name for path in (theirs / ".pgflow").rglob("*")) == ["data", "kept"]


def test_links_in_place_of_small_files_lead_nowhere(make_project: Callable[[str], Path]) -> None:
    project = owned(make_project)
    folder, victim = project / ".pgflow", project / "victim"
    folder.mkdir()
    victim.write_text("precious")
    names = (".gitignore", "pg_ctl.log", "initdb.log", "postgres.log", "data.partial", "data.made")
    for name in names:
        (folder / name).symlink_to(victim)
    for path in (victim, folder):
        os.chown(path, project.stat().st_uid, project.stat().st_gid)
    migrated(project)
    assert victim.read_text() == "precious"


def test_the_owner_of_existing_data_decides_who_runs_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has another user run its server")
    with embedded_server(project) as conninfo, psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("create table kept ()")
    before = location_of(project).owner
    other = next(name for name in ("daemon", "bin") if pwd.getpwnam(name).pw_uid != before[0])
    monkeypatch.setattr(location, "_SERVICE_USERS", (other,))  # as if it had come to the system meanwhile
    with embedded_server(project) as conninfo, psycopg.connect(conninfo) as connection:
        connection.execute("select from kept")
    assert location_of(project).owner == before


@needs_root
def test_a_user_without_a_name_is_told_what_to_do(make_project: Callable[[str], Path]) -> None:
    project = make_project("project")
    os.chown(project, 54321, 54321)
    done = as_owner(project, "migrate", "--core-only")
    assert done.returncode == 2
    assert "no user with the id 54321" in done.stderr
    assert "/etc/passwd" in done.stderr


@needs_root
def test_a_folder_of_another_user_is_not_used(make_project: Callable[[str], Path]) -> None:
    project = owned(make_project)
    project.chmod(0o777)
    (project / ".pgflow").mkdir()  # root's
    done = as_owner(project, "migrate", "--core-only")
    assert done.returncode == 2
    assert "belongs to another user" in done.stderr


def test_adopting_where_all_is_ones_own_changes_nothing(project: Path) -> None:
    from pgflow_runtime.database.embedded import adopt_data

    assert adopt_data(project) is None
    with embedded_server(project):
        pass
    assert adopt_data(project) is None
    (location_of(project).folder / "data.made").unlink()
    with pytest.raises(ProjectError, match="was not made here"), embedded_server(project):
        pass
    assert str(location_of(project).data) in (adopt_data(project) or "")
