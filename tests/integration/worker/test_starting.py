"""Before it takes tasks a worker checks everything, and says what to do about what it finds."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from tests.support.project import Project, clean_environment
from tests.support.wait import eventually
from tests.support.worker_lab import Lab, WorkerProcess


@pytest.fixture
def project(lab_project: Project, tmp_path: Path) -> Project:
    """A copy of the project to spoil."""
    shutil.copytree(lab_project.root, tmp_path / "copy")
    return Project(tmp_path / "copy")


def _refusal(done: subprocess.CompletedProcess[str], code: int) -> str:
    assert done.returncode == code, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("spec", "texts"),
    [
        ("flows.lab", ["'flows.lab' does not name a flow", "write MODULE:FLOW", "flows.lab:chain"]),
        ("flows.lap:chain", ["there is no module 'flows.lap'", "flows.lab:chain"]),
        ("flows.lab:chian", ["flows.lab:chian does not exist", "did you mean flows.lab:chain"]),
        ("flows.lab:touch", ["flows.lab:touch is no flow", "it has asking, chain"]),
        ("flows.broken:x", ["importing flows.broken fails: ZeroDivisionError: ", "broken.py, line 2"]),
        ("flows.lost:x", ["importing flows.lost fails: No module named 'nowhere'", "lost.py, line 1"]),
        ("flows.typo:x", ["importing flows.typo fails: SyntaxError", "typo.py, line 1"]),
        ("flows.new:fresh", ["holds no contract of flow 'fresh'", "pgflow-gen build"]),
    ],
)
def test_a_flow_that_cannot_be_had(project: Project, spec: str, texts: list[str]) -> None:
    project.write("flows/broken.py", "x = 1\ny = x / 0\n")
    project.write("flows/lost.py", "import nowhere\n")
    project.write("flows/typo.py", "def (:\n")
    project.write("flows/new.py", "from pgflow_runtime import Flow\nfresh = Flow[int]('fresh')\n")
    message = _refusal(project.run("worker", spec, "--dsn", "postgresql://localhost:1/none"), 2)
    for text in texts:
        assert text in message


def test_a_flow_named_twice(project: Project) -> None:
    done = project.run("worker", "flows.lab:chain", "flows.lab:chain", "--dsn", "host=localhost port=1")
    assert "flow 'chain' is named twice" in _refusal(done, 2)


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ("def second(", "def other(", "step 'second' (flows.lab.second) was built but is not defined"),
        ("def second(", "def other(", "step 'other' (flows.lab.other) is defined but was not built"),
        ("async def first(", "def first(", "is `def`, built as `async def`"),
        ("second(first: int)", "second(first: int, ctx: Context)", "takes (first, ctx), built with (first)"),
        ("@fan.array\n", "@fan.step\n", "step 'numbers' (flows.lab.numbers) is a step, built as array"),
    ],
)
def test_code_that_is_not_what_was_built(project: Project, before: str, after: str, text: str) -> None:
    source = (project.root / "flows/lab.py").read_text()
    assert before in source
    project.write("flows/lab.py", source.replace(before, after))
    done = project.run("worker", "flows.lab:chain", "flows.lab:fan", "--dsn", "host=localhost port=1")
    message = _refusal(done, 2)
    assert text in message
    assert "pgflow-gen build" in message


def test_a_database_nobody_listens_on_is_waited_for(project: Project, tmp_path: Path) -> None:
    nowhere = Lab(project, "postgresql://user:secret@localhost:1/none", tmp_path)
    worker = WorkerProcess.launch(nowhere, ["chain"], {})
    try:
        worker.until_logged("no connection to localhost:1, database none yet: cannot reach")
        assert worker.stop() == 0
        assert "secret" not in worker.log
    finally:
        worker.clear_away()


def test_a_database_without_the_core(project: Project, bare_database_dsn: str) -> None:
    message = _refusal(project.run("worker", "flows.lab:chain", "--dsn", bare_database_dsn), 1)
    assert "pgflow-gen migrate" in message


def test_a_start_that_failed_is_not_called_a_stop(project: Project, database_dsn: str) -> None:
    done = project.run("worker", "flows.lab:chain", "--dsn", database_dsn)
    assert done.returncode != 0
    assert "stopped" not in done.stdout + done.stderr


def test_a_database_without_the_flow(project: Project, database_dsn: str) -> None:
    message = _refusal(project.run("worker", "flows.lab:chain", "--dsn", database_dsn), 1)
    assert "flow 'chain' is not in the database" in message
    assert "pgflow-gen migrate" in message


def test_another_structure_in_the_database_is_shown_as_a_diff(lab: Lab) -> None:
    lab.sql(
        "delete from pgflow.deps where flow_slug = 'chain' and step_slug = 'third' and dep_slug = 'first'"
    )
    lab.sql("select pgflow.add_step('chain', 'more')")
    message = _refusal(lab.project.run("worker", "flows.lab:chain", "--dsn", lab.dsn), 1)
    assert "- more: single\n" in message
    assert "- third: single after second\n" in message
    assert "+ third: single after first, second\n" in message
    assert "new version" in message


def test_other_options_in_the_database_are_a_warning(lab: Lab) -> None:
    lab.sql("update pgflow.flows set opt_max_attempts = 7, opt_timeout = 99 where flow_slug = 'held'")
    lab.sql("update pgflow.steps set opt_start_delay = null where flow_slug = 'delayed'")
    with lab.worker("held", "delayed") as worker:
        log = worker.log
        assert "flow held: max_attempts is 7 in the database, 3 in the code" in log
        assert "flow held: timeout is 99 in the database, 60 in the code" in log
        assert "flow delayed: step 'late': start_delay is 0 in the database, 1 in the code" in log
        assert worker.stop() == 0


def test_no_warnings_where_nothing_differs(lab: Lab) -> None:
    with lab.worker() as worker:
        assert "WARNING" not in worker.log
        assert worker.stop() == 0


@pytest.mark.parametrize(
    ("variables", "flags", "text"),
    [
        ({"PGFLOW_MAX_CONCURRENT": "many"}, [], "PGFLOW_MAX_CONCURRENT is 'many'; it must be an integer"),
        ({}, ["--max-concurrent", "0"], "worker option max_concurrent is 0; the least is 1"),
        ({"PGFLOW_POLL_ONLY": "maybe"}, [], "PGFLOW_POLL_ONLY is 'maybe'; it must be true or false"),
        ({"PGFLOW_LOG_FORMAT": "xml"}, [], "it is one of text, json"),
    ],
)
def test_an_option_that_does_not_fit(
    project: Project, variables: dict[str, str], flags: list[str], text: str
) -> None:
    program = (
        "import os, sys; os.environ.update({}); from pgflow_gen.cli import main; sys.argv[1:] = {}; main()"
    )
    arguments = ["worker", "flows.lab:chain", "--dsn", "host=localhost port=1", *flags]
    done = project.python("-c", program.format(variables, arguments))
    assert text in _refusal(done, 2)


def test_help_names_every_option(project: Project) -> None:
    text = project.ok("worker", "--help").stdout
    for name in (
        "--max-concurrent",
        "--poll-only",
        "PGFLOW_GRACE_SECONDS",
        "--processes",
        "--dsn",
        "--generated",
    ):
        assert name in text


def test_json_log_lines(lab: Lab) -> None:
    with lab.worker("chain", log_format="json") as worker:
        run = lab.start("chain", 1)
        lab.completed(run)
        assert worker.stop() == 0
        events = [json.loads(line) for line in worker.log.splitlines()]
    (first,) = [event for event in events if event.get("step") == "first"]
    assert (first["flow"], first["run"], first["task"], first["attempt"]) == ("chain", run, 0, 1)
    assert first["message"].startswith("completed in ")
    assert (first["outcome"], first["ms"] >= 0) == ("completed", True)
    assert first["level"] == "info"


@pytest.mark.parametrize(
    ("flows", "processes", "code", "message"),
    [
        ("chain", "1", 1, "flow 'chain' has another structure in the database"),
        ("chain", "2", 1, "cannot start: flow 'chain' has another structure in the database"),
        ("chain chain", "1", 2, "flow 'chain' is named twice"),
        ("late", "1", 2, "flows.lab:late is no flow"),
    ],
)
def test_json_last_words(lab: Lab, flows: str, processes: str, code: int, message: str) -> None:
    lab.sql("select pgflow.add_step('chain', 'more')")
    names = [f"flows.lab:{name}" for name in flows.split()]
    options = ("--processes", processes, "--log-format", "json", "--dsn", lab.dsn)
    done = lab.project.run("worker", *names, *options)
    assert done.stdout == ""
    events = [json.loads(line) for line in _refusal(done, code).splitlines()]
    assert message in events[-1]["message"]
    assert (events[-1]["level"], events[-1]["logger"]) == ("error", "pgflow.worker")


LOUD = """
import logging

