"""The fixtures that pytest finds by itself. Nothing but pytest is imported before a test asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pgflow_runtime.testing.databases import Databases
    from pgflow_runtime.worker import Worker


@pytest.fixture
def pgflow_run_flow() -> Any:
    """``run_flow``, which runs a flow in memory: ``run = await pgflow_run_flow(flow, input)``."""
    from pgflow_runtime.testing import run_flow

    return run_flow


@pytest.fixture(scope="session")
def _pgflow_databases(request: pytest.FixtureRequest) -> Iterator[Databases]:
    from pgflow_runtime.testing.databases import databases_for

    with databases_for(request.config.rootpath) as databases:
        yield databases


@pytest.fixture
def pgflow_database(_pgflow_databases: Databases) -> Iterator[str]:
    """The DSN of a database of the test's own, with the core and the project's flows; dropped afterwards.

    On the project's embedded server, or on the one that ``PGFLOW_TEST_DSN`` names.
    """
    with _pgflow_databases.new() as dsn:
        yield dsn


@pytest.fixture
def pgflow_worker(pgflow_database: str, _pgflow_databases: Databases) -> Iterator[Worker]:
    """A worker of the project's flows on ``pgflow_database``, in a thread of this process."""
    from pgflow_runtime.testing.background_worker import background_worker

    with background_worker(_pgflow_databases.project, pgflow_database) as worker:
        yield worker


async def _pgflow_client(pgflow_database: str, _pgflow_databases: Databases) -> AsyncIterator[Any]:
    """The project's generated ``AsyncClient`` on ``pgflow_database``: for async tests."""
    async with _pgflow_databases.client_class().connect(pgflow_database) as client:
        yield client


_pgflow_client._force_asyncio_fixture = True  # type: ignore[attr-defined]  # for pytest-asyncio's strict mode
pgflow_client = pytest.fixture(name="pgflow_client")(_pgflow_client)
