"""``python -m pgflow_runtime.database.embedded.keep_running FOLDER [--adopt-data]``: until stdin ends.

For programs that need a project's server to run on while other commands come and go. Prints one line of JSON:
where it is (``conninfo``, ``folder``, ``version``), or why there is none (``error``, ``help``; exit code 1).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from pgflow_runtime.database.embedded import EmbeddedServer, adopt_data
from pgflow_runtime.errors import PgflowError

STDIN = 0


def main() -> int:
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # whoever started us decides when it ends
    signal.signal(signal.SIGTERM, _end)
    try:
        project = Path(sys.argv[1])
        adopted = adopt_data(project) if "--adopt-data" in sys.argv[2:] else None
        server = EmbeddedServer(project)
        server.acquire()
    except PgflowError as error:
        _tell({"error": error.message, "help": error.help})
        return 1
    try:
        version = (server.location.data / "PG_VERSION").read_text(encoding="utf-8").strip()
        answer = {"folder": str(server.location.folder), "version": version, "adopted": adopted}
        _tell({"conninfo": server.conninfo, **answer})
        while os.read(STDIN, 1):
            continue
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        server.release()
    return 0


def _end(_number: int, _frame: object) -> None:
    sys.exit(0)


def _tell(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    sys.exit(main())
