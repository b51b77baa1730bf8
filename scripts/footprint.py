"""What each distribution costs: a fresh environment, importing the client, a worker with nothing to do.

``python scripts/footprint.py --dsn DSN`` prints the table of docs/guides/deploying.md. It has pip build and
install each into an environment of its own, and runs the example in examples/script on that database.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = {"pgflow-gen": ROOT, "pgflow-runtime": ROOT / "runtime"}
REPETITIONS = 9


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure both distributions.")
    parser.add_argument("--dsn", required=True, help="a database that may be migrated")
    dsn: str = parser.parse_args().dsn
    print("| distribution | environment, MB | client's import, ms | idle worker, MB |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, source in SOURCES.items():
            environment = _installed(source, Path(folder) / name)
            memory = _idle_memory(environment, dsn)
            print(f"| `{name}` | {_size(environment)} | {_import_time(environment)} | {memory} |")


def _installed(source: Path, folder: Path) -> Path:
    environment = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip: list[str | Path] = [environment / "bin" / "python", "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", source], check=True)
    return environment


def _size(folder: Path) -> int:
    """As ``du`` counts: what the files take on disk."""
    blocks = sum(path.lstat().st_blocks for path in folder.rglob("*"))
    return round(blocks * 512 / 1_000_000)


def _import_time(environment: Path) -> int:
    """What ``import`` adds to a Python that starts, in milliseconds of a core: others may use the machine."""

    def seconds(program: str) -> float:
        times = []
        for _ in range(REPETITIONS):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([environment / "bin" / "python", "-c", program], check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return min(times)

    return round(1000 * (seconds("import pgflow_runtime.client") - seconds("pass")))


def _idle_memory(environment: Path, dsn: str) -> int:
    """Resident memory of a worker that has nothing to do, in MB."""
    command = environment / "bin" / "pgflow-gen"
    project = environment.parent / "project"
    shutil.copytree(ROOT / "examples" / "script", project)
    subprocess.run([command, "-q", "migrate", "--dsn", dsn], cwd=project, check=True)
    worker = subprocess.Popen(
        [command, "worker", "flows.sales:sales", "--dsn", dsn],
        cwd=project,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert worker.stderr is not None
        for line in worker.stderr:
            if "serving" in line:
                break
        time.sleep(5)  # it has looked, listens, and has beaten once
        status = Path(f"/proc/{worker.pid}/status").read_text(encoding="utf-8")
        (kilobytes,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
        return round(int(kilobytes) / 1000)
    finally:
        worker.terminate()
        worker.wait()


if __name__ == "__main__":
    main()
