"""The peers that pip installs, with the versions that are measured."""

from __future__ import annotations

from benchmarks.engines import Engine, Setting
from benchmarks.environments import python_with
from benchmarks.server import REPOSITORY

PSYCOPG = "psycopg[binary,pool]==3.3.4"
REQUIREMENTS = {
    "dbos": ("dbos==3.4.0", PSYCOPG),
    "procrastinate": ("procrastinate==3.10.0", PSYCOPG),
    "pgqueuer": ("pgqueuer[asyncpg]==1.6.0", "uvloop", PSYCOPG),
}
WORKERS = {
    "dbos": "benchmarks.peers.dbos_app",
    "procrastinate": "benchmarks.peers.procrastinate_app",
    "pgqueuer": "benchmarks.peers.pgqueuer_worker",
}
CHAINS = {"dbos": 250, "procrastinate": 600, "pgqueuer": 2000}
SETTINGS = tuple(Setting(name, ("--setting", name)) for name in ("defaults", "tuned"))


def peer(name: str) -> Engine:
    """The engine, installed if it is not yet. Raises BenchmarkError when pip fails."""
    return Engine(
        name=name,
        python=python_with(name, REQUIREMENTS[name]),
        cwd=REPOSITORY,
        driver=f"benchmarks.peers.{name}_driver",
        worker=("-m", WORKERS[name]),
        settings=SETTINGS,
        chains=CHAINS[name],
        fanout_children=1000,
        largest_fanout=1000,
        can_grow=False,
    )
