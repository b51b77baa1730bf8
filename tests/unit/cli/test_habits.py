"""``init``, ``build --watch``, ``config-schema``, ``completion`` and the formats of ``graph``."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import stat
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from xml.etree import ElementTree

import jsonschema_rs
import pytest

from pgflow_gen.config import Config, ConfigError, load_config
from pgflow_shared.project import KEYS
from pgflow_shared.styles import NAMES
from tests.support.project import Project, clean_environment

FLOW = """\
from pgflow_runtime import Flow

crawl = Flow[list[str]]("crawl")

@crawl.array
def urls(flow_input: list[str]) -> list[str]:
    return flow_input

@crawl.map(array=urls)
def fetch(url: str) -> int:
    return len(url)

@crawl.step
def total(fetch: list[int], urls: list[str]) -> int:
    return sum(fetch) + len(urls)
"""


def files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


# init


def test_a_new_project_builds_at_once_and_its_test_passes(tmp_path: Path) -> None:
    done = Project(tmp_path).run("init", "shop")
    assert done.returncode == 0, done.stderr
    shop = Project(tmp_path / "shop")
    built = shop.run("build")
    assert built.returncode == 0, built.stderr + built.stdout
    assert "1 flow, 3 steps: no faults" in built.stderr
    tested = shop.python("-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert tested.returncode == 0, tested.stdout
    assert "4 passed" in tested.stdout
    assert ".pgflow/" in (shop.root / ".gitignore").read_text().splitlines()


def test_an_existing_project_is_added_to_and_nothing_is_lost(tmp_path: Path) -> None:
    project = (
        '# ours\r\n[project]\r\nname = "shop"  # keep me\r\nversion = "1"\r\n[tool.ruff]\r\nline-length = 99'
    )
    (tmp_path / "pyproject.toml").write_bytes(project.encode())
    (tmp_path / ".gitignore").write_bytes(b"*.log\n__pycache__")
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "greeting.py").write_text("# mine\n")
    done = Project(tmp_path).run("init")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "pyproject.toml").read_bytes().decode()
    assert text.startswith(project)
    assert "\n" not in text.replace("\r\n", "")
    tool = tomllib.loads(text)["tool"]
    assert tool["ruff"] == {"line-length": 99}
    assert tool["pgflow-gen"]["flows"] == ["flows"]
    assert (tmp_path / ".gitignore").read_bytes() == b"*.log\n__pycache__\n.pgflow/\n"
    assert (tmp_path / "flows" / "greeting.py").read_text() == "# mine\n"
    assert "kept flows/greeting.py" in done.stderr


def test_a_second_init_changes_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.run("init")
    first = files(tmp_path)
    done = project.run("init")
    assert done.returncode == 0
    assert files(tmp_path) == first
    assert done.stderr.count("kept ") == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[broken", "is not valid TOML"),
        ("tool = {ruff = {line-length = 99}}\n", "cannot be added"),
    ],
)
def test_a_pyproject_that_cannot_be_added_to_is_left_alone(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    done = Project(tmp_path).run("init")
    assert done.returncode == 2
    assert message in done.stderr
    assert files(tmp_path) == {"pyproject.toml": text.encode()}


# build --watch


class Watcher:
    """A running ``build --watch``, its stderr line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.put(line)
        self.lines.put(None)

    def until(self, text: str) -> None:
        seen: list[str] = []
        while True:
            line = self.lines.get(timeout=60)
            assert line is not None, seen
            seen.append(line)
            if text in line:
                return


