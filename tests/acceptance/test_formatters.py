"""Formatters and the hooks of pre-commit leave generated files alone; else they and `build` write in turn."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.support.project import Project

GOLDEN = Path(__file__).parents[1] / "golden"
STYLES = ("plain", "supabase", "dbmate", "alembic", "django")
FLOW = """\
from typing import NotRequired, TypedDict

from pgflow_runtime import Flow

Odd = TypedDict("Odd", {"a-b": NotRequired[int], "über": "list[str]"})


class In(TypedDict):
    \"\"\"What is sent.

    Trailing:   \"\"\"

    zip: str
    city: Odd


flow = Flow[In]("a_flow_with_a_long_name")


@flow.step
def a_step_with_a_rather_long_name(flow_input: In) -> list[str]:
    return [flow_input["zip"]]


@flow.map(array=a_step_with_a_rather_long_name, if_={"a_step_with_a_rather_long_name": ["'\\"é"]})
def another(item: str) -> str:
    return item
"""
Files = Sequence[str]
HOOKS: dict[str, Callable[[Files, Files], list[str]]] = {
    "ruff format": lambda python, _: ["ruff", "format", "--isolated", "--no-cache", *python],
    "ruff check": lambda python, _: ["ruff", "check", "--isolated", "--no-cache", "--fix", *python],
    # What it says with all rules is a matter of taste (copyright notices); what it rewrites is not.
    "ruff check --select ALL": lambda python, _: [
        "ruff", "check", "--isolated", "--no-cache", "--select=ALL", "--fix", "--exit-zero", "-q", *python
    ],
    "black": lambda python, _: ["black", "--quiet", *python],
    "isort": lambda python, _: ["isort", "--quiet", *python],
    "isort as black": lambda python, _: ["isort", "--quiet", "--profile", "black", *python],
    "pyupgrade": lambda python, _: ["pyupgrade", "--py311-plus", *python],
    "end-of-file-fixer": lambda _, files: ["end-of-file-fixer", *files],
    "trailing-whitespace": lambda _, files: ["trailing-whitespace-fixer", *files],
    "mixed-line-ending": lambda _, files: ["mixed-line-ending", "--fix=lf", *files],
    "pretty-format-json": lambda _, files: ["pretty-format-json", *_json(files)],
    "pretty-format-json --autofix": lambda _, files: ["pretty-format-json", "--autofix", *_json(files)],
}  # fmt: skip


def _json(files: Files) -> list[str]:
    return [file for file in files if file.endswith(".json")]


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the golden flows become, and a project in each style of migrations."""
    root = tmp_path_factory.mktemp("generated")
    for case in sorted(GOLDEN.glob("*/expected")):
        for file in case.rglob("*"):
            if file.is_file():
                target = root / case.parent.name / file.relative_to(case)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.read_bytes())
    for style in STYLES:
        project = Project.make(root / f"style_{style}", {"flows/crawl.py": FLOW}, f'style = "{style}"\n')
        project.ok("build", "--no-verify")
        (project.root / "flows" / "crawl.py").unlink()
        (project.root / "pyproject.toml").unlink()
    return root


@pytest.mark.parametrize("hook", HOOKS)
def test_generated_files_stay_as_they_are(generated: Path, hook: str) -> None:
    files = sorted(
        str(file)
        for file in generated.rglob("*")
        if file.is_file() and file.stat().st_size and ".pgflow" not in file.parts
    )
    before = {file: Path(file).read_bytes() for file in files}
    command = HOOKS[hook]([file for file in files if file.endswith(".py")], files)
    command[0] = str(Path(sys.executable).parent / command[0])
    done = subprocess.run(command, cwd=generated, capture_output=True, text=True, check=False)
    changed = [file for file in files if Path(file).read_bytes() != before[file]]
    for file in changed:
        Path(file).write_bytes(before[file])
    assert not changed, f"{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
