"""The runtime's benchmarks run and judge what they measure. Nothing here looks at a time."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

from benchmarks.bench import Bench, Subject
from benchmarks.catalogue import make_subjects
from benchmarks.hosts import hosts, why_not
from benchmarks.keeper import postmaster, users
from benchmarks.server import BenchmarkError, running_server
from benchmarks.workloads.chain import drain
from tests.support.project import REPOSITORY, clean_environment
from tests.support.server import PREFIX
from tests.support.wait import eventually


def test_a_tiny_chain_is_measured_and_verified(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    arguments = "--workload chain --engines ours --settings tuned --postgres 18 --repetitions 1 --scale 0.001"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments.split(), "--json", str(file)],
        cwd=REPOSITORY,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "| ours (tuned, 100 slots) | 1 x |" in done.stdout
    (result,) = json.loads(file.read_text())["results"]
    metrics = result["metrics"]
    assert result["workload"] == "chain"
    assert metrics["per_s"] > 0
    assert 0 < metrics["commits"] <= 2  # ten runs of three steps: counted, and not more than one by one
    assert 0 < metrics["hot_share"] <= 1


def test_a_chain_is_measured_beside_a_backlog(tmp_path: Path) -> None:
    """The short form: a thousandth of what ``python -m benchmarks --workload backlog`` does."""
    file = tmp_path / "results.json"
    arguments = (
        "--workload backlog --settings tuned --postgres 18 --repetitions 1 --scale 0.001 --backlog 1000"
    )
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments.split(), "--json", str(file)],
        cwd=REPOSITORY,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(file.read_text())["results"]
    assert result["workload"] == "backlog, 1,000 delayed tasks of another flow and 100 dead workers"
    assert result["metrics"].keys() >= {"beside_empty", "p99_beside_empty", "heartbeat_age_s"}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_benchmark_leaves_nothing_running(number: signal.Signals) -> None:
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    folder.chmod(0o755)  # as root the server runs as somebody else
    options = ["--workload", "chain", "--settings", "tuned", "--postgres", "18", "--data", str(folder)]
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks", *options],
            cwd=REPOSITORY,
            env=clean_environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        eventually(lambda: any("worker" in user.cmdline() for user in users(folder)), timeout=60)
        server = postmaster(next(folder.iterdir()))
        assert server is not None
        process.send_signal(number)
        assert process.wait(60) == -number
        eventually(lambda: not users(folder))
        assert not server.is_running()
        assert list(folder.iterdir()) == []
    finally:
        process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def test_wrong_outputs_and_repeated_attempts_are_found(tmp_path: Path) -> None:
    with running_server("18") as server:
        (subject,) = make_subjects(["ours"], ["defaults"], [1], tmp_path)
        with Bench(server, tmp_path).session(Subject(subject.engine, subject.setting)) as session:
            with session.workers("chain"):
                session.driver.ask("enqueue", flow="chain", count=3)
                session.driver.ask("wait", timeout=60)
            assert session.driver.ask("verify") == {"units": 9}
            with psycopg.connect(session.dsn, autocommit=True) as connection:
                connection.execute(
                    "update pgflow.step_tasks set attempts_count = 2 where step_slug = 'second'"
                )
                with pytest.raises(BenchmarkError, match="most attempts"):
                    session.driver.ask("verify")
                connection.execute("""update pgflow.runs set output = '{"third": null}'""")
                with pytest.raises(BenchmarkError, match="run 0 is"):
                    session.driver.ask("verify")


def test_workers_on_hosts_of_their_own_are_measured_and_hosts_cleared_away(tmp_path: Path) -> None:
    """The short form of ``python -m benchmarks --workload hosts``."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    with hosts(3) as network:
        with running_server("18", network=network) as server:
            (subject,) = make_subjects(["ours"], ["defaults"], [1], tmp_path)
            spread = subject.with_processes(2, "two").on_hosts(server.hosts)
            with Bench(server, tmp_path).session(spread) as session:
                metrics = drain(session, "chain", 16)
                with psycopg.connect(session.dsn) as connection:
                    row = connection.execute("select count(*) from pgflow.workers").fetchone()
        assert metrics["server_cpu_ms"] > 0
        assert row == (2,)
        left = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
        assert not any(host.name in left.split() for host in network)  # a killed benchmark's, too


def test_without_hosts_it_says_what_is_missing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--workload", "hosts"],
        cwd=REPOSITORY,
        env={**clean_environment(), "PATH": "/nowhere"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "benchmarks: workload hosts: network namespaces need the command ip (package iproute2)\n"
    )