logging.getLogger("somebody.else").warning("a warning of %s", "theirs")
logging.getLogger("somebody.else").info("which nobody asked for")
"""


def test_json_by_a_variable_with_the_way_out_and_what_others_say(project: Project) -> None:
    def events(spec: str, **variables: str) -> list[dict[str, object]]:
        arguments = ("-m", "pgflow_gen", "worker", spec, "--dsn", "host=localhost port=1")
        done = project.python(*arguments, variables={"PGFLOW_LOG_FORMAT": "json", **variables})
        return [json.loads(line) for line in _refusal(done, 2).splitlines()]

    (refusal,) = events("flows.lab:chain", PGFLOW_MAX_CONCURRENT="many")
    assert "PGFLOW_MAX_CONCURRENT is 'many'" in str(refusal["message"])
    project.write("flows/loud.py", LOUD)
    warning, refusal = events("flows.loud:chain")
    assert (warning["level"], warning["message"]) == ("warning", "a warning of theirs")
    assert "there is no" in str(refusal["message"]) or "does not exist" in str(refusal["message"])
    (refusal,) = events("flows.lab")
    assert "write MODULE:FLOW" in f"{refusal['message']} {refusal['help']}"


def _children(parent: int) -> list[psutil.Process]:
    return list(psutil.Process(parent).children())


def test_several_processes_under_one(lab: Lab) -> None:
    with lab.worker("held", "chain", processes="2", grace_seconds="1") as worker:
        eventually(lambda: worker.log.count("serving ") == 2)
        assert len(lab.sql("select 1 from pgflow.workers where queue_name = 'held'")) == 2
        assert lab.completed(lab.start("chain", 1)) == {"third": [2, 20]}
        children = _children(worker.process.pid)
        assert len(children) == 2
        children[0].kill()
        worker.until_logged("killed by SIGKILL")
        eventually(lambda: worker.log.count("serving ") == 3)
        assert lab.completed(lab.start("chain", 2)) == {"third": [3, 30]}
        assert worker.stop() == 0
        assert not any(child.is_running() for child in children)


def test_processes_that_cannot_start_end_the_whole(lab: Lab) -> None:
    lab.sql("select pgflow.add_step('chain', 'more')")
    done = lab.project.run("worker", "flows.lab:chain", "--processes", "2", "--dsn", lab.dsn)
    message = _refusal(done, 1)
    assert "cannot start: flow 'chain' has another structure" in message


def test_processes_end_when_their_supervisor_is_killed(lab: Lab) -> None:
    with lab.worker("chain", processes="2") as worker:
        eventually(lambda: worker.log.count("serving ") == 2)
        children = _children(worker.process.pid)
        worker.signal(signal.SIGKILL)
        gone, alive = psutil.wait_procs(children, timeout=30)
        assert (len(gone), alive) == (2, [])


def test_deprecation_ends_all_processes_with_0(lab: Lab) -> None:
    with lab.worker("chain", processes="2") as worker:
        eventually(lambda: worker.log.count("serving ") == 2)
        lab.sql("select pgflow.deprecate_worker(worker_id) from pgflow.workers")
        assert worker.exit_code() == 0


def test_a_worker_from_python(lab: Lab) -> None:
    program = f"""
