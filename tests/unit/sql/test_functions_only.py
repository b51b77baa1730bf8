"""Workers, clients and commands reach the core's tables through functions, so that roles can close them.

Views are open to the client's role. The doctor looks at what an administrator sees: tables, settings and
sessions; what a role may not see it reports as unseen.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pgflow_runtime.migrate.roles import CALLERS, CLIENT, OPERATOR, WORKER
from pgflow_sql.surface import callable_by, surface

RUNTIME = Path(__file__).resolve().parents[3] / "runtime" / "pgflow_runtime"
VIEWS = "|".join(entry.name for entry in surface() if entry.kind == "view")
TABLE = re.compile(
    rf"\b(?:from|join|into|update|truncate)\s+pgflow\.(?!(?:{VIEWS})\b)\w+\b(?!\s*\()", re.IGNORECASE
)
CALL = re.compile(r"\bpgflow\.(\w+)\s*\(")
SOURCES = {
    path.relative_to(RUNTIME).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(RUNTIME.rglob("*.py"))
    if not {"migrate", "doctor"} & set(path.relative_to(RUNTIME).parts)
}


def test_the_pattern_tells_tables_from_functions() -> None:
    assert TABLE.search("select 1 from pgflow.runs where true")
    assert TABLE.search("select * from pgflow.start_flow('f')") is None
    assert TABLE.search("select * from pgflow.run_overview where true") is None


def test_no_table_is_named() -> None:
    assert {name: found[0] for name, text in SOURCES.items() if (found := TABLE.search(text))} == {}


@pytest.mark.parametrize(
    ("roles", "names"),
    [
        ((WORKER,), ("worker/protocol/statements.py",)),
        ((CLIENT, OPERATOR), ("database/queries.py",)),  # an operator is a client
    ],
)
def test_every_function_that_is_called_may_be_called(roles: tuple[str, ...], names: tuple[str, ...]) -> None:
    called = {function for name in names for function in CALL.findall(SOURCES[name])}
    assert called
    assert called - {name for role in roles for name in callable_by(CALLERS[role])} == set()
