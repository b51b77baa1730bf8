"""The command line. Thin: each command asks the pipeline, and everything heavy is imported on demand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from pgflow_gen.library_first import library_first


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run ``pgflow-gen`` with ``args`` (default: the process's) and exit."""
    library_first()
    from pgflow_gen.cli.main import main as command

    command(args)


__all__ = ["main"]