import asyncio
from flows.lab import chain
from pgflow_runtime import Worker

async def main():
    worker = Worker([chain], dsn={lab.dsn!r}, max_concurrent=3)
    serving = asyncio.create_task(worker.serve())
    while worker.state != "running":
        await asyncio.sleep(0.01)
    print(worker.state, flush=True)
    await asyncio.to_thread(input)
    worker.stop()
    await serving
    print(worker.state)

asyncio.run(main())
"""
    run = lab.start("chain", 5)
    process = _python(lab.project, program)
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "running\n"
    assert lab.completed(run) == {"third": [6, 60]}
    rest, errors = process.communicate("\n", timeout=30)
    assert (rest, process.returncode) == ("stopped\n", 0), errors


def test_a_cancelled_worker_gives_its_tasks_back(lab: Lab) -> None:
    program = f"""
import asyncio
from pgflow_runtime import Worker

async def main():
    worker = Worker(["flows.lab:held"], dsn={lab.dsn!r}, grace_seconds=0)
    serving = asyncio.create_task(worker.serve())
    await asyncio.to_thread(input)
    serving.cancel()
    try:
        await serving
    except asyncio.CancelledError:
        print(worker.state)

asyncio.run(main())
"""
    run = lab.start("held", {"folder": str(lab.folder), "name": "a"})
    process = _python(lab.project, program)
    lab.begun("a.begun.1")
    rest, errors = process.communicate("\n", timeout=30)
    assert (rest, process.returncode) == ("stopped\n", 0), errors
    assert (lab.task(run)["status"], lab.task(run)["attempts_count"]) == ("queued", 0)


def _python(project: Project, program: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=project.root,
        env=clean_environment(),
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
    )


def test_run_works_from_python_too(lab: Lab) -> None:
    program = f"""
from flows.lab import chain
from pgflow_runtime import Worker

if __name__ == "__main__":
    Worker([chain], dsn={lab.dsn!r}).run()
"""
    run = lab.start("chain", 5)
    process = _python(lab.project, program)
    assert lab.completed(run) == {"third": [6, 60]}
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors


def test_a_worker_tells_which_steps_read_the_input_and_only_once(lab: Lab) -> None:
    """Forks with another input ask for it; the second start has nothing to tell, nor anything to warn of."""
    told = "select step_slug, options -> 'reads_input' as reads from pgflow.steps where flow_slug = 'chain'"
    before = lab.sql(told)
    assert {row["reads"] for row in before} == {None}
    versions = (
        "select step_slug, xmin::text as version from pgflow.steps where flow_slug = 'chain' order by 1"
    )
    with lab.worker("chain") as worker:
        reads = {row["step_slug"]: row["reads"] for row in lab.sql(told)}
        assert worker.stop() == 0
    assert reads == {"first": True, "second": False, "third": False}
    first = lab.sql(versions)
    with lab.worker("chain") as worker:
        assert lab.sql(versions) == first
        assert "in the database" not in worker.log
