"""``executor="process"``: handlers in processes of the worker's own, which end when their time is over."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.project import Project
from tests.support.server import Server, name_of
from tests.support.wait import eventually
from tests.support.worker_lab import Lab, WorkerProcess, ledger_template, make_project

FLOWS = Path(__file__).parents[2] / "support" / "process_flows.py"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("crunch"), "crunch", FLOWS)


@pytest.fixture(scope="module")
def template(postgres_server: Server, project: Project) -> str:
    return ledger_template(postgres_server, project)


@pytest.fixture
def crunch(postgres_server: Server, project: Project, template: str, tmp_path: Path) -> Iterator[Lab]:
    dsn = postgres_server.create_database(name_of(template))
    yield Lab(project, dsn, tmp_path, "crunch")
    postgres_server.drop_database(dsn)


def lives(pid: int) -> bool:
    """Whether there is such a process that has not ended; nobody may have asked for its exit code yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children(pid: int) -> set[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for task in tasks for child in task.read_text().split()}


def spinning(crunch: Lab) -> tuple[str, list[int]]:
    """A run whose handler computes without end; its process, and one that it has started."""
    run_id = crunch.start("busy", {"folder": str(crunch.folder)})
    crunch.begun("spinning")
    pids = [int(pid) for pid in (crunch.folder / "spinning").read_text().split()]
    assert all(map(lives, pids))
    return run_id, pids


def test_a_handler_runs_in_another_process_with_its_context(crunch: Lab) -> None:
    environment = {"PGFLOW_EXAMPLE": "seen"}
    worker = WorkerProcess.launch(
        crunch, ["facts"], {"executor-processes": "1"}, environment=environment
    ).until_serving()
    try:
        run_id = crunch.start("facts", {"folder": str(crunch.folder)})
        output = crunch.completed(run_id)
        (sync,) = [task["output"] for task in crunch.tasks(run_id) if task["step_slug"] == "sync"]
        later = {task["step_slug"]: task["output"] for task in crunch.tasks(run_id)}["later"]
        assert (sync["parent"], sync["rows"]) == (worker.process.pid, 1)
        assert sync["ids"] == {"flow": "facts", "run": run_id, "step": "sync", "task": 0, "attempt": 1}
        assert (sync["folder"], sync["env"], sync["times_out_after"]) == (str(crunch.folder), "seen", 1000)
        assert (later["folder"], later["pid"]) == (str(crunch.folder), sync["pid"])
        assert (later["pooled"], output["last"]) == (1, 2)  # one pool for both, as in a worker
        assert output["here"] == output["beside"] == worker.process.pid
        assert sorted(row["note"] for row in crunch.sql("select note from public.ledger")) == [
            "later",
            "sync",
        ]
        assert worker.stop() == 0
        assert not lives(sync["pid"])
        for text in ("counter closed", "pool closed", "printed there"):
            assert text in worker.log
        (line,) = [line for line in worker.log.splitlines() if "said by sync" in line]
        assert line.endswith(f"flow=facts run={run_id} step=sync task=0 attempt=1")
        assert "not to be heard" not in worker.log
    finally:
        worker.clear_away()


def test_a_process_inherits_standard_streams_and_its_line_only(crunch: Lab) -> None:
    with crunch.worker("facts", health_port="0"):
        run_id = crunch.start("facts", {"folder": str(crunch.folder)})
        crunch.completed(run_id)
        (files,) = [task["output"]["files"] for task in crunch.tasks(run_id) if task["step_slug"] == "sync"]
    sockets = [file for file in files if file.startswith("socket:")]
    assert len(sockets) == 2  # the line to the worker, and the connection that the handler has asked for
    others = set(files) - set(sockets) - {"/dev/null"}
    assert {file for file in others if not file.endswith((".log", "/fd"))} == set()


def test_records_of_processes_are_lines_of_the_worker_s_format(crunch: Lab) -> None:
    with crunch.worker("ends", log_format="json") as worker:
        run_id = crunch.start("ends", "log")
        crunch.completed(run_id)
        worker.until_logged("with its error")
        lines = [json.loads(line) for line in worker.log.splitlines()]
    (line,) = [line for line in lines if line["message"] == "with its error"]
    assert (line["level"], line["logger"], line["run"]) == ("error", "pgflow.handler", run_id)
    assert line["exception"].endswith("ValueError: as an example")


def test_the_end_of_its_time_ends_the_process_of_a_computing_handler(crunch: Lab) -> None:
    with crunch.worker("busy", executor_processes="1"):
        run_id, pids = spinning(crunch)
        assert "did not end within its timeout of 3 s" in crunch.failed(run_id)
        eventually(lambda: not any(map(lives, pids)))
        (crunch.folder / "spinning").unlink()
        spinning(crunch)  # another process takes its place
        assert crunch.sql("select note from public.ledger") == []


