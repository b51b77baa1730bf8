"""``executor="ray"``: handlers on a cluster of Ray, whose nodes are lost while they run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.project import Project
from tests.support.ray_cluster import RayLab, ray_cluster
from tests.support.spread_lab import SpreadLab, kill_child, lives, without
from tests.support.wait import eventually

EXECUTOR = "ray"
pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="no wheel of Ray for this interpreter")


@pytest.fixture(scope="module")
def cluster(project: Project) -> Iterator[RayLab]:
    with tempfile.TemporaryDirectory(prefix="ray-") as folder, ray_cluster(Path(folder), project.root) as lab:
        yield lab


def test_a_handler_runs_on_the_cluster_with_its_context(lab: SpreadLab, cluster: RayLab) -> None:
    """And its end is the end of its process, where its time is over or its run was cancelled."""
    with lab.worker("facts", "broken", "hanging", "waiting", ray_address=cluster.address) as worker:
        run_id = lab.begin("facts")
        found = lab.completed(run_id, 60)["sync"]
        assert found["ids"] == {"flow": "facts", "run": run_id, "step": "sync", "task": 0, "attempt": 1}
        assert found["folder"] == str(lab.folder)
        assert lab.sql("select note from public.ledger") == [{"note": "sync"}]
        assert f"run={run_id} step=sync task=0 attempt=1" in cluster.said("said by sync")
        message = lab.failed(lab.begin("broken", 7))
        assert message.startswith("ValueError: no 7")
        assert "in breaks" in message
        assert "did not end within its timeout of 3 s" in lab.failed(lab.begin("hanging"))
        (hanging,) = lab.lines("hanging")
        eventually(lambda: not lives(int(hanging)))
        run_id = lab.begin("waiting")
        waiting = lab.waits()
        lab.cancel(run_id)
        eventually(lambda: not lives(waiting))
        assert lab.ended(run_id)["status"] == "cancelled"
        assert worker.stop() == 0


def test_a_worker_without_a_cluster_does_not_start(lab: SpreadLab) -> None:
    said = lab.refused("--ray-address=127.0.0.1:9")
    assert "Ray at '127.0.0.1:9' cannot be reached: ConnectionRefusedError" in said
    assert "--ray-address or PGFLOW_RAY_ADDRESS" in said
    for address in ("local", "ray://127.0.0.1:10001", "nonsense"):
        assert f"{address!r}" in lab.refused(PGFLOW_RAY_ADDRESS=address)


def test_a_worker_without_ray_says_what_to_install(lab: SpreadLab) -> None:
    said = lab.refused("--ray-address=127.0.0.1:9", PYTHONPATH=without("ray", lab.folder))
    assert "No module named 'ray'" in said
    assert "pip install 'pgflow-gen[ray]'" in said


@pytest.mark.usefixtures("cluster_kills")
def test_a_lost_node_costs_attempts_and_every_element_counts_once(lab: SpreadLab, cluster: RayLab) -> None:
    doomed = cluster.start_node(2)
    with lab.worker("squares", ray_address=cluster.address, max_concurrent="50") as worker:
        run_id = lab.begin("squares", 200)
        lab.until_squared(50)
        doomed.kill()
        lost = lab.lost_attempts(run_id, 200)
        assert worker.log.count("Ray lost the task") >= lost > 0


@pytest.mark.usefixtures("cluster_kills")
def test_where_the_worker_is_killed_the_cluster_ends_its_handlers(lab: SpreadLab, cluster: RayLab) -> None:
    with lab.worker("waiting", ray_address=cluster.address) as worker:
        lab.begin("waiting")
        pid = lab.waits()
        worker.clear_away()
        eventually(lambda: not lives(pid))


@pytest.mark.usefixtures("cluster_kills")
def test_a_lost_driver_is_replaced_and_other_flows_go_on(lab: SpreadLab, cluster: RayLab) -> None:
    """It ends by itself where the cluster is away for a minute; here it is killed."""
    with lab.worker("waiting", "plain", ray_address=cluster.address) as worker:
        run_id = lab.begin("waiting")
        lab.waits()
        kill_child(worker.process.pid, "start_driver")
        worker.until_logged("its driver process ended by SIGKILL")
        lab.let_go("go")
        assert lab.completed(lab.begin("plain")) == {"here": worker.process.pid}
        assert lab.completed(run_id, 90) == {"wait": 2}
        assert worker.stop() == 0
