"""The hooks, run by the real pre-commit program in a scratch git repository.

pre-commit would install the hook's environment from the network, so the hook is taken from a copy of this
repository's definition with ``language: system``; everything else is as users have it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.test_newcomer import FLOW
from tests.support.project import REPOSITORY, Project, clean_environment


def git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *identity, *arguments],
        cwd=root,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository that offers our hooks, run by the interpreter of the tests."""
    root = tmp_path_factory.mktemp("hooks")
    definition = (REPOSITORY / ".pre-commit-hooks.yaml").read_text()
    definition = definition.replace("language: python", "language: system")
    definition = definition.replace("entry: pgflow-gen", f"entry: {sys.executable} -m pgflow_gen")
    (root / ".pre-commit-hooks.yaml").write_text(definition)
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "hooks")
    return root


@pytest.fixture
def project(tmp_path: Path, hooks: Path) -> Project:
    project = Project.make(
        tmp_path / "user", {"flows/order.py": FLOW, ".gitignore": "__pycache__/\n.pgflow/\n"}
    )
    git(project.root, "init", "-q")
    return project


def use(project: Project, hooks: Path, hook: str) -> None:
    revision = git(hooks, "rev-parse", "HEAD")
    project.write(
        ".pre-commit-config.yaml",
        f"repos:\n  - repo: {hooks}\n    rev: {revision}\n    hooks:\n      - id: {hook}\n",
    )


def pre_commit(project: Project, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    git(project.root, "add", "-A")
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", "run"],
        cwd=project.root,
        env=clean_environment() | {"PRE_COMMIT_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_check_refuses_stale_output_and_passes_when_built(
    project: Project, hooks: Path, tmp_path: Path
) -> None:
    use(project, hooks, "pgflow-gen-check")
    stale = pre_commit(project, tmp_path)
    assert stale.returncode == 1, stale.stdout + stale.stderr
    assert "PGF403" in stale.stdout
    project.ok("build")
    clean = pre_commit(project, tmp_path)
    assert clean.returncode == 0, clean.stdout + clean.stderr


def test_check_sees_a_deleted_generated_file(project: Project, hooks: Path, tmp_path: Path) -> None:
    use(project, hooks, "pgflow-gen-check")
    project.ok("build")
    git(project.root, "add", "-A")
    git(project.root, "commit", "-qm", "all")
    (project.root / "generated" / "client.py").unlink()
    assert pre_commit(project, tmp_path).returncode == 1


def test_check_names_the_fault_of_a_broken_flow(project: Project, hooks: Path, tmp_path: Path) -> None:
    use(project, hooks, "pgflow-gen-check")
    project.ok("build")
    project.write("flows/order.py", FLOW.replace("array=prices", "array=price"))
    done = pre_commit(project, tmp_path)
    assert done.returncode == 1
    assert "flows/order.py" in done.stdout
    assert "error[PGF" in done.stdout


def test_build_hook_rebuilds_and_stops_the_commit_once(project: Project, hooks: Path, tmp_path: Path) -> None:
    use(project, hooks, "pgflow-gen-build")
    project.ok("build")
    project.write("flows/order.py", FLOW.replace("max_attempts=3", "max_attempts=4"))
    changed = pre_commit(project, tmp_path)
    assert changed.returncode == 1, changed.stdout + changed.stderr
    assert "files were modified by this hook" in changed.stdout
    assert pre_commit(project, tmp_path).returncode == 0


def test_build_hook_stops_the_commit_for_files_that_are_new(
    project: Project, hooks: Path, tmp_path: Path
) -> None:
    use(project, hooks, "pgflow-gen-build")
    first = pre_commit(project, tmp_path)  # git knows none of the files, so pre-commit sees no change
    assert first.returncode == 1, first.stdout + first.stderr
    assert (project.root / "generated" / "client.py").is_file()
    assert pre_commit(project, tmp_path).returncode == 0


def test_hooks_never_import_the_users_code(project: Project, hooks: Path, tmp_path: Path) -> None:
    use(project, hooks, "pgflow-gen-build")
    project.write(
        "flows/order.py", f"import a_package_that_is_not_installed\n\n{FLOW}\n\nraise SystemExit(3)\n"
    )
    pre_commit(project, tmp_path)
    assert (project.root / "generated" / "client.py").is_file()
