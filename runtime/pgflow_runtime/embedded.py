"""A PostgreSQL of the project's own, for tests and scripts: the public name of ``database.embedded``."""

from __future__ import annotations

from pgflow_runtime.database.embedded import embedded_server

__all__ = ["embedded_server"]
