"""``python -m pgflow_gen.dev.command_process COMMAND...``: ``pgflow-gen COMMAND...``, ending with ``dev``."""

from __future__ import annotations

import sys
from typing import NoReturn

from pgflow_shared.system.processes import exit_with_parent

PATIENCE = 15.0
"""Seconds between the polite request to end and the end."""


def main() -> NoReturn:
    exit_with_parent(PATIENCE)
    from pgflow_gen.cli import main as command

    command()


if __name__ == "__main__":
    sys.exit(main())
