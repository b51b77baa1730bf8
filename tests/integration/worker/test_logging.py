"""What a worker's log shows beside programs that have ideas of their own about logging."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import Server
from tests.support.terminal import Terminal, plain
from tests.support.worker_lab import Lab, WorkerProcess, make_project

TALK = """
import logging
import logging.config
import os
import warnings

from pgflow_runtime import Context, Flow

if os.environ.get("AT_IMPORT") == "dict":
    logging.config.dictConfig({"version": 1, "root": {"level": "WARNING"}})
if os.environ.get("AT_IMPORT") == "file":
    logging.config.fileConfig("old.ini")
logger = logging.getLogger(__name__)
logger.info("imported")

talk = Flow[str]("talk", max_attempts=1)


@talk.step
def say(flow_input: str, ctx: Context) -> str:
    if flow_input == "configure":
        logging.config.dictConfig({"version": 1})
    logger.info("own %s", flow_input)
    logger.debug("too much detail")
    logging.getLogger("somebody.else").info("not asked for")
    ctx.log.info("with ids")
    if flow_input == "warn":
        warnings.warn("of Python's", stacklevel=1)
    if flow_input == "fail":
        raise ValueError("broken")
    return flow_input
"""

INI = """
[loggers]
keys = root
[handlers]
keys =
[formatters]
keys =
[logger_root]
handlers =
level = WARNING
"""

TOML = """
[root]
level = "INFO"
handlers = ["file"]
[handlers.file]
class = "logging.FileHandler"
filename = "worker.jsonl"
formatter = "json"
[formatters.json]
"()" = "pgflow_runtime.worker.logs.JsonFormatter"
"""


@pytest.fixture(scope="module")
def lab(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("talk")
    source = folder / "talk.py"
    source.write_text(TALK, encoding="utf-8")
    project = make_project(folder / "project", "talk", source)
    project.write("old.ini", INI)
    dsn = postgres_server.create_database()
    project.ok("migrate", "--dsn", dsn)
    yield Lab(project, dsn, folder, "talk")
    postgres_server.drop_database(dsn)


def launched(lab: Lab, environment: dict[str, str] | None = None, **options: str) -> WorkerProcess:
    return WorkerProcess.launch(lab, ["talk"], options, environment=environment)


def words(worker: WorkerProcess, lab: Lab, value: str = "hello") -> str:
    """The log after a run that completed."""
    try:
        worker.until_serving()
        lab.completed(lab.start("talk", value))
        worker.until_logged("completed in")
        assert worker.stop() == 0
        return worker.log
    finally:
        worker.clear_away()


@pytest.mark.parametrize("processes", ["1", "2"])
@pytest.mark.parametrize("way", ["dict", "file"])
def test_a_module_that_configures_logging_does_not_silence_the_worker(
    lab: Lab, way: str, processes: str
) -> None:
    log = words(launched(lab, {"AT_IMPORT": way}, processes=processes), lab)
    for text in ("serving talk", "with ids  flow=talk", "completed in", "stopped talk"):
        assert text in log


def test_a_handler_that_configures_logging_does_not_silence_it_either(lab: Lab) -> None:
    log = words(launched(lab), lab, "configure")
    assert "with ids  flow=talk" in log
    assert "completed in" in log


@pytest.mark.parametrize("processes", ["1", "2"])
def test_the_projects_own_loggers_are_shown_at_the_workers_level(lab: Lab, processes: str) -> None:
    log = words(launched(lab, processes=processes), lab)
    assert "INFO    imported" in log
    assert "INFO    own hello" in log
    assert "detail" not in log
    assert "not asked for" not in log
    assert "DEBUG   too much detail" in words(launched(lab, log_level="debug"), lab)
    quiet = words(launched(lab, log_format="json", log_level="info"), lab)
    events = [json.loads(line) for line in quiet.splitlines()]
    assert ("flows.talk", "own hello") in [(event["logger"], event["message"]) for event in events]


@pytest.mark.parametrize("way", ["", "dict"])
def test_warnings_of_python_are_lines_of_the_log(lab: Lab, way: str) -> None:
    log = words(launched(lab, {"AT_IMPORT": way}, log_format="json"), lab, "warn")
    (event,) = [event for event in map(json.loads, log.splitlines()) if event["logger"] == "py.warnings"]
    assert "UserWarning: of Python's" in event["message"]
    assert not event["message"].endswith("\n")


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_file_says_where_all_lines_go(lab: Lab, processes: str) -> None:
    lab.project.write("logging.toml", TOML)
    target = lab.project.root / "worker.jsonl"
    target.unlink(missing_ok=True)
    worker = launched(lab, log_config="logging.toml", processes=processes)
    try:
        lab.completed(lab.start("talk", "hello"))
        worker.signal()
        assert worker.exit_code() == 0
    finally:
        worker.clear_away()
    events = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert {"imported", "serving talk", "own hello", "with ids", "stopped talk"} <= {
        event["message"].partition(" as ")[0] for event in events
    }
    assert "serving" not in worker.log


def test_a_file_may_leave_the_workers_lines_alone(lab: Lab) -> None:
    lab.project.write("logging.json", json.dumps({"loggers": {"flows": {"level": "ERROR"}}}))
    log = words(launched(lab, log_config="logging.json"), lab)
    assert "serving talk" in log
    assert "own hello" not in log


BAD = {
    "missing.toml": (None, "missing.toml cannot be read: No such file or directory"),
    "bad.toml": ("[root", "bad.toml is not TOML: "),
    "bad.json": ("{", "bad.json is not JSON: "),
    "list.json": ("[]", "list.json holds no table"),
    "odd.toml": ('[root]\nhandlers = ["nowhere"]\n', "odd.toml: Unable to configure root logger"),
    "class.toml": (
        '[handlers.x]\nclass = "no.such.Handler"\n',
        "class.toml: Unable to configure handler 'x'",
    ),
}


@pytest.mark.parametrize("format", ["text", "json"])
@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_used_is_refused_with_a_sentence(lab: Lab, name: str, format: str) -> None:
    text, message = BAD[name]
    if text is not None:
        lab.project.write(name, text)
    options = ("--log-config", name, "--log-format", format, "--dsn", lab.dsn)
    done = lab.project.run("worker", "flows.talk:talk", *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert "the dictionary of logging.config" in done.stderr


def test_a_traceback_keeps_its_lines_on_a_terminal_and_is_one_line_elsewhere(lab: Lab) -> None:
    worker = launched(lab).until_serving()
    try:
        lab.ended(lab.start("talk", "fail"))
        worker.until_logged("failed after")
        (line,) = [line for line in worker.log.splitlines() if "failed after" in line]
        assert "ValueError: broken\\n  File " in line
        assert worker.stop() == 0
    finally:
        worker.clear_away()
    terminal = Terminal(lab.project.root, "worker", "flows.talk:talk", "--dsn", lab.dsn, columns=200)
    lab.ended(lab.start("talk", "fail"))
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.exit_code() == 0
    lines = plain(terminal.written).splitlines()
    at = next(n for n, line in enumerate(lines) if "failed after" in line)
    assert "ValueError: broken  flow=talk" in lines[at]
    assert lines[at + 1].startswith("  File ")
    assert lines[at + 2].strip() == 'raise ValueError("broken")'


def test_the_folder_of_a_file_is_the_working_directory(lab: Lab, tmp_path: Path) -> None:
    other = tmp_path / "there.json"
    other.write_bytes(b"\xef\xbb\xbf" + json.dumps({"loggers": {}}).encode())
    assert "serving talk" in words(launched(lab, log_config=str(other)), lab)
