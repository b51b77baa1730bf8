"""Two distributions: the lean one runs flows with what it depends on alone, and says what it leaves out."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import psycopg
import pytest

from tests.acceptance.conftest import LeanEnvironment
from tests.support.background import background
from tests.support.distributions import dependencies, size_of
from tests.support.project import REPOSITORY, clean_environment

MOST_BYTES = 75_000_000
OWN = {"pgflow_command", "pgflow_runtime", "pgflow_shared", "pgflow_sql"}
MODULES = {"psycopg": {"psycopg", "psycopg_pool"}}
"""What a dependency is imported as, where that is not its name."""
OPTIONAL = {
    "pgflow_runtime/client/records.py": {"typing_extensions"},
    "pgflow_runtime/dashboard/": {"h11", "jinja2", "markupsafe", "starlette", "uvicorn"},
    "pgflow_runtime/dsl/jsontypes.py": {"typing_extensions"},
    "pgflow_runtime/supabase/": {"httpx", "postgrest", "realtime", "supabase"},
    "pgflow_runtime/terminal/rich_view.py": {"rich"},
    "pgflow_runtime/testing/plugin.py": {"pytest"},
    "pgflow_runtime/worker/executors/dask_cluster.py": {"distributed"},
    "pgflow_runtime/worker/executors/on_dask.py": {"distributed"},
    "pgflow_runtime/worker/executors/on_ray.py": {"ray"},
}
"""What else the top of which modules may import: they are imported only where that is installed."""
LAZY = {
    "pgflow_runtime/database/embedded/postgres.py": {"psutil"},
    "pgflow_runtime/dsl/supabase.py": {"httpx", "supabase"},
    "pgflow_runtime/telemetry.py": {"opentelemetry"},
    "pgflow_runtime/worker/monitoring/otel_metrics.py": {"opentelemetry"},
    "pgflow_runtime/terminal/live_view.py": {"rich"},
}
"""What a function there imports when it is called, or a type checker: never the module itself."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An example's project, as it is built and committed."""
    ignore = shutil.ignore_patterns("__pycache__", ".pgflow")
    shutil.copytree(REPOSITORY / "examples" / "script", tmp_path, ignore=ignore, dirs_exist_ok=True)
    return tmp_path


