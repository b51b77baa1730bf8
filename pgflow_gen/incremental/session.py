"""What one command may take over from earlier builds, and what it leaves to later ones."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pgflow_gen.diagnostics import Findings
from pgflow_gen.incremental.analysis import Analyzed, analyze
from pgflow_gen.incremental.cache import Cache, stamped, text_digests
from pgflow_gen.incremental.fingerprint import BuildRecord, FileStamp, FileStamps, file_stamps
from pgflow_gen.incremental.worker_process import WorkerProcess
from pgflow_gen.source.files.tracked_reads import TrackedReads

if TYPE_CHECKING:
    from pgflow_gen.config import Config
    from pgflow_gen.write import Plan


class BuildSession:
    """One command's view of the cache. Without ``cached`` it is as if there were none."""

    def __init__(
        self,
        config: Config,
        record: BuildRecord,
        worker_process: WorkerProcess | None = None,
        *,
        cached: bool,
    ) -> None:
        self._config = config
        self._record = record
        self._worker_process = worker_process
        self.is_cached = cached

    @cached_property
    def _before(self) -> FileStamps | None:
        """Every file as it was before any of them was read."""
        return self._record.before or file_stamps(self._config)

    @cached_property
    def _cache(self) -> Cache:
        if not self.is_cached or self._before is None:
            return Cache()
        return Cache.load(self._config.root, self._record.key)

    @cached_property
    def written(self) -> dict[str, str]:
        """Digests of generated files that are as the last build left them, by path in the project."""
        prefix = f"{self._config.root}/"
        found = self._cache.written(self._before if self.is_cached else None)
        return {path.removeprefix(prefix): digest for path, digest in found.items()}

    def analyze(self, findings: Findings, *, only: Path | None = None) -> Analyzed:
        """See ``analysis.analyze``. What must be read anew is shared with a second process."""
        reads = TrackedReads(self._config)
        cache = self._cache
        reads.trusted = cache.trusted(self._before) if self.is_cached else {}
        if self._worker_process is not None and only is None:
            self._worker_process.share(reads, cache.results)
        return analyze(self._config, findings, only=only, reads=reads, cached=cache.results)

    def save(self, analyzed: Analyzed, plan: Plan | None, after: FileStamps | None = None) -> None:
        """Leave what was found. ``after`` are the files once ``plan`` was carried out, where that is sure."""
        if not self.is_cached or self._before is None:
            return
        texts = stamped(text_digests(analyzed.results), self._before)
        outputs = self._cache.outputs if plan is None else self._outputs(plan, after)
        Cache(analyzed.results, texts, outputs).save(self._config.root, self._record.key)

    def _outputs(self, plan: Plan, after: FileStamps | None) -> dict[str, tuple[FileStamp, str]]:
        assert self._before is not None
        root, found = f"{self._config.root}/", dict[str, tuple[FileStamp, str]]()
        for change in plan.changes:
            path = f"{root}{change.path}"
            stamps = self._before if change.kind == "keep" else after
            stamp = stamps.get(path) if stamps is not None else None
            if stamp and change.path in plan.digests:
                found[path] = (stamp, plan.digests[change.path])
        return found
