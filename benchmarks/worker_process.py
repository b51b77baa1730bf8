"""An engine's worker as users run it: one command, a process tree of its own, its log in a file."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import psycopg

from benchmarks.server import BenchmarkError

PATIENCE = 60.0
"""Seconds a worker may take to start, to become idle and to end."""


class Workers:
    """Running worker commands of one engine."""

    def __init__(self, processes: Sequence[subprocess.Popen[bytes]], logs: Sequence[Path]) -> None:
        self._processes = processes
        self._logs = logs

    @classmethod
    def launch(
        cls,
        commands: Sequence[Sequence[str]],
        *,
        cwd: Path,
        env: Mapping[str, str],
        log_folder: Path,
    ) -> Workers:
        """Start each command."""
        processes, logs = [], []
        for number, command in enumerate(commands):
            log = log_folder / f"worker-{time.monotonic_ns()}-{number}.log"
            with log.open("wb") as sink:
                processes.append(
                    subprocess.Popen(
                        command, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=sink,
                        stderr=subprocess.STDOUT,
                    )
                )  # fmt: skip
            logs.append(log)
        return cls(processes, logs)

    def until_ready(self, text: str) -> None:
        """Wait until each log says ``text``."""
        deadline = time.monotonic() + PATIENCE
        for process, log in zip(self._processes, self._logs, strict=True):
            while text not in log.read_text(errors="replace"):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise BenchmarkError(f"a worker does not start: {self.tail()}")
                time.sleep(0.05)

    def tail(self) -> str:
        """The ends of the logs, for messages."""
        return "\n".join(log.read_text(errors="replace")[-3000:] for log in self._logs)

    def cpu_seconds(self) -> float:
        """User and system time of all processes of the trees, ended children included."""
        total = 0.0
        for process in self._tree():
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue
            total += times.user + times.system
        for own in self._processes:
            times = psutil.Process(own.pid).cpu_times()
            total += times.children_user + times.children_system
        return total

    def pause(self, dsn: str) -> None:
        """Stop the processes in their tracks, at a moment when no session of theirs has written or locked."""
        deadline = time.monotonic() + PATIENCE
        with psycopg.connect(dsn, autocommit=True) as connection:
            while time.monotonic() < deadline:
                self._signal(signal.SIGSTOP)
                time.sleep(0.1)
                if not _is_writing(connection):
                    return
                self.resume()
                time.sleep(0.1)
        raise BenchmarkError(f"the worker does not become idle: {self.tail()}")

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """Ask to end, insist after a while."""
        for process in self._processes:
            if process.poll() is None:
                process.terminate()
        for process in self._processes:
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        for process in self._tree():
            try:
                process.kill()
            except psutil.Error:
                continue
        for own in self._processes:
            own.wait()

    def _signal(self, number: signal.Signals) -> None:
        for process in self._tree():
            process.send_signal(number)

    def _tree(self) -> list[psutil.Process]:
        tree: list[psutil.Process] = []
        for own in self._processes:
            if own.poll() is None:
                root = psutil.Process(own.pid)
                tree += [root, *root.children(recursive=True)]
        return tree


def _is_writing(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    row = connection.execute(
        "select exists (select from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid() and backend_type = 'client backend' and backend_xid is not null)"
    ).fetchone()
    return row is not None and bool(row[0])