def run(lean: LeanEnvironment, folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    environment = clean_environment() | {"PATH": os.defpath} | env
    done = subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_the_lean_one_runs_a_flow_with_worker_and_client_in_a_small_environment(
    lean: LeanEnvironment, project: Path, bare_database_dsn: str
) -> None:
    dsn = {"PGFLOW_DSN": bare_database_dsn}
    assert run(lean, project, lean.command, "migrate", **dsn).returncode == 0
    with background(
        [lean.command, "worker", "flows.sales:sales"],
        cwd=project,
        environment=clean_environment() | dsn,
        log=project / "worker.log",
        ready="serving sales",
    ):
        printed = run(lean, project, lean.python, "report.py", **dsn)
        started = run(lean, project, lean.command, "runs", "list", "--json", **dsn)
    assert printed.stdout == "2026-11-22: 65.40 in all, most of it in the south\n", printed.stderr
    assert [row["status"] for row in json.loads(started.stdout)] == ["completed"]
    assert size_of(lean.folder) <= MOST_BYTES


def test_without_a_server_of_its_own_it_asks_for_one(lean: LeanEnvironment, project: Path) -> None:
    for arguments in (["worker", "flows.sales:sales"], ["migrate"], ["doctor"], ["migrate", "--adopt-data"]):
        done = run(lean, project, lean.command, *arguments)
        assert done.returncode == 2, done.stderr
        assert "no database is named, and the embedded server is not installed" in done.stderr
        assert "--dsn or PGFLOW_DSN" in done.stderr


@pytest.mark.parametrize(
    "name", ["init", "build", "release", "check", "compile", "graph", "explain", "config-schema", "dev"]
)
def test_a_command_of_the_compiler_says_in_one_line_what_to_install(
    lean: LeanEnvironment, project: Path, name: str
) -> None:
    done = run(lean, project, lean.command, name, "--anything")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Error: {name!r}")
    assert line.endswith("pip uninstall pgflow-runtime && pip install pgflow-gen")


def test_the_lean_one_lists_its_commands_and_names_itself(lean: LeanEnvironment, project: Path) -> None:
    help = run(lean, project, lean.command, "--help").stdout
    assert "\n  worker " in help
    assert "\n  build " not in help
    assert "With pgflow-gen in the place of pgflow-runtime also: init, build," in " ".join(help.split())
    version = run(lean, project, lean.command, "--version").stdout
    assert version == f"pgflow-runtime {_table(REPOSITORY)['version']}\n"
    near = run(lean, project, lean.command, "workr")
    assert "Did you mean 'worker'?" in near.stderr


def test_an_extra_is_asked_for_by_the_name_of_the_lean_one(lean: LeanEnvironment, project: Path) -> None:
    done = run(lean, project, lean.command, "dashboard", "--dsn", "host=nowhere")
    assert "pip install 'pgflow-runtime[dashboard]'" in done.stderr


def test_every_module_of_the_lean_wheel_can_be_imported_but_those_of_extras(lean: LeanEnvironment) -> None:
    names = [name.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for name in sources(lean)]
    program = (
        "import importlib, json, sys\n"
        "absent = {}\n"
        "for name in json.load(sys.stdin):\n"
        "    try:\n"
        "        importlib.import_module(name)\n"
        "    except ModuleNotFoundError as error:\n"
        "        absent[name] = error.name\n"
        "print(json.dumps(absent))\n"
    )
    names = [name for name in names if not name.endswith(("__main__", "start_child"))]
    done = subprocess.run(
        [lean.python, "-c", program], input=json.dumps(names), capture_output=True, text=True, check=True
    )
    extras = tuple(path.removesuffix(".py").rstrip("/").replace("/", ".") for path in OPTIONAL)
    absent = json.loads(done.stdout)
    assert {name: missing for name, missing in absent.items() if not name.startswith(extras)} == {}
    assert set(absent.values()) <= set().union(*OPTIONAL.values())
    assert absent["pgflow_runtime.terminal.rich_view"] == "rich"


def test_no_module_of_the_lean_wheel_imports_what_it_does_not_depend_on(lean: LeanEnvironment) -> None:
    needs = [need.name.replace("-", "_") for need in dependencies(lean.wheel)]
    allowed = OWN.union(*(MODULES.get(name, {name}) for name in needs), sys.stdlib_module_names)
    faults = []
    for path, text in sources(lean).items():
        optional = set().union(*(names for prefix, names in OPTIONAL.items() if path.startswith(prefix)))
        for name, is_at_top in imports(ast.parse(text)):
            known = allowed | optional | (set() if is_at_top else LAZY.get(path, set()))
            if name not in known:
                faults.append(f"{path} imports {name}")
    assert faults == []


def sources(lean: LeanEnvironment) -> dict[str, str]:
    with ZipFile(lean.wheel) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".py")}


def imports(tree: ast.AST, is_at_top: bool = True) -> Iterator[tuple[str, bool]]:
    """The top-level names of what is imported, and whether that happens when the module is."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], is_at_top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield (node.module or "").partition(".")[0], is_at_top
        is_later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        is_for_types = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        yield from imports(node, is_at_top and not is_later and not is_for_types)


def _table(folder: Path) -> dict[str, object]:
    document = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    table: dict[str, object] = document["project"]
    return table


def test_both_agree_about_what_they_share() -> None:
    whole, lean = _table(REPOSITORY), _table(REPOSITORY / "runtime")
    for name in ("version", "requires-python", "license", "scripts", "entry-points"):
        assert lean[name] == whole[name], name
    assert set(lean["dependencies"]) < set(whole["dependencies"])  # type: ignore[call-overload]
    extras, known = lean["optional-dependencies"], whole["optional-dependencies"]
    assert isinstance(extras, dict)
    assert isinstance(known, dict)
    for name in extras.keys() & known.keys():
        assert extras[name] == known[name]
    assert set(extras["terminal"]) <= set(whole["dependencies"])  # type: ignore[call-overload]


def test_pictures_need_the_extra_and_are_text_without_it(
    lean: LeanEnvironment, project: Path, bare_database_dsn: str
) -> None:
    """In a terminal, too, where the other distribution draws."""
    dsn = {"PGFLOW_DSN": bare_database_dsn}
    run(lean, project, lean.command, "migrate", **dsn)
    with psycopg.connect(bare_database_dsn) as connection:
        connection.execute("select pgflow.start_flow('sales', '{}')")
    command = f"{lean.command} runs list"
    done = run(lean, project, "script", "-qec", command, "/dev/null", **dsn, TERM="xterm-256color")
    assert "sales" in done.stdout
    assert "started" in done.stdout
    assert "rich" not in done.stdout
