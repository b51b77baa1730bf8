"""build, check, compile and graph on a small project, as processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import Project, clean_environment

CRAWL = """\
\"\"\"Crawl pages.\"\"\"
from typing import TypedDict

from pgflow_runtime import Flow


class Page(TypedDict):
    url: str
    size: int


crawl = Flow[list[str]]("crawl", timeout=60)


@crawl.map
async def fetch(url: str) -> Page:
    return {"url": url, "size": len(url)}


@crawl.step(depends_on=["fetch"])
def count(fetch: list[Page]) -> int:
    return len(fetch)
"""
WRONG = CRAWL.replace("fetch: list[Page]", "fetch: list[str]")
OTHER = """\
from pgflow_runtime import Flow

other = Flow[str]("other")


@other.step
def start(flow_input: str) -> str:
    return flow_input
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.make(tmp_path, {"flows/crawl.py": CRAWL})


def files(project: Project) -> dict[str, bytes]:
    return {
        path.relative_to(project.root).as_posix(): path.read_bytes()
        for path in sorted((project.root / "generated").rglob("*"))
        if path.is_file()
    }


def test_build_writes_tells_what_and_then_keeps_it(project: Project) -> None:
    done = project.ok("build")
    assert done.stdout == ""
    assert "created generated/crawl.py" in done.stderr
    assert done.stderr.endswith("1 flow, 2 steps: no faults\n")
    written = files(project)
    assert {"generated/crawl.py", "generated/client.py", "generated/migrations/0001_crawl.sql"} <= set(
        written
    )

    again = project.ok("build")
    assert "created" not in again.stderr
    assert "kept " in again.stderr
    assert files(project) == written
    assert project.ok("build", "--check", "--no-verify").stdout == ""


def test_build_never_imports_the_flows(project: Project) -> None:
    project.write("flows/crawl.py", CRAWL + '\n\nraise RuntimeError("imported")\n')
    project.ok("build", "--no-verify")


def test_check_says_what_is_stale_and_writes_nothing(project: Project) -> None:
    done = project.run("build", "--check", "--no-verify")
    assert done.returncode == 1
    assert "generated/crawl.py:1:1: error[PGF403]: " in done.stdout
    assert not (project.root / "generated").exists()

    project.ok("build", "--no-verify")
    project.write("flows/crawl.py", CRAWL.replace("timeout=60", "timeout=61"))
    done = project.run("build", "--check", "--no-verify")
    assert done.returncode == 1
    assert "PGF403" in done.stdout
    project.ok("build", "--no-verify")
    project.ok("build", "--check", "--no-verify")


def test_diff_is_a_unified_diff_on_stdout_and_exits_1_when_there_is_one(project: Project) -> None:
    project.ok("build", "--no-verify")
    assert project.ok("build", "--diff", "--no-verify").stdout == ""
    project.write("flows/crawl.py", CRAWL.replace("url: str\n    size", "url: str\n    bytes"))
    before = files(project)
    done = project.run("build", "--diff", "--no-verify")
    assert done.returncode == 1
    assert "--- a/generated/crawl.py\n+++ b/generated/crawl.py\n" in done.stdout
    assert "\n-    size: int\n+    bytes: int\n" in done.stdout
    assert files(project) == before


def test_with_errors_nothing_is_written_and_the_place_is_the_parameter(project: Project) -> None:
    project.write("flows/crawl.py", WRONG)
    done = project.run("build")
    assert done.returncode == 1
    line = WRONG.splitlines().index("def count(fetch: list[str]) -> int:") + 1
    assert done.stdout == (
        f"flows/crawl.py:{line}:11: error[PGF303]: step 'count' asks for fetch: list[str],"
        " but step 'fetch' returns list[Page]\n"
        f"   {line} | def count(fetch: list[str]) -> int:\n"
        "      |                  ^^^^^^^^^\n"
        f"   = note: step 'fetch' is defined at flows/crawl.py:{line - 5}\n"
        "   = help: annotate the parameter as list[Page]\n"
    )
    assert "1 error in 1 of 1 file\n" in done.stderr
    assert "pgflow-gen explain PGF303" in done.stderr
    assert not (project.root / "generated").exists()


def test_faults_of_all_files_are_told_in_one_go_by_path(project: Project) -> None:
    project.write("flows/crawl.py", WRONG)
    project.write("flows/a_syntax.py", "from pgflow_runtime import Flow\n\ndef broken(:\n")
    project.write("flows/z_empty.py", 'from pgflow_runtime import Flow\n\nempty = Flow[str]("empty")\n')
    found = json.loads(project.run("check", "--format", "json", "--no-verify").stdout)["diagnostics"]
    assert [(item["path"], item["code"]) for item in found] == [
        ("flows/a_syntax.py", "PGF101"),
        ("flows/crawl.py", "PGF303"),
        ("flows/z_empty.py", "PGF209"),
    ]


