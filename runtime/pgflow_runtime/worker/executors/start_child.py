"""``python -P start_child.py FD FOLDER...``: begin a process for handlers, with these folders for modules.

A script of its own: what the worker was started by, a user's program perhaps, is not run again.
"""

from __future__ import annotations

import sys


def start() -> None:
    sys.path += [folder for folder in sys.argv[2:] if folder not in sys.path]
    from pgflow_runtime.worker.executors.child import main

    main(int(sys.argv[1]))


if __name__ == "__main__":
    start()
