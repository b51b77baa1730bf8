"""Each case is a small project; ``expected`` is, byte for byte, what a build writes for it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from pgflow_gen.config import Config, load_config
from pgflow_gen.pipeline import build
from pgflow_gen.incremental.fingerprint import RECORD
from tests.support.analysis import seed_cache
from pgflow_runtime.contract import FlowContract
from pgflow_runtime.migrate.files import read_flow_migrations
from pgflow_runtime.worker.process.definition import demand_same_structure, setting_differences
from tests.support.core import Connection

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CASES = sorted(path.name for path in HERE.iterdir() if (path / "flows").is_dir() or (path / "src").is_dir())
EXPECTED = "expected"
_VERSION = re.compile(rb'"tool_version": "[^"]*"')


def project(case: str, folder: Path) -> Config:
    """The case's sources in a scratch folder."""
    shutil.copytree(
        HERE / case, folder, ignore=shutil.ignore_patterns(EXPECTED, "__pycache__"), dirs_exist_ok=True
    )
    if not (folder / "pyproject.toml").exists():
        (folder / "pyproject.toml").write_text("[tool.pgflow-gen]\n")
    return load_config(folder)


def written(config: Config) -> dict[str, bytes]:
    """Every generated file, by path; the tool's version is none of a case's business."""
    found: dict[str, bytes] = {}
    for folder in (config.root / config.out, config.root / config.migrations):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                text = _VERSION.sub(b'"tool_version": "0"', path.read_bytes())
                found[path.relative_to(config.root).as_posix()] = text
    return found


def expected(case: str) -> dict[str, bytes]:
    folder = HERE / case / EXPECTED
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def replace_expected(case: str, files: dict[str, bytes]) -> None:
    shutil.rmtree(HERE / case / EXPECTED, ignore_errors=True)
    for path, content in files.items():
        place = HERE / case / EXPECTED / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


@pytest.fixture(scope="session")
def mypy_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy")


@pytest.mark.parametrize("case", CASES)
def test_a_build_writes_what_is_expected(
    case: str, tmp_path: Path, regenerate: bool, mypy_cache: Path
) -> None:
    config = project(case, tmp_path / "project")
    if any(mypy_cache.iterdir()):
        seed_cache(config.root, mypy_cache)
    report = build(config)
    assert [f"{item.span}: {item.message} {item.notes}" for item in report.diagnostics] == []
    shutil.copytree(config.root / ".pgflow/cache/mypy", mypy_cache, dirs_exist_ok=True)
    files = written(config)
    if regenerate:
        replace_expected(case, files)
    wanted = expected(case)
    assert sorted(files) == sorted(wanted), "run `pytest tests/golden --regenerate` and read the diff"
    for path, content in files.items():
        assert content.decode() == wanted[path].decode(), path
    (config.root / RECORD).unlink()  # or nothing would be read again
    again = build(config, mode="check")
    assert again.plan is not None
    assert again.plan.is_clean
    assert again.diagnostics == ()


@pytest.mark.parametrize("case", ["types", "modules", "hostile"])
def test_the_same_bytes_under_any_hash_seed_and_from_any_folder(case: str, tmp_path: Path) -> None:
    for number, (seed, start) in enumerate((("0", "."), ("1", "flows"), ("4711", "a/b"))):
        config = project(case, tmp_path / str(number))
        start_folder = config.root / start
        start_folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [sys.executable, "-m", "pgflow_gen", "build", "--no-verify"],
            cwd=start_folder,
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        )
        assert written(config) == expected(case)


def test_the_same_bytes_wherever_flows_are_read_first(tmp_path: Path) -> None:
    """Files made in another order: nothing rests on the order of a folder's entries."""
    case = "names"
    config = project(case, tmp_path / "project")
    flows = sorted((config.root / "flows").iterdir(), reverse=True)
    texts = [(path, path.read_bytes()) for path in flows if path.is_file()]
    for path, _ in texts:
        path.unlink()
    for path, text in texts:
        path.write_bytes(text)
    build(config, verify=False)
    assert written(config) == expected(case)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated code of all cases as packages side by side, without the wiring, which needs the flows."""
    root = tmp_path_factory.mktemp("packages")
    for case in CASES:
        for path, content in expected(case).items():
            if path.endswith(".py") and not path.endswith("_typecheck.py"):
                place = root / f"case_{case}" / Path(path).name
                place.parent.mkdir(exist_ok=True)
                place.write_bytes(content)
    return root


def test_mypy_accepts_all_generated_code(packages: Path, mypy_cache: Path) -> None:
    options = ["--strict", "--python-version", "3.11", "--cache-dir", str(mypy_cache / "generated")]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "mypy", *options, "."],
        cwd=packages,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright_accepts_all_generated_code(packages: Path) -> None:
    settings = {"pythonVersion": "3.11", "typeCheckingMode": "strict"}
    (packages / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pyright", "--pythonpath", sys.executable],
        cwd=packages,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", CASES)
def test_schemas_are_schemas(case: str) -> None:
    for path, content in expected(case).items():
        if "/schemas/" in path:
            jsonschema_rs.meta.validate(json.loads(content))


@pytest.mark.parametrize("case", CASES)
def test_the_database_understands_every_migration_as_it_was_meant(
    case: str, tmp_path: Path, db: Connection
) -> None:
    config = project(case, tmp_path)
    for path, content in expected(case).items():
        place = tmp_path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    for migration in read_flow_migrations(tmp_path / config.migrations, config.style):
        db.execute(migration.script.encode())
    for schema in sorted((tmp_path / config.out / "schemas").glob("*.json")):
        told = json.loads(schema.read_bytes())["x-pgflow"]
        row = db.execute("select pgflow.get_flow_definition(%s) as it", [told["slug"]]).fetchone()
        assert row is not None
        stored: dict[str, Any] = row.it
        assert stored["structure"] == told["structure"]
        schedules = told["settings"].pop("schedules", {})
        assert schedules == told.get("schedules", {}) == _schedules(db, told["slug"])
        assert _is_within(told["settings"], stored["settings"]), (told["settings"], stored["settings"])
        contract = FlowContract.load(schema)
        demand_same_structure(contract, stored)
        assert list(setting_differences(contract, stored)) == []


def _schedules(db: Connection, slug: str) -> dict[str, Any]:
    query = "select s.schedule_slug, s.spec, s.input from pgflow.schedules s where s.flow_slug = %s"
    return {row.schedule_slug: {"spec": row.spec, "input": row.input} for row in db.execute(query, [slug])}


def _is_within(part: Any, whole: Any) -> bool:
    """Whether everything that was set is stored so; what was not set may have got a default."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and _is_within(value, whole[key]) for key, value in part.items())
    return bool(part == whole)
