"""``python mypy_process.py ARGUMENTS...``: mypy, which ends with the build that asked it.

A script of its own: it runs without the compiler being imported.
"""

from __future__ import annotations

import runpy

from pgflow_shared.system.processes import exit_with_parent


def main() -> None:
    exit_with_parent()
    runpy.run_module("mypy", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
