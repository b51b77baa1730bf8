"""The worker: claims tasks from the database, runs their handlers, reports what became of them.

All state lives in the database; a worker that is killed loses nothing. From the outside in: ``worker``
(what users start), ``supervisor`` (several processes), ``process`` (one process, put together from its
parts), ``engine`` (the loop), ``exchange`` (the calls to the core), ``executor`` and ``perform`` (handlers).
"""

from __future__ import annotations

from pgflow_runtime.worker.worker import Worker

__all__ = ["Worker"]
