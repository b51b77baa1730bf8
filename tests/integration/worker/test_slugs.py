"""Any word may be a slug: those that SQL, JSON, Python or array literals keep for themselves too."""

from __future__ import annotations

import keyword
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dashboard import running
from tests.support.project import Project
from tests.support.server import Server
from tests.support.worker_lab import Lab, make_project

OF_ARRAYS = ["null", "NULL", "Null", "nUlL"]
OF_JSON = ["true", "false", "NaN", "Infinity", "undefined", "infinity"]
OF_SQL = [
    "all", "and", "any", "array", "as", "both", "case", "check", "column", "constraint", "current_date",
    "current_user", "default", "distinct", "do", "else", "end", "except", "foreign", "from", "grant", "group",
    "having", "in", "into", "lateral", "limit", "not", "offset", "on", "only", "or", "order", "placing",
    "primary", "references", "returning", "select", "session_user", "table", "then", "to", "union", "user",
    "using", "variadic", "when", "where", "window", "with", "public", "pgmq", "pgflow", "t", "f", "meta",
]  # fmt: skip
OF_PYTHON = [*keyword.kwlist, "self", "print", "list", "str", "int", "object", "__init__", "__class__", "_"]
OF_OURS = ["steps", "runs", "status", "output", "claim", "close", "connect"]
FLOWS = ["null", "true", "NaN", "all", "user", "select", "default", "None", "lambda"]


PROGRAM = """
import os
import sys

sys.path.insert(0, os.getcwd())
from generated.client import Client

with Client.connect(sys.argv[1]) as client:
    starts = {name.removesuffix("_"): getattr(client, name) for name in dir(client) if name[:6] == "start_"}
    runs = [starts[f"start_{slug}"](1) for slug in sys.argv[2:]]
    for run in runs:
        assert run.result(60)
"""


def words() -> list[str]:
    """Words that do not lead to one class name, or one queue, together."""
    found: dict[str, str] = {}
    for word in [*OF_ARRAYS[:1], *OF_JSON, *OF_SQL, *OF_PYTHON, *OF_OURS]:
        found.setdefault(word.strip("_").lower(), word)
    return list(found.values())


def may_be_parameter(word: str) -> bool:
    return not keyword.iskeyword(word) and not word.startswith("__")


def source_of(flows: dict[str, list[str]]) -> str:
    """Flows with steps of these slugs, and others that ask for them where Python allows."""
    lines = ["from pgflow_runtime import Flow", ""]
    for number, (slug, steps) in enumerate(flows.items()):
        lines += [f'flow_{number} = Flow[int]("{slug}")', ""]
        for place, step in enumerate(steps):
            lines += [
                f'@flow_{number}.step(slug="{step}")',
                f"async def given_{number}_{place}(flow_input: int) -> int:",
                f"    return flow_input + {place}",
                "",
            ]
            if may_be_parameter(step):
                lines += [
                    f'@flow_{number}.step(slug="after_{place}")',
                    f"def after_{number}_{place}({step}: int) -> int:",
                    f"    return {step} * 2",
                    "",
                ]
    return "\n".join(lines)


def chosen() -> dict[str, list[str]]:
    """Flows named by some words, with a few as steps; and one whose steps are all words."""
    lowered = [word.lower() for word in FLOWS]
    others = [word for word in words() if word.lower() not in lowered]
    pick = random.Random(7)
    found = {slug: pick.sample(others, 3) for slug in FLOWS}
    spelled = {f"spelling_{n}": [spelling] for n, spelling in enumerate(OF_ARRAYS)}
    return found | {"everything": words()} | spelled


@pytest.fixture(scope="module")
def slug_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("slugs")
    source = root / "source.py"
    source.write_text(source_of(chosen()), encoding="utf-8")
    return make_project(root / "project", "slugs", source)


@pytest.fixture
def slug_lab(postgres_server: Server, slug_project: Project, tmp_path: Path) -> Iterator[Lab]:
    dsn = postgres_server.create_database()
    slug_project.ok("migrate", "--dsn", dsn)
    yield Lab(slug_project, dsn, tmp_path, module="slugs")
    postgres_server.drop_database(dsn)


def test_reserved_words_as_slugs_of_flows_and_steps(slug_lab: Lab) -> None:
    lab, flows = slug_lab, chosen()
    with lab.worker(*(f"flow_{n}" for n in range(len(flows)))) as worker:
        runs = {slug: lab.start(slug, 1) for slug in flows}
        for slug, run in runs.items():
            after = {
                f"after_{n}": (1 + n) * 2 for n, step in enumerate(flows[slug]) if may_be_parameter(step)
            }
            alone = {step: 1 + n for n, step in enumerate(flows[slug]) if not may_be_parameter(step)}
            assert lab.completed(run, 60) == after | alone, slug
        shown = lab.project.ok("runs", "show", runs["null"], "--dsn", lab.dsn)
        assert "null" in shown.stdout
        (lab.folder / "program.py").write_text(PROGRAM, encoding="utf-8")
        done = lab.project.python(str(lab.folder / "program.py"), lab.dsn, *FLOWS)
        assert done.returncode == 0, done.stderr
        assert worker.stop() == 0
    with running(lab.project, lab.dsn, lab.folder) as dashboard:
        for slug, run in list(runs.items())[:3]:
            dashboard.page(f"/flows/{slug}")
            dashboard.page(f"/runs/{run}")
            for step in flows[slug][:3]:
                dashboard.page(f"/runs/{run}/steps/{step}")
