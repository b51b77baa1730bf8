"""The project's own server: started on demand, shared, stopped by the last, whatever happens to holders."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from pgflow_runtime.database.embedded import EmbeddedServer, embedded_server
from pgflow_runtime.database.embedded.location import location_of
from pgflow_runtime.errors import ProjectError
from tests.integration.embedded.conftest import NOBODY, Holder, postmaster
from tests.support.wait import eventually


def test_data_survives_and_nothing_is_left_running(project: Path) -> None:
    for expected in (1, 2):
        holder = Holder(project)
        count, conninfo = holder.ready()
        assert count == expected
        assert postmaster(project) is not None
        holder.end()
        assert postmaster(project) is None
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(conninfo)


def test_server_is_shared_and_the_last_holder_stops_it(project: Path) -> None:
    first, second = Holder(project), Holder(project)
    assert sorted((first.ready()[0], second.ready()[0])) == [1, 2]
    server = postmaster(project)
    assert server is not None
    first.end()
    assert postmaster(project) == server
    second.end()
    assert postmaster(project) is None


def test_many_at_once(project: Path) -> None:
    holders = [Holder(project) for _ in range(5)]
    assert sorted(holder.ready()[0] for holder in holders) == [1, 2, 3, 4, 5]
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(Holder.end, holders))
    assert postmaster(project) is None


def test_killed_holder_does_not_keep_the_server_for_ever(project: Path) -> None:
    killed = Holder(project)
    killed.ready()
    killed.kill()
    assert postmaster(project) is not None, "nobody was there to stop it"
    following = Holder(project)
    assert following.ready()[0] == 2
    following.end()
    assert postmaster(project) is None


def test_holder_killed_beside_another_does_not_count(project: Path) -> None:
    killed, other = Holder(project), Holder(project)
    killed.ready()
    other.ready()
    killed.kill()
    assert postmaster(project) is not None
    other.end()
    assert postmaster(project) is None


def test_killed_server_is_started_again(project: Path) -> None:
    holder = Holder(project)
    holder.ready()
    server = postmaster(project)
    assert server is not None
    children = server.children()
    server.send_signal(signal.SIGKILL)
    server.wait(timeout=20)
    eventually(lambda: not any(child.is_running() for child in children))
    following = Holder(project)
    assert following.ready()[0] == 2
    holder.end()
    assert postmaster(project) is not None
    following.end()
    assert postmaster(project) is None


def test_half_made_data_is_made_anew(project: Path) -> None:
    server = EmbeddedServer(project)
    (server.location.folder / "data.partial").mkdir()
    (server.location.folder / "data.partial" / "PG_VERSION").write_text("18\n")
    server.location.data.mkdir()
    with embedded_server(project) as conninfo, psycopg.connect(conninfo) as connection:
        row = connection.execute("show listen_addresses").fetchone()
    assert row == ("",)


@pytest.mark.parametrize(
    "name",
    [
        "with blanks and, comma",
        'quo\'te "double" $HOME',
        "a-folder-name-that-is-rather-long/and-another-one-which-is-no-shorter/and-a-third-one-to-be-sure-of-it",
    ],
)
def test_any_path_will_do(make_project: Callable[[str], Path], name: str) -> None:
    project = make_project(name)
    holder = Holder(project)
    assert holder.ready()[0] == 1
    holder.end()
    assert postmaster(project) is None


@pytest.mark.parametrize("name", ["project", "with, comma", "x" * 90])
def test_normal_user_keeps_everything_in_the_project(make_project: Callable[[str], Path], name: str) -> None:
    project = make_project(name)
    uid = None
    if os.geteuid() == 0:
        uid = NOBODY
        os.chown(project, NOBODY, NOBODY)
    holder = Holder(project, uid)
    assert holder.ready()[0] == 1
    assert (project / ".pgflow" / "data" / "PG_VERSION").exists()
    assert (project / ".pgflow" / ".gitignore").read_text() == "*\n"
    assert postmaster(project) is not None
    holder.end()
    assert postmaster(project) is None


def test_no_folder_is_opened_up(make_project: Callable[[str], Path]) -> None:
    project = make_project("private/project")
    project.parent.chmod(0o700)
    before = [stat.S_IMODE(path.stat().st_mode) for path in (project, *project.parents)]
    with embedded_server(project) as conninfo, psycopg.connect(conninfo):
        pass
    assert [stat.S_IMODE(path.stat().st_mode) for path in (project, *project.parents)] == before
    assert stat.S_IMODE(location_of(project).data.stat().st_mode) == 0o700


def test_failure_shows_the_log(project: Path) -> None:
    with embedded_server(project):
        pass
    location = location_of(project)
    with (location.data / "postgresql.conf").open("a") as file:
        file.write("nonsense = 1\n")
    with pytest.raises(ProjectError, match="nonsense") as failure:
        EmbeddedServer(project).acquire()
    assert str(location.log) in (failure.value.help or "")
    assert postmaster(project) is None


def test_data_of_another_version_is_named(project: Path) -> None:
    location = location_of(project)
    location.data.mkdir()
    (location.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(ProjectError, match="PostgreSQL 9"):
        EmbeddedServer(project).acquire()


def test_server_of_a_project_that_was_moved_meanwhile(make_project: Callable[[str], Path]) -> None:
    if os.geteuid() == 0:
        old, uid = make_project("old"), NOBODY
        os.chown(old, NOBODY, NOBODY)
    else:
        old, uid = make_project("old"), None
    killed = Holder(old, uid)
    killed.ready()
    killed.kill()
    new = make_project("new-place")
    new.rmdir()
    old.rename(new)
    following = Holder(new, uid)
    assert following.ready()[0] == 2
    following.end()
    assert postmaster(new) is None
