"""The worker: claims tasks from the database, runs their handlers, reports what became of them.

All state lives in the database; a worker that is killed loses nothing. From the outside in: ``process``
(what users start, several processes, and one put together from its parts), ``monitoring``, ``maintenance``,
``dispatch`` (the loop and its calls to the core), ``tasks`` (handlers), ``logs``, ``protocol``.
"""

from __future__ import annotations

from pgflow_runtime.worker.process.worker import Worker

__all__ = ["Worker"]
