"""Somebody whom a worker's parts tell things, and who has nothing to say."""

from __future__ import annotations

from pgflow_runtime.worker.protocol.rows import Fence


class Nobody:
    """For parts that report to a process where there is none. Works on nothing."""

    def open_fences(self) -> list[Fence]:
        return []

    def cancelled(self, lost: list[tuple[Fence, str]]) -> None:
        assert not lost

    def deprecated(self, worker_ids: list[str]) -> None:
        raise AssertionError(worker_ids)

    def recovered(self, count: int) -> None:
        raise AssertionError(count)