def test_the_end_of_its_run_ends_the_process_of_a_computing_handler(crunch: Lab) -> None:
    with crunch.worker("patient"):
        run_id = crunch.start("patient", [str(crunch.folder)])
        crunch.begun("waiting-0")
        (name,) = crunch.folder.glob("pid-*")
        pid = int(name.name.rpartition("-")[2])
        crunch.sql("select * from pgflow.cancel_runs(array[%s]::uuid[])", run_id)
        eventually(lambda: not lives(pid))
        other = crunch.start("patient", [str(crunch.folder)])
        crunch.let_go("go")
        assert crunch.completed(other)["wait"] != [pid]


def test_a_short_time_is_over_in_time_beside_a_long_one(crunch: Lab) -> None:
    with crunch.worker("patient", "busy"):
        run_id = crunch.start("patient", [str(crunch.folder)])
        crunch.begun("waiting-0")
        assert "within its timeout of 3 s" in crunch.failed(spinning(crunch)[0])
        assert crunch.run(run_id)["status"] == "started"


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("exit", "LostElsewhere: the process that ran the handler ended with exit code 3"),
        (
            "kill",
            "LostElsewhere: the process that ran the handler was killed by SIGKILL: out of memory, perhaps",
        ),
        ("crash", "LostElsewhere: the process that ran the handler was killed by SIGSEGV"),
        ("deaf", "LostElsewhere: the process that ran the handler ended with exit code 1"),
        ("leave", "SystemExit: enough"),
        ("memory", "MemoryError"),
        ("raise", "ValueError: no good\n"),
    ],
)
def test_the_end_of_a_process_is_a_failed_attempt_that_says_so(
    ends: tuple[Lab, WorkerProcess], how: str, words: str
) -> None:
    lab, worker = ends
    assert lab.failed(lab.start("ends", how)).startswith(words)
    assert lab.completed(lab.start("ends", "return"))["end"] in children(worker.process.pid)


@pytest.fixture(scope="module")
def ends(
    postgres_server: Server, project: Project, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Lab, WorkerProcess]]:
    """One worker for all ends of handlers: it must outlive them."""
    lab = Lab(
        project, postgres_server.create_database(name_of(template)), tmp_path_factory.mktemp("ends"), "crunch"
    )
    with lab.worker("ends", executor_processes="2") as worker:
        yield lab, worker
        assert worker.stop() == 0


def test_a_child_that_comes_back_from_a_handler_says_nothing(ends: tuple[Lab, WorkerProcess]) -> None:
    lab, worker = ends
    assert lab.completed(lab.start("ends", "fork"))["end"] in children(worker.process.pid)


def test_an_idle_process_that_is_killed_costs_no_attempt(ends: tuple[Lab, WorkerProcess]) -> None:
    lab, worker = ends
    for _ in range(3):
        lab.completed(lab.start("ends", "return"))
        for pid in children(worker.process.pid):
            os.kill(pid, signal.SIGKILL)
            eventually(lambda pid=pid: not lives(pid))  # type: ignore[misc]
        lab.completed(lab.start("ends", "return"))


def test_processes_are_replaced_after_so_many_tasks(crunch: Lab) -> None:
    with crunch.worker("squares", executor_processes="1", executor_tasks="2") as worker:
        output = crunch.completed(crunch.start("squares", 5))
        assert [each["square"] for each in output["square"]] == [5, 6, 9, 14, 21]
        assert len(output["rounds"]["pids"]) == 3
        pids = [each["pid"] for each in output["square"]] + output["rounds"]["pids"]
        assert max(map(pids.count, pids)) <= 2
        eventually(lambda: len(children(worker.process.pid)) == 1)


def test_maps_and_loops_run_in_as_many_processes_as_there_are(crunch: Lab) -> None:
    with crunch.worker("squares", executor_processes="2") as worker:
        output = crunch.completed(crunch.start("squares", 40))
        assert [each["square"] for each in output["square"]] == [n * n + 40 for n in range(40)]
        pids = {each["pid"] for each in output["square"]} | set(output["rounds"]["pids"])
        assert pids <= children(worker.process.pid)
        assert 1 <= len(pids) <= 2


def test_the_time_of_a_task_runs_from_when_it_begins(crunch: Lab) -> None:
    with crunch.worker("slow", executor_processes="1"):
        assert len(set(crunch.completed(crunch.start("slow", [1.6] * 3))["nap"])) == 1


