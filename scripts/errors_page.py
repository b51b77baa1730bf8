"""Write docs/errors.md: every exception of the runtime and every SQLSTATE of the core, each with its way out.

Causes are the classes' docstrings, ways out their ``help``; what a class cannot say for all its messages is
said here. With ``--check`` nothing is written; exit code 1 and a diff when the page is out of date.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pgflow_runtime
from pgflow_runtime.errors import CoreError, PgflowError

PAGE = Path(__file__).resolve().parent.parent / "docs" / "errors.md"

WAYS_OUT: dict[str, str] = {
    "PgflowError": "catch it for everything below",
    "ProjectError": "the message names the file or the setting; it carries its way out as `help`",
    "UsageError": "the message says what may be given instead",
    "DefinitionError": "write what the message says; `pgflow-gen check` finds the same without importing",
    "ValueRefused": "change the value at `path`, or its type and `pgflow-gen build` again",
    "InvalidInput": "change the input at `path`; nothing was started",
    "BoundaryError": "let the handler return what its annotation says, or change that and build again",
    "DatabaseError": "`sqlstate` is PostgreSQL's; catch it for everything the database says",
    "MigrationChanged": "restore the file and give the changed flow a new version; in a database for"
    " development, `pgflow-gen migrate --development`",
    "MigrationFailed": "the message names file, line and reason; repair that and migrate again",
    "ShapeMismatch": "deploy code and migration together: `pgflow-gen build`, `pgflow-gen migrate`; a changed"
    " flow is a new version",
    "CoreError": "catch it for everything the core refuses",
    "CoreRefused": "the message says which value and why",
    "StaleFence": "nothing: another worker has the task. If it happens often, handlers run longer than their"
    " step's timeout",
    "ArrayLengthsDiffer": "pass arrays with one element per task or run",
    "DuplicateDependency": "list each dependency once",
    "CascadeLimit": "chain at most fifty maps without a single step between them",
    "WorkerNotRegistered": "call `pgflow.register_worker` first (workers do, and do it again by themselves)",
    "WrongFlow": "ask for the run by its own flow's method",
    "RunFailed": "see `step_slug`, `task_index` and `error_message`; once the cause is gone, retry it:"
    " `run.retry()`, or `pgflow-gen runs retry`",
    "RunCancelled": "`reason` is what the canceller said; a cancelled run can be retried",
    "StepSkipped": 'wait for `"skipped"` too where a step has a condition or may be skipped',
    "WaitTimeout": "wait longer with `timeout=`, and check that a worker of this flow runs; the run goes on",
    "ClientClosed": "keep the client open while runs are waited for",
    "TaskCancelled": "let it out of the handler: the task counts no more",
    "NotReached": "start the cluster, or name the right one (`--dask-scheduler`, `--ray-address`); each node"
    " needs the worker's release of this package",
    "NonRetryable": "raised by handlers, to fail a task without a retry",
    "RetryAfter": "raised by handlers, to have a task retried after so many seconds",
    "LostElsewhere": "the message says how it ended; where memory ran out, let fewer run at a time",
    "CannotStart": "the message has the reason of the last attempt; repair that and start the worker again",
}
"""For classes without a ``help`` of their own, by name."""

HEAD = """\
# Errors

Everything the runtime raises is a `PgflowError`, with the way out as `help`; commands print both and end with
exit code 1, or 2 for wrong usage. What the SQL core itself refuses carries an SQLSTATE of class `PF`, for
callers in SQL, and arrives as one exception class each. What the compiler finds is in
[diagnostics.md](diagnostics.md). This page is made by `scripts/errors_page.py` from the classes.
"""

SQL_HEAD = """
## SQLSTATEs of the core

| SQLSTATE | exception | what happened | way out |
|---|---|---|---|
"""

PYTHON_HEAD = """
## Exceptions

Indented below the class they derive from; import them from the module named.

| exception | module | what happened | way out |
|---|---|---|---|
"""


def classes(kind: type[PgflowError] = PgflowError, depth: int = 0) -> Iterator[tuple[int, type[PgflowError]]]:
    """A class and all that derive from it, each after its base, with how deep it stands."""
    yield depth, kind
    for derived in sorted(kind.__subclasses__(), key=lambda found: found.__name__):
        yield from classes(derived, depth + 1)


def import_everything() -> None:
    """Classes are found by their base, so every module has to be there."""
    for module in pkgutil.walk_packages(pgflow_runtime.__path__, "pgflow_runtime."):
        importlib.import_module(module.name)


def page() -> str:
    """The whole page. Raises KeyError for a class without a way out."""
    import_everything()
    known = list(classes())
    states = sorted(
        (str(kind.sqlstate), kind)
        for _, kind in known
        if issubclass(kind, CoreError) and kind is not CoreError
    )
    sql = "".join(
        f"| `{state}` | `{kind.__name__}` | {cause(kind)} | {way_out(kind)} |\n" for state, kind in states
    )
    rows = "".join(
        f"| {'&nbsp;&nbsp;' * depth}`{kind.__name__}` | `{kind.__module__}`"
        f" | {cause(kind)} | {way_out(kind)} |\n"
        for depth, kind in known
        if not issubclass(kind, CoreError) or kind is CoreError
    )
    return HEAD + SQL_HEAD + sql + PYTHON_HEAD + rows


def cause(kind: type[PgflowError]) -> str:
    """The first paragraph of the docstring, as Markdown in one line."""
    text = " ".join((kind.__doc__ or "").strip().split("\n\n")[0].split())
    assert text, f"{kind.__name__} has no docstring"
    return cell(re.sub("``", "`", text))


def way_out(kind: type[PgflowError]) -> str:
    """What to do about it."""
    found = WAYS_OUT.get(kind.__name__) or kind.help
    if found is None:
        raise KeyError(f"{kind.__name__} has no help, and no way out in {Path(__file__).name}")
    return cell(found)


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def main() -> int:
    parser = argparse.ArgumentParser(description="Write docs/errors.md from the classes.")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 with a diff")
    options = parser.parse_args()
    wanted = page()
    if not options.check:
        PAGE.write_text(wanted, encoding="utf-8", newline="\n")
        return 0
    found = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    difference = difflib.unified_diff(
        found.splitlines(keepends=True), wanted.splitlines(keepends=True), str(PAGE), "the classes"
    )
    sys.stdout.writelines(difference)
    return int(found != wanted)


if __name__ == "__main__":
    sys.exit(main())
