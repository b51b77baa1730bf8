"""The compiler's commands. Thin: each asks the pipeline, and everything heavy is imported on demand."""

from __future__ import annotations

from pgflow_command import main

__all__ = ["main"]
