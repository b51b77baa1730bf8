"""The worker's logger."""

from __future__ import annotations

from pgflow_runtime.loggers import lasting

logger = lasting("pgflow.worker")
