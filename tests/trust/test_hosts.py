"""Eight workers on four hosts, made of network namespaces; one host loses its network for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from random import Random

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from benchmarks.hosts import Host, hosts, why_not
from tests.support.crew import crew
from tests.support.own_server import OwnServer, own_server
from tests.support.project import Project
from tests.support.soak import Soak
from tests.support.trust_lab import prepare
from tests.support.wait import eventually
from tests.support.worker_lab import Lab

EACH = 2
"""Workers of a host."""

# libpq's own means against a network that swallows everything: a host learns of it within seconds
IMPATIENT = {
    "connect_timeout": "2",
    "keepalives_idle": "1",
    "keepalives_interval": "1",
    "keepalives_count": "2",
    "tcp_user_timeout": "2000",
}


@pytest.fixture
def network() -> Iterator[list[Host]]:
    """The server's host and four more."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    with hosts(5) as found:
        yield found


@pytest.fixture
def server(network: list[Host]) -> Iterator[OwnServer]:
    """A server on the first host, listening on that host's address only."""
    address = network[0].address
    settings = {"listen_addresses": address, "tcp_user_timeout": "2000", "tcp_keepalives_idle": "1"}
    with own_server(settings=settings, prefix=network[0].prefix) as found:
        with (found.data / "pg_hba.conf").open("a") as hba:
            hba.write("host all all samenet trust\n")
        with psycopg.connect(found.dsn, autocommit=True) as connection:
            connection.execute("select pg_reload_conf()")
        yield found


def test_a_host_is_cut_off_and_comes_back(
    network: list[Host],
    server: OwnServer,
    trust_project: Project,
    tmp_path_factory: pytest.TempPathFactory,
    trust_seconds: float,
    trust_random: Random,
    trust_report: Callable[..., None],
) -> None:
    prepare(trust_project, server.dsn)
    lab = Lab(trust_project, server.dsn, tmp_path_factory.mktemp("hosts"), "trust")
    remote = make_conninfo(server.dsn, host=network[0].address, **IMPATIENT)
    on_hosts = Lab(trust_project, remote, lab.folder, "trust")
    soak = Soak(lab, trust_random)
    cuts = 0
    with crew(lab, 0, "soak", max_concurrent="12", batch_size="6") as workers:
        crews = {
            host: [workers.hire(prefix=host.prefix, lab=on_hosts) for _ in range(EACH)]
            for host in network[1:]
        }
        workers.until_serving()
        _under_load(soak, lambda: len(soak.pids()) == EACH * len(crews))
        deadline = time.monotonic() + trust_seconds
        while not cuts or time.monotonic() < deadline:
            host = trust_random.choice(network[1:])
            names = crews[host]
            _under_load(soak, partial(_all_hold, lab, names))
            host.cut_off()
            cuts += 1
            # its silence counts as half a minute; what it finished meanwhile it cannot say
            time.sleep(trust_random.uniform(0.5, 1.5))
            for name in names:
                workers.silence(name)
            if cuts == 1:  # long enough for its connections to be given up; shorter cuts TCP may heal
                for name in names:
                    workers.workers[name].until_logged("lost ")
            if cuts == 1 or trust_random.random() < 0.5:
                eventually(partial(_none_holds, lab, names), timeout=60)
            host.bring_back()
            soak.until_ended(timeout=120)
        soak.check()
        workers.stop()
    trust_report(cuts=cuts, runs=len(soak.orders))


def _under_load(soak: Soak, probe: Callable[[], object]) -> None:
    """Wait for something while there is always work."""

    def look() -> bool:
        if soak.open() < 10:
            soak.start(60)
        return bool(probe())

    eventually(look)


def _all_hold(lab: Lab, names: list[str]) -> bool:
    return all(_held(lab, name) for name in names)


def _none_holds(lab: Lab, names: list[str]) -> bool:
    return not any(_held(lab, name) for name in names)


def _held(lab: Lab, name: str) -> int:
    """How many tasks a worker is at, by the database's account."""
    (row,) = lab.sql(
        """select count(*) as count from pgflow.step_tasks t
           join pgflow.runs r using (run_id) join pgflow.step_states s using (run_id, step_slug)
           join pgflow.workers w on w.worker_id = t.last_worker_id
           where w.function_name = %s and t.status = 'started' and r.status = 'started'
           and s.status = 'started'""",
        name,
    )
    return int(row["count"])
