"""One sitting of ``dev``: what happens at its start, after each change of a source, and at its end."""

from __future__ import annotations

import hashlib
import shlex
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from pgflow_gen.config import Config
from pgflow_gen.dev.child import ChildProcess
from pgflow_gen.dev.contracts import Built, built_flows
from pgflow_gen.dev.migrated import told
from pgflow_gen.dev.page import DashboardProcess
from pgflow_gen.dev.screen import Screen
from pgflow_gen.dev.server import Server
from pgflow_gen.dev.worklog import event_of, laid_out
from pgflow_gen.report import render_report, summary
from pgflow_shared.styles import style_of
from pgflow_shared.text import counted

GRACE = 5.0
"""Seconds handlers have to end when the worker makes way for a new one; their tasks go back to the queue."""
PATIENCE = 10.0
"""Seconds more until a child that does not end is killed."""
STEADY = 5.0
"""Seconds a worker has to have been at work for its end to be worth a new start without a change."""


class DevSession:
    """Keeps generated files, database and worker in step with the sources. One thread calls all of it."""

    def __init__(
        self,
        server: Server,
        page: DashboardProcess,
        screen: Screen,
        is_ending: Callable[[], bool],
        *,
        verify: bool,
    ) -> None:
        self._server = server
        self._page = page
        self._screen = screen
        self._is_ending = is_ending
        self._verify = verify
        self._worker: ChildProcess | None = None
        self._worker_since = 0.0
        self._flows: tuple[Built, ...] = ()
        self._migrated: str | None = None
        self._is_serving = threading.Event()
        self._is_replacing = False
        self._has_greeted = False

    def turn(self, config: Config) -> None:
        """After a change: build; if that is clean, migrate what changed and start the worker anew."""
        if not self._build(config):
            if self._worker is not None:
                self._screen.say("worker", "goes on with the last code that was in order")
            return
        if self._is_ending():
            return
        self._flows = built_flows(config)
        self._stop_worker()
        if not self._migrate(config):
            return
        self._start_worker()
        self._page.start()

    def look_after(self) -> None:
        """Between two changes: greet once all is up; start a worker anew that broke down while at work."""
        if self._is_serving.is_set() and not self._has_greeted:
            self._greet()
        worker = self._worker
        if worker is None or worker.code is None:
            return
        worker.wait()
        self._worker = None
        if time.monotonic() - self._worker_since > STEADY:
            self._screen.say("worker", f"ended with exit code {worker.code}; starting it again")
            self._start_worker()
        else:
            self._screen.say("worker", f"ended with exit code {worker.code}; the next change starts it again")

    def stop(self) -> None:
        """End everything, the database last."""
        self._stop_worker()
        self._page.stop()
        self._server.stop()

    def kill(self) -> None:
        """End worker and dashboard at once; ``stop``, which waits for them, then comes to its end."""
        if self._worker is not None:
            self._worker.kill()
        self._page.kill()

    # -- the build

    def _build(self, config: Config) -> bool:
        """Whether the project is in order; tells what is not, and what was written."""
        from pgflow_gen import pipeline

        began = time.monotonic()
        report = pipeline.build(config, verify=self._verify)
        text = render_report(
            "text", report.diagnostics, report.sources, colour=self._screen.has_colour
        ).rstrip()
        if text:
            self._screen.say("build", text)
        closing = summary(
            report.diagnostics,
            file_count=report.file_count,
            flow_count=report.flow_count,
            step_count=report.step_count,
        )
        if report.has_errors:
            self._screen.say("build", f"{closing}; nothing was written")
            return False
        changes = [] if report.plan is None else [item for item in report.plan.changes if item.kind != "keep"]
        if changes:
            closing += f"; wrote {_names([str(item.path) for item in changes])}"
        self._screen.say("build", f"{closing} ({time.monotonic() - began:.1f} s)")
        if not report.flow_count:
            self._screen.say("build", 'a flow is a module-level name: crawl = Flow[Input]("crawl")')
        return True

    # -- the database

    def _migrate(self, config: Config) -> bool:
        """Bring the database up to date where migrations changed since last time; False if that failed."""
        digest = _digest(config)
        if digest == self._migrated:
            return True
        options, env = self._server.for_migrate()
        if style_of(config.style).applied_by:
            options.append("--core-only")
            self._screen.say(
                "migrate", f"the flows' migrations are {config.style}'s: apply them with its own command"
            )
        lines: list[str] = []
        child = ChildProcess(
            "migrate", ["migrate", "--json", *options], screen=self._screen, env=env, hear=lines.append
        )
        is_done = child.wait() == 0
        self._migrated = digest if is_done else None
        if is_done:
            lines = told(lines)
        else:
            lines.append(self._server.way_out)
        for line in lines:
            self._screen.say("migrate", line)
        return is_done

    # -- the worker

    def _start_worker(self) -> None:
        if not self._flows:
            self._screen.say("worker", "waits for a flow")
            return
        self._is_serving.clear()
        targets = [flow.target for flow in self._flows]
        env = {"PGFLOW_GRACE_SECONDS": str(GRACE), **self._server.for_commands(), "PGFLOW_LOG_FORMAT": "json"}
        if env.get("PGFLOW_LOG_CONFIG"):
            self._is_serving.set()  # its lines go where, and look as, that file says
        self._worker = ChildProcess(
            "worker", ["worker", *targets], screen=self._screen, env=env, hear=self._hear
        )
        self._worker_since = time.monotonic()

    def _hear(self, line: str) -> None:
        event = event_of(line)
        state = None if event is None else event.get("state")
        if self._is_replacing and state in ("stopping", "stopped"):
            return
        self._screen.say("worker", line if event is None else laid_out(event))
        if state == "running":
            self._is_serving.set()

    def _stop_worker(self) -> None:
        if self._worker is not None:
            self._is_replacing = True
            self._worker.stop(GRACE + PATIENCE)
            self._is_replacing = False
            self._worker = None

    def _greet(self) -> None:
        self._has_greeted = True
        flow = self._flows[0]
        given = "" if flow.sample is None else f" {shlex.quote(flow.sample)}"
        where = "" if self._server.is_embedded else " --dsn <the same>"
        if self._server.ignored:
            where = f" --dsn {shlex.quote(self._server.conninfo)}"
            names = ", ".join(self._server.ignored)
            self._screen.say(
                "dev", f"{names}: heeded by other commands, not by this one; so name the database"
            )
        self._screen.say("dev", "ready; change a file, or start a run from another terminal:")
        self._screen.say("dev", f"  pgflow-gen start {flow.name}{given} --wait{where}")
        self._screen.say("dev", f"  pgflow-gen runs watch --latest{where}")


def _names(paths: list[str], most: int = 3) -> str:
    """Some names and a number."""
    if len(paths) <= most:
        return ", ".join(paths)
    return f"{', '.join(paths[: most - 1])} and {counted(len(paths) - most + 1, 'other file')}"


def _digest(config: Config) -> str:
    """Of the flows' migrations, as they are on disk."""
    found = hashlib.sha256()
    folder = config.root / config.migrations
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        with suppress(OSError):
            found.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return found.hexdigest()
