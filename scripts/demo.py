"""The main job, end to end: build flows, judge them, migrate, run a worker, start runs, watch and show them.

`make demo` calls this. It always uses the project's embedded PostgreSQL, whatever the environment says, and
leaves nothing running. With ``--directory`` it counts another tree than the interpreter's standard library.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from pgflow_runtime.database.embedded import embedded_server  # noqa: E402
from pgflow_runtime.errors import PgflowError  # noqa: E402

if TYPE_CHECKING:
    from generated.stdlib_census import AsyncStdlibCensusRun, Report
    from pgflow_runtime.runs.snapshot import StepSnapshot

WORKER_LOG = ROOT / ".pgflow" / "demo-worker.log"
NAMES_A_SERVER = (
    "PGFLOW_DSN",
    "DATABASE_URL",
    "PGHOST",
    "PGHOSTADDR",
    "PGPORT",
    "PGSERVICE",
    "PGDATABASE",
    "PGUSER",
)
BAR = 24


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "--directory", type=Path, default=Path(sysconfig.get_path("stdlib")), help="what to count"
    )
    directory: Path = options.parse_args().directory.resolve()
    for name in NAMES_A_SERVER:
        os.environ.pop(name, None)
    began = time.monotonic()
    try:
        command("compile the flows of flows/ into generated/", "pgflow_gen", "build")
        command("judge flows and generated code with mypy --strict", "mypy", "--strict", "flows", "generated")
        announce("start an embedded PostgreSQL")
        with embedded_server(ROOT) as dsn:
            command("install queue, core and flows", "pgflow_gen", "migrate")
            announce("start a worker of two processes")
            with worker() as process:
                announce(f"take a census of {directory}")
                report = asyncio.run(take_census(dsn, directory, process))
                announce("order more than any box holds: approved, charged, and taken back")
                order = asyncio.run(order_too_much(dsn, process))
                command("show the runs that belong to it", "pgflow_gen", "runs", "tree", order)
            announce("stop worker and server")
    except PgflowError as error:
        fail(f"{error}\n{error.help or ''}".rstrip())
    show(report)
    print(f"\nDone in {time.monotonic() - began:.1f} s; the report is also in .pgflow/census.json.")


def announce(what: str) -> None:
    print(f"\n\033[1m==> {what}\033[0m" if sys.stdout.isatty() else f"\n==> {what}", flush=True)


def fail(message: str) -> NoReturn:
    sys.exit(f"\nThe demo failed: {message}")


def command(what: str, module: str, *arguments: str) -> None:
    """Run a command of the virtual environment in the project; its own words explain a failure."""
    announce(what)
    done = subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, check=False)
    if done.returncode != 0:
        fail(f"{module} {' '.join(arguments)} ended with {done.returncode}")


@contextmanager
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """`pgflow-gen worker` as a process of its own; asked to stop at the end, it must end with 0."""
    WORKER_LOG.parent.mkdir(exist_ok=True)
    with WORKER_LOG.open("wb") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "pgflow_gen",
                "worker",
                *(f"flows.{name}:{name}" for name in ("stdlib_census", "order_fulfilment", "invoicing")),
                "--processes",
                "2",
            ],
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    print(f"process {process.pid}, its log is .pgflow/{WORKER_LOG.name}", flush=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(timeout=45)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
    if code != 0:
        fail(f"the worker ended with {code}:\n{WORKER_LOG.read_text()}")


async def take_census(dsn: str, directory: Path, process: subprocess.Popen[bytes]) -> Report:
    """Start the flow through the generated client, and follow it to its end."""
    from generated.client import AsyncClient  # exists only after the build

    async with AsyncClient.connect(dsn) as client:
        run = await client.start_stdlib_census(
            {
                "directory": str(directory),
                "skip": ["site-packages", "dist-packages", "__pycache__"],
                "report_path": str(ROOT / ".pgflow" / "census.json"),
            }
        )
        print(f"run {run.run_id}", flush=True)
        await follow(run, process)
        output = await run.result(timeout=5)
    return output["report"]


async def order_too_much(dsn: str, process: subprocess.Popen[bytes]) -> str:
    """An order that somebody has to approve, and that fails once it is paid; the id of its run.

    What its failure starts has ended too: the refund, the articles put back, the customer told.
    """
    from generated.client import AsyncClient

    async with AsyncClient.connect(dsn) as client:
        run = await client.start_order_fulfilment(
            {"order_id": "D-1", "lines": [{"sku": "apple", "quantity": 30}], "unit_prices": {"apple": 5000}}
        )
        await run.step("approval").wait_for("started", timeout=60)
        await client.send_order_fulfilment_approval("D-1", {"approved": True, "by": "the demo"})
        print(f"run {run.run_id}: {await run.wait_for('failed', timeout=60)}", flush=True)
        began = time.monotonic()
        while not any(found.kind == "end" and found.is_final for found in await run.companions()):
            if process.poll() is not None or time.monotonic() - began > 60:
                fail(f"what follows the end of {run.run_id} has not ended:\n{WORKER_LOG.read_text()}")
            await asyncio.sleep(0.1)
    return str(run.run_id)


async def follow(run: AsyncStdlibCensusRun, process: subprocess.Popen[bytes]) -> None:
    """Show the run's progress until it ends: on one line in a terminal, else a line for each larger step."""
    began = time.monotonic()
    seen: object = None
    while True:
        await run.refresh()
        line = progress(run.steps)
        if sys.stdout.isatty():
            print(f"\r\033[K{time.monotonic() - began:6.1f} s  {line}", end="", flush=True)
        elif seen != (seen := milestone(run.steps)):
            print(f"{time.monotonic() - began:6.1f} s  {line}", flush=True)
        if run.status != "started":
            break
        if process.poll() is not None:
            fail(f"the worker ended with {process.returncode}:\n{WORKER_LOG.read_text()}")
        await asyncio.sleep(0.1 if sys.stdout.isatty() else 0.5)
    if sys.stdout.isatty():
        print()


def milestone(steps: Mapping[str, StepSnapshot]) -> tuple[int, int]:
    """Steps done, and the quarters of the map: what is worth a line in a log."""
    parse = steps["parse"]
    quarters = 4 * parse.completed_tasks // parse.initial_tasks if parse.initial_tasks else 0
    return sum(step.is_final for step in steps.values()), quarters


def progress(steps: Mapping[str, StepSnapshot]) -> str:
    """Steps done, and how far the map is."""
    done = sum(step.is_final for step in steps.values())
    line = f"steps {done}/{len(steps)}"
    parse = steps["parse"]
    if parse.initial_tasks:
        filled = BAR * parse.completed_tasks // parse.initial_tasks
        bar = "#" * filled + "." * (BAR - filled)
        line += f"  parse [{bar}] {parse.completed_tasks}/{parse.initial_tasks}"
    working = [slug for slug, step in steps.items() if step.status == "started"]
    return f"{line}  {', '.join(working)}".rstrip()


def show(report: Report) -> None:
    """Print the census as a person reads it."""
    totals = report["totals"]
    announce("the census")
    print(
        f"{totals['files']:,} files, {totals['lines']:,} lines, {totals['functions']:,} functions, "
        f"{totals['classes']:,} classes; {totals['unparsable']} files do not parse"
    )
    print("\nlargest modules")
    for module in report["largest"]:
        path = os.path.relpath(module["path"], report["directory"])
        print(f"  {module['lines']:>7,}  {path}")
    print("\nmost imported")
    for imported in report["most_imported"]:
        print(f"  {imported['modules']:>7,}  {imported['name']}")


if __name__ == "__main__":
    main()
