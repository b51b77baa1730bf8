"""The command ``pgflow-gen``: both distributions have it. Its commands are the compiler's and the runtime's.

They are known by import string, so that nothing of either is imported before one of its commands is run; the
lean distribution has none of the compiler's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from pgflow_command.first_process import stand_in_for_init
from pgflow_command.library_first import library_first


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run ``pgflow-gen`` with ``args`` (default: the process's) and exit."""
    stand_in_for_init()
    library_first()
    from pgflow_command.entry import run

    run(args)


__all__ = ["main"]