def test_a_task_without_a_process_is_given_back_uncounted(crunch: Lab) -> None:
    hurry = crunch.folder / "hurry.py"
    hurry.write_text(
        "import sys\n"
        "from pgflow_command import main\n"
        "from pgflow_runtime.worker.tasks import away\n"
        "away.PATIENCE = 0.2\n"
        "sys.argv = sys.argv[3:]\n"
        "sys.exit(main())\n"
    )
    options = {"executor-processes": "1", "log-level": "debug"}
    worker = WorkerProcess.launch(crunch, ["patient"], options, prefix=[sys.executable, str(hurry)])
    try:
        worker.until_serving()
        run_id = crunch.start("patient", [str(crunch.folder)] * 2)
        worker.until_logged("given back: where its handler runs there was no room")
        worker.until_logged('patient/wait finds no room at executor "process"')
        crunch.let_go("go")
        crunch.completed(run_id)
        assert [task["attempts_count"] for task in crunch.tasks(run_id)] == [1, 1]
        assert worker.stop() == 0
    finally:
        worker.clear_away()


def test_no_process_outlives_a_worker_that_is_killed(crunch: Lab) -> None:
    with crunch.worker("busy", "patient", executor_processes="2") as worker:
        crunch.start("patient", [str(crunch.folder)])
        crunch.begun("waiting-0")
        _, (_, started_there) = spinning(crunch)
        pids = children(worker.process.pid)
        assert len(pids) == 2
        worker.signal(signal.SIGKILL)
        worker.process.wait()
        try:
            eventually(lambda: not any(map(lives, pids)))
        finally:
            os.kill(started_there, signal.SIGKILL)  # what handlers start is nobody's then


def test_a_stopping_worker_lets_handlers_end(crunch: Lab) -> None:
    with crunch.worker("patient") as worker:
        run_id = crunch.start("patient", [str(crunch.folder)])
        crunch.begun("waiting-0")
        for pid in children(worker.process.pid):
            os.kill(pid, signal.SIGTERM)  # as whoever stops a whole group does
        worker.signal()
        crunch.begun("told")
        crunch.let_go("go")
        assert worker.exit_code() == 0
        assert crunch.run(run_id)["status"] == "completed"


def test_a_stopping_worker_ends_processes_after_its_grace(crunch: Lab) -> None:
    with crunch.worker("patient", grace_seconds="0.5") as worker:
        run_id = crunch.start("patient", [str(crunch.folder)])
        crunch.begun("waiting-0")
        pids = children(worker.process.pid)
        assert worker.stop() == 0
        assert not any(map(lives, pids))
        task = crunch.task(run_id)
        assert (task["status"], task["attempts_count"]) == ("queued", 0)


def test_what_is_not_found_in_a_process_ends_the_worker_s_start(project: Project, crunch: Lab) -> None:
    """The worker's own program has the module, and no process of its own does."""
    program = crunch.folder / "program.py"
    program.write_text(
        "import os, sys\n"
        "from pgflow_command import main\n"
        "sys.argv = sys.argv[3:]\n"
        "os.environ['NOT_HERE'] = ''\n"
        "import flows.crunch\n"
        "os.environ['NOT_HERE'] = 'yes'\n"
        "sys.exit(main())\n"
    )
    module = project.root / "flows" / "crunch.py"
    text = module.read_text()
    module.write_text(text + "\nif os.environ.get('NOT_HERE'):\n    raise RuntimeError('not here')\n")
    worker = WorkerProcess.launch(
        crunch,
        ["ends"],
        {},
        prefix=[sys.executable, str(program)],
        environment={"PYTHONPATH": str(project.root)},
    )
    try:
        assert worker.exit_code() == 2
        words = "executor 'process' cannot begin: importing flows.crunch fails: RuntimeError: not here"
        assert words in worker.log
    finally:
        worker.clear_away()
        module.write_text(text)


def test_a_worker_of_plain_flows_knows_nothing_of_executors(crunch: Lab) -> None:
    program = (
        "import sys, asyncio\n"
        "from pgflow_runtime.worker import Worker\n"
        "from pgflow_runtime import Flow\n"
        "import flows.crunch as crunch\n"
        "async def go():\n"
        "    worker = Worker([crunch.plain], exit_when_idle=0.0)\n"
        "    await worker.serve()\n"
        "asyncio.run(go())\n"
        "names = [name for name in sys.modules if name.partition('.')[0] in ('multiprocessing', 'dask',"
        " 'distributed', 'ray') or '.executors' in name]\n"
        "print(names)\n"
    )
    crunch.start("plain", 1)
    ran = crunch.project.python("-c", program, variables={"PGFLOW_DSN": crunch.dsn})
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip().splitlines()[-1] == "['pgflow_shared.executors']", ran.stdout
