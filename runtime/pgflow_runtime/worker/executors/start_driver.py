"""``python -P start_driver.py FD FOLDER...``: begin the process that speaks with a Ray cluster.

A script of its own, like ``start_child.py``; it can say that Ray is missing.
"""

from __future__ import annotations

import socket
import sys


def start() -> None:
    sys.path += [folder for folder in sys.argv[2:] if folder not in sys.path]
    from pgflow_runtime.worker.executors.frames import frame
    from pgflow_runtime.worker.executors.messages import MISSING

    fd = int(sys.argv[1])
    try:
        from pgflow_runtime.worker.executors.on_ray import main
    except ImportError as error:
        socket.socket(fileno=fd).sendall(frame((MISSING, str(error))))
        return
    main(fd)


if __name__ == "__main__":
    start()