@contextmanager
def watching(root: Path) -> Iterator[Watcher]:
    process = subprocess.Popen(
        [sys.executable, "-m", "pgflow_gen", "build", "--watch", "--no-verify"],
        cwd=root,
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Watcher(process)
    finally:
        process.kill()
        process.wait()


def test_watch_builds_after_every_change_and_survives_every_fault(tmp_path: Path) -> None:
    project = Project.make(tmp_path, {"flows/crawl.py": FLOW})
    with watching(tmp_path) as watcher:
        watcher.until("1 flow, 3 steps: no faults")
        project.write("flows/crawl.py", FLOW.replace("def total(", "def total(("))
        watcher.until("1 error in 1 of")
        project.write("pyproject.toml", "[tool.pgflow-gen]\nflow = 1\n")
        watcher.until("unknown key 'flow'")
        project.write("pyproject.toml", "[tool.pgflow-gen]\n")
        watcher.until("1 error in 1 of")
        project.write("flows/crawl.py", FLOW)
        watcher.until("1 flow, 3 steps: no faults")
        project.write("flows/second.py", FLOW.replace("crawl", "again"))
        watcher.until("created generated/again.py")
        watcher.until("2 flows, 6 steps: no faults")
        watcher.process.send_signal(signal.SIGINT)
        watcher.until("Watched.")
        assert watcher.process.wait(timeout=60) == 0


@pytest.mark.parametrize("option", ["--check", "--diff", "--renumber"])
def test_watch_goes_with_no_other_mode(tmp_path: Path, option: str) -> None:
    done = Project.make(tmp_path, {"flows/crawl.py": FLOW}).run("build", "--watch", option)
    assert done.returncode == 2
    assert "--watch builds" in done.stderr


def test_watch_looks_behind_links_to_folders(tmp_path: Path) -> None:
    project = Project.make(tmp_path, {"flows/crawl.py": FLOW, ".elsewhere/second.py": ""})
    (tmp_path / "flows" / "linked").symlink_to(tmp_path / ".elsewhere")
    with watching(tmp_path) as watcher:
        watcher.until("1 flow, 3 steps: no faults")
        project.write(".elsewhere/second.py", FLOW.replace("crawl", "again"))
        watcher.until("2 flows, 6 steps: no faults")


# config-schema


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    done = Project(tmp_path_factory.mktemp("anywhere")).run("config-schema")
    assert done.returncode == 0
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_the_schema_knows_the_keys_styles_and_defaults_of_the_configuration(
    schema: dict[str, object],
) -> None:
    properties = schema["properties"]
    assert isinstance(properties, dict)
    assert tuple(properties) == KEYS
    assert tuple(properties["style"]["enum"]) == NAMES
    defaults = {item.name: item.default for item in fields(Config)}
    for key, described in properties.items():
        if "default" in described:
            default = described["default"]
            assert (tuple(default) if isinstance(default, list) else default) == defaults[key]


@pytest.mark.parametrize(
    "text",
    [
        "",
        'flows = ["flows/*.py"]\nsrc = ["."]\nout = "made"\nmigrations = "sql"\nstyle = "django"',
        'flows = "flows"',
        "flows = []",
        "flows = [1]",
        'flows = [""]',
        "src = {}",
        "out = 1",
        'out = ""',
        "migrations = []",
        'style = "other"',
        "unknown = 1",
    ],
)
def test_schema_and_compiler_refuse_the_same(tmp_path: Path, schema: dict[str, object], text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.pgflow-gen]\n{text}\n")
    try:
        load_config(tmp_path)
        accepted = True
    except ConfigError:
        accepted = False
    assert jsonschema_rs.Draft7Validator(schema).is_valid(tomllib.loads(text)) == accepted


# completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_ask_the_command_itself(tmp_path: Path, shell: str) -> None:
    done = Project(tmp_path).run("completion", shell)
    assert done.returncode == 0
    assert f"_PGFLOW_GEN_COMPLETE={shell}_complete" in done.stdout


def test_commands_and_options_are_completed(tmp_path: Path) -> None:
    def completed(words: str, at: int) -> list[str]:
        environment = {"COMP_WORDS": words, "COMP_CWORD": str(at), "_PGFLOW_GEN_COMPLETE": "bash_complete"}
        done = subprocess.run(
            [sys.executable, "-m", "pgflow_gen"],
            cwd=tmp_path, env=clean_environment() | environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return [line.partition(",")[2] for line in done.stdout.splitlines()]

    assert completed("pgflow-gen bu", 1) == ["build"]
    assert {"--watch", "--check"} <= {*completed("pgflow-gen build --", 2)}


# graph


def test_dot_draws_every_step_and_edge(tmp_path: Path) -> None:
    done = Project.make(tmp_path, {"flows/crawl.py": FLOW}).run("graph", "crawl", "--format", "dot")
    assert done.stdout == (
        'digraph "crawl" {\n'
        '    node [fontname="sans-serif"];\n'
        '    "urls" [shape=parallelogram];\n'
        '    "fetch" [shape=box3d];\n'
        '    "total" [shape=box];\n'
        '    "urls" -> "fetch";\n'
        '    "fetch" -> "total";\n'
        '    "urls" -> "total";\n'
        "}\n"
    )


def test_svg_without_graphviz_says_how_to_get_it(tmp_path: Path) -> None:
    project = Project.make(tmp_path, {"flows/crawl.py": FLOW})
    environment = clean_environment() | {"PATH": os.fspath(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "pgflow_gen", "graph", "crawl", "--format", "svg"],
        cwd=project.root, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "install Graphviz" in done.stderr
    assert done.stdout == ""


def test_svg_is_what_graphviz_draws(tmp_path: Path) -> None:
    """With the real program where there is one, else with one that answers like it."""
    tools = tmp_path / "tools"
    tools.mkdir()
    if shutil.which("dot") is None:
        fake = tools / "dot"
        fake.write_text(
            f"#!{sys.executable}\nimport sys\n"
            "assert sys.argv[1:] == ['-Tsvg'] and sys.stdin.read().startswith('digraph \"crawl\"')\n"
            "print('<svg xmlns=\"http://www.w3.org/2000/svg\"/>')\n"
        )
        fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    project = Project.make(tmp_path, {"flows/crawl.py": FLOW})
    environment = clean_environment()
    environment["PATH"] = f"{tools}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "pgflow_gen", "graph", "crawl", "--format", "svg"],
        cwd=project.root, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert ElementTree.fromstring(done.stdout).tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [("", 2, "-y writes without asking"), ("n\n", 1, "nothing was written"), ("y\n", 0, "wrote ")],
)
def test_install_without_a_keyboard(tmp_path: Path, answer: str, code: int, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pgflow_gen", "install", "--dir", "migrations"],
        cwd=tmp_path, env=clean_environment(), input=answer, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
    assert (tmp_path / "migrations").exists() == (code == 0)
