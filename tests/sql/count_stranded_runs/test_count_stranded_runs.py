"""Open runs of other versions that no worker is there for."""

from __future__ import annotations

import pytest

from tests.support.core import Core

WORKER = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
def versions(core: Core) -> Core:
    for slug in ("order", "order_v2", "order_v3", "other", "order_viewer"):
        core.rows("select pgflow.create_flow(%s)", slug)
        core.rows("select pgflow.add_step(%s, 'one')", slug)
        core.rows("select pgflow.start_flow(%s, '{}')", slug)
    return core


def counted(core: Core, *served: str, scanned: int = 10000) -> list[tuple[object, ...]]:
    rows = core.rows("select * from pgflow.count_stranded_runs(%s::text[], %s)", list(served), scanned)
    return [tuple(row.values()) if isinstance(row, dict) else tuple(row) for row in rows]


def test_other_versions_of_the_same_flows_alone(versions: Core) -> None:
    assert counted(versions, "order_v2") == [("order", 1), ("order_v3", 1)]
    assert counted(versions, "order", "order_v2", "order_v3", "other") == []
    assert counted(versions) == []


def test_not_those_a_worker_is_there_for(versions: Core) -> None:
    versions.rows("select pgflow.register_worker(%s, 'order', 'w')", WORKER)
    assert counted(versions, "order_v2", "order_v3") == []
    versions.rows("select pgflow.mark_worker_stopped(%s)", WORKER)
    assert counted(versions, "order_v2", "order_v3") == [("order", 1)]


def test_it_looks_at_so_many_runs_and_no_more(versions: Core) -> None:
    assert counted(versions, "order_v2", "order_v3", scanned=0) == []
