"""Run the SQL core's tests on every PostgreSQL that can be had here: the system's 15, the embedded 16 and 18.

Arguments after ``--`` go to pytest in place of ``tests/sql``. Exit code 1 when a version fails; a version
whose binaries are missing is named and left out, unless ``--all`` demands it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ("15", "16", "18")
SYSTEM_BINARIES = {"15": Path("/usr/lib/postgresql/15/bin/postgres")}
"""Versions that are not in the embedded server's wheel (see tests/support/server.py)."""


def missing(version: str) -> str | None:
    """Why a version cannot be had here, if it cannot."""
    path = SYSTEM_BINARIES.get(version)
    return None if path is None or path.exists() else f"{path} is not there (Debian: postgresql-{version})"


def run(version: str, arguments: list[str]) -> bool:
    """Run pytest on one version; whether it passed."""
    environment = {name: value for name, value in os.environ.items() if name != "PGFLOW_TEST_DSN"}
    started = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", *(arguments or ["tests/sql"])]
    done = subprocess.run(command, cwd=ROOT, env=environment | {"PGFLOW_TEST_PG": version}, check=False)
    word = "passed" if done.returncode == 0 else f"failed ({done.returncode})"
    print(f"PostgreSQL {version}: {word} after {time.monotonic() - started:.0f} s", flush=True)
    return done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", choices=VERSIONS, action="append", help="this version; may be repeated")
    parser.add_argument("--all", action="store_true", help="fail when a version cannot be had")
    parser.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    options = parser.parse_args()
    results: list[bool] = []
    for version in options.only or VERSIONS:
        reason = missing(version)
        if reason is None:
            results.append(run(version, options.pytest))
        else:
            print(f"PostgreSQL {version}: left out, {reason}", flush=True)
            results.append(not (options.all or options.only))
    return int(not all(results))


if __name__ == "__main__":
    sys.exit(main())
