"""The runtime's benchmarks run and judge what they measure. Nothing here looks at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from benchmarks.bench import Bench, Subject
from benchmarks.catalogue import make_subjects
from benchmarks.server import BenchmarkError, running_server
from tests.support.project import REPOSITORY, clean_environment


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
