"""``executor="dask"``: handlers on a cluster of Dask, whose workers and scheduler are lost while they run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dask_cluster import DaskLab, dask_cluster
from tests.support.project import Project
from tests.support.spread_lab import SpreadLab, without
from tests.support.wait import eventually

EXECUTOR = "dask"
LOST = "which ran the handler, was lost"


@pytest.fixture(scope="module")
def cluster(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskLab]:
    with dask_cluster(tmp_path_factory.mktemp("dask"), project.root) as cluster:
        yield cluster


def test_a_handler_runs_on_the_cluster_with_its_context(lab: SpreadLab, cluster: DaskLab) -> None:
    with lab.worker("facts", "broken", dask_scheduler=cluster.address) as worker:
        run_id = lab.begin("facts")
        found = lab.completed(run_id)["sync"]
        assert found["pid"] in [node.pid for node in cluster.nodes]
        assert found["ids"] == {"flow": "facts", "run": run_id, "step": "sync", "task": 0, "attempt": 1}
        assert found["folder"] == str(lab.folder)
        assert lab.sql("select note from public.ledger") == [{"note": "sync"}]
        (line,) = [line for line in cluster.logs.splitlines() if "said by sync" in line]
        assert f"run={run_id} step=sync task=0 attempt=1" in line
        message = lab.failed(lab.begin("broken", 7))
        assert message.startswith("ValueError: no 7")
        assert "in breaks" in message
        assert lab.dsn not in cluster.logs
        assert worker.stop() == 0


def test_a_lost_node_costs_attempts_and_every_element_counts_once(lab: SpreadLab, cluster: DaskLab) -> None:
    doomed = cluster.start_worker()
    with lab.worker("squares", dask_scheduler=cluster.address, max_concurrent="50") as worker:
        run_id = lab.begin("squares", 200)
        lab.until_squared(50)
        assert lab.squared_by()[doomed.pid] > 0
        doomed.kill()
        lost = lab.lost_attempts(run_id, 200)
        assert worker.log.count(LOST) == lost > 0
        assert worker.log.count("LostElsewhere") == lost


def test_the_end_of_its_time_ends_a_computing_handler_on_the_cluster(
    lab: SpreadLab, cluster: DaskLab
) -> None:
    with lab.worker("hanging", "waiting", dask_scheduler=cluster.address):
        run_id = lab.begin("hanging")
        assert "did not end within its timeout of 3 s" in lab.failed(run_id)
        eventually(lambda: lab.lines("hung") == ["True"])


def test_a_cancelled_run_ends_its_async_handler_on_the_cluster(lab: SpreadLab, cluster: DaskLab) -> None:
    with lab.worker("waiting", dask_scheduler=cluster.address):
        run_id = lab.begin("waiting")
        lab.waits()
        lab.cancel(run_id)
        eventually(lambda: lab.lines("waited") == ["cancelled"])
        assert lab.ended(run_id)["status"] == "cancelled"


def test_a_worker_without_a_scheduler_does_not_start(lab: SpreadLab) -> None:
    assert "--dask-scheduler or PGFLOW_DASK_SCHEDULER" in lab.refused()
    nowhere = "tcp://127.0.0.1:9"
    said = lab.refused(PGFLOW_DASK_SCHEDULER=nowhere)
    assert f"executor 'dask' cannot use {nowhere}: it does not answer" in said
    assert "cannot use nonsense" in lab.refused("--dask-scheduler=nonsense")


def test_a_worker_without_dask_says_what_to_install(lab: SpreadLab) -> None:
    said = lab.refused("--dask-scheduler=tcp://127.0.0.1:9", PYTHONPATH=without("distributed", lab.folder))
    assert "executor 'dask' is not installed here: No module named 'distributed'" in said
    assert "pip install 'pgflow-gen[dask]'" in said


@pytest.mark.usefixtures("cluster_kills")
def test_a_node_that_is_told_to_leave_gives_up_what_it_has_begun(lab: SpreadLab, cluster: DaskLab) -> None:
    with lab.worker("waiting", dask_scheduler=cluster.address) as worker:
        run_id = lab.begin("waiting")
        pid = lab.waits()
        (node,) = [node for node in cluster.nodes if node.pid == pid]
        node.terminate()
        worker.until_logged(LOST)
        lab.let_go("go")
        assert lab.completed(run_id, 60) == {"wait": 2}
        assert [line.split()[0] for line in lab.lines("waiting")] == ["1", "2"]
    cluster.start_worker()


@pytest.mark.usefixtures("cluster_kills")
def test_where_the_worker_is_killed_the_cluster_ends_its_handlers(lab: SpreadLab, cluster: DaskLab) -> None:
    with lab.worker("waiting", dask_scheduler=cluster.address) as worker:
        lab.begin("waiting")
        lab.waits()
        worker.clear_away()
        eventually(lambda: lab.lines("waited") == ["cancelled"])


@pytest.mark.usefixtures("cluster_kills")
def test_while_the_scheduler_is_away_other_flows_go_on(
    lab: SpreadLab, project: Project, tmp_path: Path
) -> None:
    (tmp_path / "logs").mkdir()
    with (
        dask_cluster(tmp_path / "logs", project.root, workers=1) as cluster,
        lab.worker("waiting", "plain", dask_scheduler=cluster.address) as worker,
    ):
        run_id = lab.begin("waiting")
        lab.waits()
        assert cluster.scheduler is not None
        cluster.scheduler.kill()
        worker.until_logged(f"the Dask scheduler {cluster.address} was lost")
        lab.let_go("go")
        worker.until_logged("tasks wait until it is back")
        assert lab.completed(lab.begin("plain")) == {"here": worker.process.pid}
        cluster.start_scheduler()
        cluster.start_worker()
        assert lab.completed(run_id, 60) == {"wait": 2}
        worker.until_logged("is back")
        assert worker.stop() == 0


@pytest.mark.usefixtures("cluster_kills")
def test_a_cluster_without_our_package_is_told_at_the_start(lab: SpreadLab, tmp_path: Path) -> None:
    with dask_cluster(tmp_path, Path(without("pgflow_runtime", tmp_path)), workers=0) as cluster:
        said = lab.refused(f"--dask-scheduler={cluster.address}")
    assert "its scheduler or a worker of it cannot run tasks" in said
    assert "No module named 'pgflow_runtime'" in said
    assert "install pgflow-gen there" in said


@pytest.mark.usefixtures("cluster_kills")
def test_a_handler_that_is_not_there_fails_without_a_retry(lab: SpreadLab, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    with (
        dask_cluster(tmp_path / "logs", Path(os.devnull), workers=1) as cluster,
        lab.worker("waiting", dask_scheduler=cluster.address),
    ):
        message = lab.failed(lab.begin("waiting"))
    assert "flows.spread" in message
    assert "where executor 'dask' runs it" in message
