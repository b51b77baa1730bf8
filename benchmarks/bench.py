"""One subject at a time: a database of its own, its driver and its workers, all gone afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.driver_process import Driver
from benchmarks.engines import Engine, Setting
from benchmarks.hosts import Host
from benchmarks.measure import Meter, Reading
from benchmarks.server import BenchmarkError, Server
from benchmarks.worker_process import PATIENCE, Workers


@dataclass(frozen=True)
class Subject:
    """An engine under one of its settings."""

    engine: Engine
    setting: Setting

    @property
    def name(self) -> str:
        return f"{self.engine.name} ({self.setting.name})"

    def with_processes(self, count: int, name: str) -> Subject:
        return Subject(self.engine, replace(self.setting, name=name, processes=count))

    def on_hosts(self, hosts: Sequence[Host]) -> Subject:
        return Subject(self.engine, replace(self.setting, hosts=tuple(hosts)))

    def with_flags(self, name: str, *flags: str) -> Subject:
        """The same with more flags; later ones win."""
        return Subject(self.engine, replace(self.setting, name=name, flags=(*self.setting.flags, *flags)))


@dataclass
class Session:
    """A subject at work in a fresh database."""

    server: Server
    subject: Subject
    dsn: str
    driver: Driver
    folder: Path

    @contextmanager
    def workers(self, *flows: str) -> Iterator[Workers]:
        """Running workers of these flows."""
        setting = self.subject.setting
        dsn = self.server.from_afar(self.dsn) if setting.hosts else self.dsn
        workers = self.subject.engine.start_workers(dsn, flows, setting, self.folder)
        try:
            self.driver.ask("until_serving", processes=setting.processes * len(flows), timeout=PATIENCE)
            yield workers
        except BenchmarkError as error:
            raise BenchmarkError(f"{self.subject.name}: {error}\n{workers.tail()}") from error
        finally:
            workers.resume()
            workers.stop()

    def measured(self, workers: Workers | None, work: Callable[[], object]) -> Reading:
        """Clock, processors and WAL around a piece of work."""
        meter = Meter(self.server, workers)
        meter.start()
        work()
        return meter.stop()


class Bench:
    """Hands out sessions. The first one of an engine sets up its tables; the others get a copy of that."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.hosts = server.hosts
        self._server = server
        self._folder = folder
        self._templates: set[str] = set()

    @contextmanager
    def session(self, subject: Subject) -> Iterator[Session]:
        """A database, a driver that is connected to it, and the means to start workers."""
        engine = subject.engine
        template = self._template(engine)
        name = "bench_" + re.sub(r"\W", "_", engine.name)
        dsn = self._server.create_database(name, template)
        driver = engine.start_driver(dsn, self._folder)
        try:
            yield Session(self._server, subject, dsn, driver, self._folder)
        finally:
            driver.close()
            self._server.drop_database(name)

    def _template(self, engine: Engine) -> str:
        name = "template_" + re.sub(r"\W", "_", engine.name)
        if name not in self._templates:
            dsn = self._server.create_database(name)
            driver = engine.start_driver(dsn, self._folder)
            try:
                driver.ask("setup")
            finally:
                driver.close()
            self._templates.add(name)
        return name
