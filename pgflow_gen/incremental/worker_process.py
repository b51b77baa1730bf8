"""A second process that reads modules, where there are many of them or the reader is not loaded yet.

Loading libcst takes as long as reading dozens of modules. A forked process begins with that at once, while
this one finds out what has to be read. What it finds has the form of a cache: it counts here if it is
current here, and what is missing is read here, so that the outcome never depends on it.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING

from pgflow_gen.config import Config, ConfigError

if TYPE_CHECKING:
    from pgflow_gen.diagnostics import Findings
    from pgflow_gen.incremental.analysis import Analyzed
    from pgflow_gen.incremental.results import CachedResults
    from pgflow_gen.source.files.tracked_reads import TrackedReads

MANY = 40
"""Modules that are worth a process of their own."""
_HEAD_START = 8
"""Modules that the other process reads less than this one, for what it costs to send them."""


class WorkerProcess:
    """``with WorkerProcess(config) as helper: helper.share(reads, cached)``."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._child: int | None = None
        self._requests = self._replies = -1

    def __enter__(self) -> WorkerProcess:
        if "libcst" not in sys.modules:
            self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def share(self, reads: TrackedReads, cached: CachedResults) -> None:
        """Read what ``cached`` does not know, here and there, and add it."""
        try:
            self._share(reads, cached)
        finally:
            self._stop()

    def _share(self, reads: TrackedReads, cached: CachedResults) -> None:
        from pgflow_gen.incremental.project import ProjectAnalysis
        from pgflow_gen.names import is_storable

        try:
            files = reads.discover()
        except ConfigError:
            return  # the analysis will say so
        # A name that is no UTF-8 (a half of a surrogate pair to Python) is left for the analysis itself.
        unknown = [file for file in ProjectAnalysis(reads, cached).unknown(files) if is_storable(file)]
        is_many = len(unknown) >= MANY
        if is_many and self._child is None:
            self._start()
        if self._child is None or not unknown:
            return
        own = len(unknown) // 2 + _HEAD_START if is_many else 0
        self._request(unknown[own:], judge=is_many)
        _load(self._config)
        if is_many:
            _add(cached, work(reads, unknown[:own], judge=True))
        _add(cached, self._receive())

    def _request(self, files: Sequence[str], *, judge: bool) -> None:
        import msgspec

        _write(self._requests, msgspec.msgpack.encode((files, judge)))
        os.close(self._requests)
        self._requests = -1

    def _receive(self) -> CachedResults:
        from pgflow_gen.incremental.cache import Cache

        return Cache.decode(_read_all(self._replies), "").results

    def _stop(self) -> None:
        for handle in (self._requests, self._replies):
            if handle >= 0:
                os.close(handle)
        self._requests = self._replies = -1
        if self._child is not None:
            # It has nothing to clean up, and may still be loading what nobody has asked it for.
            os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)
            self._child = None

    def _start(self) -> None:
        """Only Linux forks safely enough, and only a process of one thread."""
        if sys.platform != "linux" or threading.active_count() > 1 or _processors() < 2:
            return
        requests, self._requests = os.pipe()
        self._replies, replies = os.pipe()
        try:
            self._child = os.fork()
        except OSError:
            return
        if self._child == 0:
            os.close(self._requests)
            os.close(self._replies)
            _child(lambda: _serve(self._config, requests, replies))
        os.close(requests)
        os.close(replies)


def work(reads: TrackedReads, files: Sequence[str], *, judge: bool) -> CachedResults:
    """Read modules as if they were the whole project.

    ``judge``: with what checks and rendering can make of their flows alone. Of a few flows that is made
    sooner where all it takes has been loaded meanwhile.
    """
    from pgflow_gen.diagnostics import Findings
    from pgflow_gen.incremental.project import ProjectAnalysis
    from pgflow_gen.incremental.results import CachedResults

    project = ProjectAnalysis(reads, CachedResults())
    for file in files:
        project.read_module(file)
    findings = Findings()
    analyzed = project.result(list(project.current.groups.values()), findings)
    if judge:
        _judge(analyzed, reads.config, findings)
    return analyzed.results


def _judge(analyzed: Analyzed, config: Config, findings: Findings) -> None:
    from pgflow_gen.checks import run_checks
    from pgflow_gen.incremental.flow_results import FlowResults
    from pgflow_gen.render import render_flow_files

    # What a flow starts may be in the other half.
    alone = tuple(flow for flow in analyzed.analysis.flows if not flow.needs_others)
    analysis = replace(analyzed.analysis, flows=alone)
    clean = run_checks(analysis, findings)
    files = {} if findings.has_errors else render_flow_files(analysis, config)
    FlowResults(frozenset(), {}).store(analyzed, clean, files, contents=True)


def _add(cached: CachedResults, found: CachedResults) -> None:
    cached.modules.update(found.modules)
    cached.groups.update(found.groups)


def _load(config: Config) -> None:
    """What this process needs later, while it would only wait."""
    from pgflow_gen.checks.catalogue import rules
    from pgflow_gen.render.environment import load
    from pgflow_gen.write import prepare

    rules()
    prepare(config)
    load()


def _serve(config: Config, requests: int, replies: int) -> None:
    gc.disable()
    import msgspec

    import pgflow_gen.incremental.modules  # noqa: F401 - what takes its time
    from pgflow_gen.incremental.cache import Cache
    from pgflow_gen.source.files.tracked_reads import TrackedReads

    files, judge = msgspec.msgpack.decode(_read_all(requests), type=tuple[list[str], bool])
    _write(replies, Cache(work(TrackedReads(config), files, judge=judge)).encode(""))


def _child(serve: Callable[[], None]) -> None:
    """Whatever happens, the process ends here and says nothing: the other one does what is missing."""
    code = 1
    try:
        serve()
        code = 0
    finally:
        os._exit(code)


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(handle, view) :]
    except OSError:
        return


def _read_all(handle: int) -> bytes:
    parts: list[bytes] = []
    while part := os.read(handle, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
