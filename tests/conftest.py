"""Fixtures over a real PostgreSQL; everything they hand out is separate from every other test.

* `db`, `core`: a transaction that is rolled back, bare and with the core's functions as methods: the quickest
* `live`, `live_dsn`: a session that commits, and its database, emptied after the test; for several sessions
* `database_dsn`, `plain_database_dsn`, `bare_database_dsn`, `new_database`: databases of the test's own, with
  everything, without anything of Supabase, empty

Which server: see tests/support/server.py (PGFLOW_TEST_DSN, PGFLOW_TEST_PG). Runs in parallel with pytest -n.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.core import Connection, Core, connect
from tests.support.databases import Templates, clean
from tests.support.invariants import install
from tests.support.server import Server, running_server

# A shell that runs the tests in the background has them, and the commands they start, ignore SIGINT.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def usual_depth() -> None:
    """Python's own limit of recursion: mypy raises it where a test has imported it, for all that follow."""
    sys.setrecursionlimit(1000)


# how long an example takes says how busy the machine is, and nothing about what is tested
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("pgflow", "longer runs of the randomised tests")
    group.addoption(
        "--stress-seconds",
        type=float,
        default=20.0,
        help="how long the concurrent random scheduler runs, in seconds (default 20)",
    )
    group.addoption(
        "--stress-seed", type=int, default=20_240_501, help="first seed of the concurrent random scheduler"
    )
    group.addoption(
        "--model-flows",
        type=int,
        default=60,
        help="how many random flows are compared with the model (default 60)",
    )
    group.addoption(
        "--schedules",
        type=int,
        default=300,
        help="how many random schedules are compared with a watched clock (default 300)",
    )
    group.addoption("--schedule-seed", type=int, default=1, help="first seed of these schedules")
    group.addoption(
        "--trust-seconds",
        type=float,
        default=0.0,
        help="how long each randomised test of tests/trust runs, in seconds (default: its short form)",
    )
    group.addoption(
        "--every-file",
        action="store_true",
        help="read every installed Python file and not only some (tests/unit/source)",
    )
    group.addoption(
        "--conformance-seconds",
        type=float,
        default=25.0,
        help="how long histories are told on all three engines, in seconds (default 25)",
    )
    group.addoption(
        "--cluster-kills",
        action="store_true",
        help="also kill schedulers and nodes of clusters under handlers (tests/integration/clusters)",
    )
    group.addoption("--trust-seed", type=int, default=1, help="seed of the randomised tests of tests/trust")
    group.addoption("--model-seed", type=int, default=1, help="first seed of the comparison with the model")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays until the end: looking for garbage in it, again and again, takes seconds."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


_LONG_FIRST = (
    "trust",
    "integration/clusters",
    "integration/replica",
    "sql/model",
    "sql/concurrency",
    "acceptance",
    "integration",
    "migration",
    "properties",
)
"""Folders with long modules. They come first, so that no process is left with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent

    def rank(item: pytest.Item) -> int:
        folder = item.path.relative_to(here).as_posix()
        ranks = (number for number, first in enumerate(_LONG_FIRST) if folder.startswith(f"{first}/"))
        return next(ranks, len(_LONG_FIRST))

    items.sort(key=rank)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Reports travel between processes as UTF-8, and some tests log half surrogate pairs on purpose."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """One server per test process (each worker of pytest-xdist has its own)."""
    with running_server(os.environ.get("PYTEST_XDIST_WORKER", "main")) as server:
        yield server


@pytest.fixture(scope="session")
def database_templates(postgres_server: Server) -> Templates:
    return Templates(postgres_server)


@pytest.fixture(scope="session")
def _shared_dsn(database_templates: Templates) -> str:
    """The database whose transactions are rolled back: never changed for good."""
    return database_templates.clone("full")


@pytest.fixture(scope="session")
def _shared_session(_shared_dsn: str) -> Iterator[list[Connection]]:
    """The session of all tests that roll back: functions are compiled once, not once a test."""
    sessions: list[Connection] = []
    yield sessions
    for session in sessions:
        session.close()


@pytest.fixture
def db(_shared_dsn: str, _shared_session: list[Connection]) -> Iterator[Connection]:
    """A connection (rows are named tuples) in a transaction that is rolled back after the test."""
    if not _shared_session or _shared_session[-1].closed:
        connection = connect(_shared_dsn, autocommit=False)
        # prepared statements would outlive the objects that a test makes
        connection.prepare_threshold = None
        _shared_session.append(connection)
    yield _shared_session[-1]
    _shared_session[-1].rollback()


@pytest.fixture
def core(db: Connection) -> Core:
    """The core's functions as Python methods, on the connection `db`."""
    return Core(db)


@pytest.fixture(scope="session")
def _live_dsn(database_templates: Templates) -> str:
    """The database of tests that commit, used by one after the other."""
    dsn = database_templates.clone("full")
    with connect(dsn) as connection:
        install(Core(connection))
    return dsn


@pytest.fixture
def live_dsn(_live_dsn: str) -> Iterator[str]:
    """A database whose changes are committed; it is emptied after the test (quicker than a new one)."""
    yield _live_dsn
    with connect(_live_dsn) as connection:
        clean(connection)


@pytest.fixture
def live(live_dsn: str) -> Iterator[Core]:
    """The core's functions on a session that commits every statement."""
    with connect(live_dsn) as connection:
        yield Core(connection)


@pytest.fixture
def new_database(postgres_server: Server, database_templates: Templates) -> Iterator[Callable[[str], str]]:
    """A function from a kind (bare, plain, full) to the dsn of a new database, dropped after the test."""
    made: list[str] = []

    def make(kind: str = "full") -> str:
        made.append(database_templates.clone(kind))
        return made[-1]

    yield make
    for dsn in made:
        postgres_server.drop_database(dsn)


@pytest.fixture
def database_dsn(new_database: Callable[[str], str]) -> str:
    """A database with pgmq, stubs and the core, for tests with several sessions or processes."""
    return new_database("full")


@pytest.fixture
def plain_database_dsn(new_database: Callable[[str], str]) -> str:
    """A database with pgmq and the core, and nothing of Supabase."""
    return new_database("plain")


@pytest.fixture
def bare_database_dsn(new_database: Callable[[str], str]) -> str:
    """An empty database."""
    return new_database("bare")
