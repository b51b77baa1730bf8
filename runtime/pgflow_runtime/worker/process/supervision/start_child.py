"""``python -P start_child.py FD FOLDER...``: begin a worker process, with these folders to find modules in.

A script of its own, without PYTHONPATH: the library is found first and the supervisor's folders after it, so
that no name in a user's project can stand before what the worker itself imports.
"""

from __future__ import annotations

import sys


def start() -> None:
    sys.path += [folder for folder in sys.argv[2:] if folder not in sys.path]
    from pgflow_runtime.worker.process.supervision.child import main

    sys.exit(main(int(sys.argv[1])))


if __name__ == "__main__":
    start()
