"""A second process that reads modules, where there are many of them or the reader is not loaded yet.

Loading libcst takes as long as reading dozens of modules. A forked process begins with that at once, while
this one finds out what has to be read. What it finds has the form of a cache: it counts here if its evidence
holds here, and what is missing is read here, so that the outcome never depends on it.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from pgflow_gen.config import Config, ConfigError

if TYPE_CHECKING:
    from pgflow_gen.diagnostics import Findings
    from pgflow_gen.incremental.analysis import Analyzed
    from pgflow_gen.incremental.results import Memory
    from pgflow_gen.source.tracked_reads import Looks

MANY = 40
"""Modules that are worth a process of their own."""
_HEAD_START = 8
"""Modules that the other process reads less than this one, for what it costs to send them."""


class Helper:
    """``with Helper(config) as helper: helper.share(looks, memory)``."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._child: int | None = None
        self._ask = self._hear = -1

    def __enter__(self) -> Helper:
        if "libcst" not in sys.modules:
            self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def share(self, looks: Looks, memory: Memory) -> None:
        """Read what ``memory`` does not know, here and there, and add it."""
        try:
            self._share(looks, memory)
        finally:
            self._stop()

    def _share(self, looks: Looks, memory: Memory) -> None:
        from pgflow_gen.incremental.project import Whole
        from pgflow_gen.names import is_storable

        try:
            files = looks.discover()
        except ConfigError:
            return  # the analysis will say so
        # A name that is no UTF-8 (a half of a surrogate pair to Python) is left for the analysis itself.
        unknown = [file for file in Whole(looks, memory).unknown(files) if is_storable(file)]
        is_many = len(unknown) >= MANY
        if is_many and self._child is None:
            self._start()
        if self._child is None or not unknown:
            return
        own = len(unknown) // 2 + _HEAD_START if is_many else 0
        self._tell(unknown[own:], judge=is_many)
        _load(self._config)
        if is_many:
            _add(memory, work(looks, unknown[:own], judge=True))
        _add(memory, self._heard())

    def _tell(self, files: Sequence[str], *, judge: bool) -> None:
        import msgspec

        _send(self._ask, msgspec.msgpack.encode((files, judge)))
        os.close(self._ask)
        self._ask = -1

    def _heard(self) -> Memory:
        from pgflow_gen.incremental.cache import Cache

        return Cache.decode(_received(self._hear), "").memory

    def _stop(self) -> None:
        for handle in (self._ask, self._hear):
            if handle >= 0:
                os.close(handle)
        self._ask = self._hear = -1
        if self._child is not None:
            # It has nothing to clean up, and may still be loading what nobody has asked it for.
            os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)
            self._child = None

    def _start(self) -> None:
        """Only Linux forks safely enough, and only a process of one thread."""
        if sys.platform != "linux" or threading.active_count() > 1 or _processors() < 2:
            return
        asked, self._ask = os.pipe()
        self._hear, answer = os.pipe()
        try:
            self._child = os.fork()
        except OSError:
            return
        if self._child == 0:
            os.close(self._ask)
            os.close(self._hear)
            _child(lambda: _serve(self._config, asked, answer))
        os.close(asked)
        os.close(answer)


def work(looks: Looks, files: Sequence[str], *, judge: bool) -> Memory:
    """Read modules as if they were the whole project.

    ``judge``: with what checks and rendering can make of their flows alone. Of a few flows that is made
    sooner where all it takes has been loaded meanwhile.
    """
    from pgflow_gen.diagnostics import Findings
    from pgflow_gen.incremental.project import Whole
    from pgflow_gen.incremental.results import Memory

    whole = Whole(looks, Memory())
    for file in files:
        whole.read_survey(file)
    findings = Findings()
    analyzed = whole.result(list(whole.found.groups.values()), findings)
    if judge:
        _judge(analyzed, findings)
    return analyzed.parts


def _judge(analyzed: Analyzed, findings: Findings) -> None:
    from pgflow_gen.checks import run_checks
    from pgflow_gen.incremental.flow_results import Made
    from pgflow_gen.render import render_pages

    clean = run_checks(analyzed.analysis, findings)
    pages = {} if findings.has_errors else render_pages(analyzed.analysis)
    Made(frozenset(), {}).keep(analyzed, clean, pages, contents=True)


def _add(memory: Memory, found: Memory) -> None:
    memory.surveys.update(found.surveys)
    memory.groups.update(found.groups)


def _load(config: Config) -> None:
    """What this process needs later, while it would only wait."""
    from pgflow_gen.checks.catalogue import rules
    from pgflow_gen.render.environment import load
    from pgflow_gen.write import prepare

    rules()
    prepare(config)
    load()


def _serve(config: Config, asked: int, answer: int) -> None:
    gc.disable()
    import msgspec

    import pgflow_gen.incremental.modules  # noqa: F401 - what takes its time
    from pgflow_gen.incremental.cache import Cache
    from pgflow_gen.source.tracked_reads import Looks

    files, judge = msgspec.msgpack.decode(_received(asked), type=tuple[list[str], bool])
    _send(answer, Cache(work(Looks(config), files, judge=judge)).encode(""))


def _child(serve: Callable[[], None]) -> None:
    """Whatever happens, the process ends here and says nothing: the other one does what is missing."""
    code = 1
    try:
        serve()
        code = 0
    finally:
        os._exit(code)


def _send(handle: int, data: bytes) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(handle, view) :]
    except OSError:
        return


def _received(handle: int) -> bytes:
    parts: list[bytes] = []
    while part := os.read(handle, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