def test_a_project_without_flows_says_so(project: Project) -> None:
    project.write("flows/crawl.py", "X = 1\n")
    done = project.ok("check")
    assert done.stderr == (
        'No flow was found; one is a module-level name: crawl = Flow[Input]("crawl")\n'
        "0 flows, 0 steps: no faults\n"
    )


def test_a_process_without_stdout_ends_as_any_other(project: Project) -> None:
    project.write("flows/crawl.py", WRONG)
    done = subprocess.run(
        ["sh", "-c", f'exec "{sys.executable}" -m pgflow_gen check --no-verify >&-'],
        cwd=project.root,
        env=clean_environment(),
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("1 error in 1 of 1 file\n")


def test_check_judges_without_writing(project: Project) -> None:
    done = project.ok("check")
    assert done.stdout == ""
    assert done.stderr == "1 flow, 2 steps: no faults\n"
    assert not (project.root / "generated").exists()


def test_formats(project: Project) -> None:
    assert json.loads(project.ok("check", "--no-verify", "-f", "json").stdout) == {"diagnostics": []}
    project.write("flows/crawl.py", WRONG)
    done = project.run("check", "--no-verify", "-f", "github")
    assert done.returncode == 1
    assert done.stdout.startswith("::error file=flows/crawl.py,line=")
    assert project.run("check", "-f", "xml").returncode == 2


def test_no_colour_when_it_is_no_terminal_but_forced_when_asked(project: Project) -> None:
    project.write("flows/crawl.py", WRONG)
    assert "\x1b" not in project.run("check", "--no-verify").stdout
    done = subprocess.run(
        [sys.executable, "-m", "pgflow_gen", "check", "--no-verify"],
        cwd=project.root,
        env=clean_environment() | {"FORCE_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "\x1b[1;31merror[PGF303]\x1b[0m" in done.stdout


def test_the_project_may_be_elsewhere(project: Project, tmp_path: Path) -> None:
    inner = tmp_path / "flows"
    for arguments in (["-C", str(project.root), "check"], ["check", "-C", str(project.root)], ["check"]):
        done = subprocess.run(
            [sys.executable, "-m", "pgflow_gen", *arguments, "--no-verify"],
            cwd=inner if arguments == ["check"] else "/",
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "1 flow, 2 steps: no faults\n"), arguments


def test_compile_prints_sql_of_one_module_only(project: Project) -> None:
    project.write("flows/other.py", OTHER)
    project.write("flows/wrong.py", OTHER.replace("other", "third").replace("-> str", "-> complex"))
    done = project.ok("compile", "flows/crawl.py")
    assert "pgflow.create_flow('crawl'" in done.stdout
    assert "pgflow.add_step('crawl', 'count', array['fetch']" in done.stdout.replace("ARRAY", "array")
    assert "other" not in done.stdout
    assert not (project.root / "generated").exists()


def test_compile_with_errors_prints_no_sql(project: Project) -> None:
    project.write("flows/crawl.py", WRONG)
    done = project.run("compile", "flows/crawl.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert "PGF303" in done.stderr


def test_compile_of_what_is_no_flow_module(project: Project) -> None:
    project.write("flows/helpers.py", "X = 1\n")
    done = project.run("compile", "flows/helpers.py")
    assert done.returncode == 2
    assert "There is no flow in flows/helpers.py" in done.stderr
    assert project.run("compile", "flows/none.py").returncode == 2


def test_graph_prints_mermaid_even_when_another_flow_is_wrong(project: Project) -> None:
    project.write("flows/other.py", OTHER.replace("-> str", "-> complex"))
    text = project.ok("graph", "crawl").stdout
    assert text.startswith("flowchart")
    assert "fetch" in text
    assert "count" in text
    assert project.ok("graph", "flows.crawl:crawl").stdout == text
    wrong = project.run("graph", "other")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "PGF302" in wrong.stderr


def test_graph_of_what_undoes_a_flow_or_follows_its_end(project: Project) -> None:
    source = (Path(__file__).parents[2] / "support" / "undo_project" / "orders.py").read_text(
        encoding="utf-8"
    )
    project.write("flows/orders.py", source)
    undo = project.ok("graph", "order__undo").stdout
    assert "ship" not in undo
    assert "step_put_back_items" in undo
    assert "step_put_back_items --> step_put_back" in undo
    assert project.ok("graph", "order_v1__undo", "--format", "dot").stdout.startswith("digraph")
    assert "tell" in project.ok("graph", "order__end_tell").stdout
    assert "did you mean 'order__undo'?" in project.run("graph", "order__und").stderr


def test_graph_of_an_unknown_flow_offers_the_near_name(project: Project) -> None:
    done = project.run("graph", "crwal")
    assert done.returncode == 2
    assert "There is no flow 'crwal'" in done.stderr
    assert "did you mean 'crawl'?" in done.stderr


def test_a_folder_that_cannot_be_used_is_one_message(project: Project) -> None:
    project.write("generated", "a file, not a folder")
    done = project.run("build", "--no-verify")
    assert done.returncode == 2
    assert "generated" in done.stderr
    assert "Internal error" not in done.stderr
