"""``runs watch``, ``runs failed``, and what a terminal shows, as a user types them."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from pgflow_runtime.errors import RunFailed
from tests.support.core import Core
from tests.support.crawl import Client, finish, write_contract
from tests.support.project import Project
from tests.support.terminal import Terminal, plain
from tests.support.wait import eventually

INPUT = '{"urls": ["a", "b"]}'
TRACED = 'ValueError: out of\nstock \x1b]0;x\x07\n  File "f.py", line 3, in urls\n    raise ValueError'


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.make(tmp_path, {})
    write_contract(tmp_path / "generated")
    return project


@pytest.fixture
def start(hand: Core) -> Callable[[], UUID]:
    def start() -> UUID:
        found = hand.value("select run_id from pgflow.start_flow('crawl', %s::jsonb)", INPUT)
        assert isinstance(found, UUID)
        return found

    return start


def work_off(hand: Core) -> None:
    """Do all the work there is, until no run is open."""
    is_open = "select count(*) > 0 from pgflow.runs where status = 'started'"

    def probe() -> bool:
        finish(hand)
        return not hand.value(is_open)

    eventually(probe)


def fail(hand: Core, run_id: UUID, message: str = TRACED) -> None:
    hand.poll("crawl", 100)
    hand.fail_task(run_id, "urls", 0, message)


def is_watched(hand: Core) -> None:
    eventually(lambda: hand.value("select count(*) > 0 from pgflow.announcements"))


def test_watching_tells_every_event_and_ends_with_the_run(
    project: Project, dsn: str, hand: Core, start: Callable[[], UUID]
) -> None:
    run_id = start()
    work_off(hand)
    done = project.ok("runs", "watch", str(run_id), "--dsn", dsn)
    events = [line.split()[2:4] for line in done.stdout.splitlines()]
    assert events[0] == ["run:started", "crawl"]
    assert ["step:completed", "urls"] in events
    assert events[-1] == ["run:completed", "crawl"]
    told = project.ok("runs", "watch", "--latest", "--json", "--dsn", dsn).stdout.splitlines()
    assert [json.loads(line)["event_type"] for line in told] == [event[0] for event in events]
    assert json.loads(told[-1])["output"] == {"note": "n", "report": {"pages": 2}}


def test_a_picture_moves_with_the_run_in_a_terminal(
    project: Project, dsn: str, hand: Core, start: Callable[[], UUID]
) -> None:
    start()
    terminal = Terminal(project.root, "runs", "watch", "--flow", "crawl", "--dsn", dsn)
    terminal.until("waiting")
    is_watched(hand)
    work_off(hand)
    assert terminal.exit_code() == 0
    picture = terminal.last_picture
    assert "✓ completed  crawl" in picture
    assert "2/2" in picture
    assert "└─ ✓ fetch" in picture
    assert "waiting" not in picture
    assert "\x1b[32m" in terminal.written


def test_no_color_takes_the_colours_away_and_dumb_terminals_get_lines(
    project: Project, dsn: str, hand: Core, start: Callable[[], UUID]
) -> None:
    run_id = start()
    work_off(hand)
    for variable, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        terminal = Terminal(project.root, "runs", "show", str(run_id), "--dsn", dsn, env={variable: value})
        assert terminal.exit_code() == 0
        assert "\x1b[3" not in terminal.written, variable
        assert ("✓" in terminal.written) == (variable == "NO_COLOR")


def test_a_failed_run_ends_the_watching_with_1_and_its_error_is_shown_whole_and_harmless(
    project: Project, dsn: str, hand: Core, start: Callable[[], UUID]
) -> None:
    run_id = start()
    terminal = Terminal(project.root, "runs", "watch", str(run_id), "--dsn", dsn)
    is_watched(hand)
    fail(hand, run_id)
    assert terminal.exit_code() == 1
    assert "failed in urls" in plain(terminal.written)
    assert 'stock \\x1b]0;x\\x07\n  File "f.py", line 3, in urls' in plain(terminal.written)
    assert "\x07" not in terminal.written
    lines = project.run("runs", "watch", str(run_id), "--dsn", dsn)
    assert (lines.returncode, "\x1b" in lines.stdout) == (1, False)
    shown = project.ok("runs", "show", str(run_id), "--dsn", dsn).stdout
    assert 'task    urls\n  ValueError: out of\n  stock \\x1b]0;x\\x07\n    File "f.py"' in shown
    document = json.loads(project.ok("runs", "show", str(run_id), "--json", "--dsn", dsn).stdout)
    assert document["failure"] == {"step_slug": "urls", "task_index": 0, "message": TRACED}
    assert document["tasks"]["urls"]["failed"] == 1


def test_failed_runs_are_listed_with_step_and_message(
    project: Project, dsn: str, hand: Core, start: Callable[[], UUID]
) -> None:
    old, new, _ = start(), start(), start()
    for run_id in (old, new):
        fail(hand, run_id)
    moved = "started_at = started_at - interval '2 hours', failed_at = failed_at - interval '2 hours'"
    hand.value(f"update pgflow.runs set {moved} where run_id = %s returning 1", old)
    lines = project.ok("runs", "failed", "--dsn", dsn).stdout.splitlines()
    assert [line.split()[0] for line in lines] == [str(new), str(old)]
    assert lines[0].endswith("crawl.urls  ValueError: out of stock \\x1b]0;x\\x07")
    recent = project.ok("runs", "failed", "--since", "1h", "--flow", "crawl", "--json", "--dsn", dsn)
    (row,) = json.loads(recent.stdout)
    assert (row["run_id"], row["step_slug"], row["error_message"]) == (str(new), "urls", TRACED)
    assert project.ok("runs", "failed", "--flow", "other", "--dsn", dsn).stdout == ""
    terminal = Terminal(project.root, "runs", "failed", "--dsn", dsn, columns=100)
    assert terminal.exit_code() == 0
    assert f"{new}  crawl  urls" in plain(terminal.written)


def test_the_step_that_failed_the_run_is_named_and_not_an_optional_one_before_it(
    project: Project, dsn: str, hand: Core, start: Callable[[], UUID]
) -> None:
    hand.run_sql("update pgflow.steps set when_exhausted = 'skip' where step_slug = 'note'")
    run_id = start()
    hand.poll("crawl", 100)
    hand.fail_task(run_id, "note", 0, "ValueError: tolerated")
    hand.fail_task(run_id, "urls", 0, "ValueError: fatal")
    (line,) = project.ok("runs", "failed", "--dsn", dsn).stdout.splitlines()
    assert line.endswith("crawl.urls  ValueError: fatal")
    shown = project.ok("runs", "show", str(run_id), "--dsn", dsn).stdout
    assert "task    urls\n  ValueError: fatal" in shown
    with Client.connect(dsn) as client, pytest.raises(RunFailed) as caught:
        client.get_crawl(run_id).result()
    assert (caught.value.step_slug, caught.value.task_index) == ("urls", 0)


WITHOUT = (
    "no worker of flow 'crawl' is at work; start one: pgflow-gen worker flows.crawl:crawl --dsn <the same>"
)


def test_waiting_without_a_worker_is_said_with_the_way_out(
    project: Project, dsn: str, hand: Core, start: Callable[[], UUID]
) -> None:
    done = project.run("start", "crawl", INPUT, "--wait", "--timeout", "4", "--dsn", dsn)
    assert WITHOUT in done.stderr
    assert "still started" in done.stderr
    run_id = str(start())
    done = project.run("runs", "watch", run_id, "--timeout", "4", "--dsn", dsn)
    assert done.stdout.count(WITHOUT) == 1
    done = project.run("runs", "watch", run_id, "--timeout", "4", "--json", "--dsn", dsn)
    assert WITHOUT in done.stderr
    assert all(json.loads(line) for line in done.stdout.splitlines())
    terminal = Terminal(project.root, "start", "crawl", INPUT, "--wait", "--dsn", dsn, columns=160)
    terminal.until("no worker of flow 'crawl' is at work")
    hand.worker("crawl")
    work_off(hand)
    assert terminal.exit_code() == 0
    assert "no worker" not in terminal.last_picture


def test_waiting_with_a_worker_says_nothing(project: Project, dsn: str, hand: Core) -> None:
    hand.worker("crawl")
    done = project.run("start", "crawl", INPUT, "--wait", "--timeout", "4", "--dsn", dsn)
    assert "no worker" not in done.stderr


def test_start_and_wait_shows_progress_on_stderr_and_the_output_on_stdout(
    project: Project, dsn: str, hand: Core
) -> None:
    run_id = uuid4()
    terminal = Terminal(
        project.root, "start", "crawl", INPUT, "--run-id", str(run_id), "--wait", "--dsn", dsn
    )
    is_watched(hand)
    fail(hand, run_id)
    assert terminal.exit_code() == 1
    assert plain(terminal.written).count("ValueError: out of\nstock") == 1


def test_the_watching_outlives_a_lost_connection(
    project: Project, dsn: str, hand: Core, start: Callable[[], UUID]
) -> None:
    start()
    terminal = Terminal(project.root, "runs", "watch", "--latest", "--dsn", dsn)
    is_watched(hand)
    cut = "select pg_terminate_backend(pid) from pg_stat_activity"
    hand.value(f"{cut} where application_name = 'pgflow-gen' and datname = current_database()")
    work_off(hand)
    assert terminal.exit_code() == 0
    assert "✓ completed  crawl" in terminal.last_picture


def test_ctrl_c_ends_the_watching_and_not_the_run(
    project: Project, dsn: str, hand: Core, start: Callable[[], UUID]
) -> None:
    run_id = start()
    terminal = Terminal(project.root, "runs", "watch", "--latest", "--dsn", dsn)
    is_watched(hand)
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.exit_code() == 130
    assert "Traceback" not in terminal.written
    assert "\x1b[?25h" in terminal.written  # the cursor is back
    assert hand.run(run_id).status == "started"
    with psycopg.connect(dsn) as connection:
        assert connection.execute("select count(*) from pgflow.announcements").fetchone() == (0,)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "name one run"),
        (("--latest", str(UUID(int=7))), 2, "choose a run, and RUN_ID names one"),
        (("--latest",), 1, "there are no runs in this database"),
        (("--flow", "shop"), 1, "there are no runs of flow 'shop'"),
        ((str(UUID(int=7)),), 1, "there is no run 00000000-0000-0000-0000-000000000007"),
    ],
)
def test_mistakes_get_a_sentence(
    project: Project, dsn: str, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = project.run("runs", "watch", *arguments, "--dsn", dsn)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr


def test_the_time_for_watching_ends(project: Project, dsn: str, start: Callable[[], UUID]) -> None:
    start()
    done = project.run("runs", "watch", "--latest", "--timeout", "0.1", "--dsn", dsn)
    assert (done.returncode, "is still started after 0.1 s" in done.stderr) == (1, True)
