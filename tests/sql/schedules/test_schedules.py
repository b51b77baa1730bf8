"""Schedules: runs that start by the clock, what overlapping and late fires do, and who may change them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from tests.support.core import Core, Row
from tests.support.cron import Cron
from tests.support.sessions import Session
from tests.support.timers import fire, timers

HOURLY = {"every": 3_600, "timezone": "UTC", "overlap": "allow", "catch_up": "latest"}


@pytest.fixture
def flow(core: Core) -> Core:
    core.flow("f", "a")
    return core


def create(core: Core, slug: str = "s", *, flow: str = "f", input: Any = None, **spec: Any) -> None:
    core.run_sql(
        "select pgflow.create_schedule(%s, %s, %s, %s)", flow, slug, Jsonb(HOURLY | spec), Jsonb(input)
    )


def schedule(core: Core, slug: str = "s") -> Row:
    return core.row("select * from pgflow.schedules where schedule_slug = %s", slug)


def started(core: Core) -> list[Row]:
    """The runs that schedules started, with when that was to be."""
    return core.rows(
        """select r.run_id, r.flow_slug, r.input, r.status, r.has_origin, o.family, o.schedule_slug, o.fire_at
           from pgflow.runs r join pgflow.origins o using (run_id)
           where o.kind = 'schedule' order by o.fire_at"""
    )


def let_pass(core: Core, hours: int, slug: str = "s") -> datetime:
    """As if so many hourly fires were due, and nobody had seen to them; the last one."""
    last: datetime = core.value("select to_timestamp(floor(extract(epoch from now()) / 3600) * 3600)")
    core.run_sql(
        "update pgflow.schedules set next_fire = %s where schedule_slug = %s",
        last - timedelta(hours=hours - 1),
        slug,
    )
    core.run_sql(
        "update pgflow.timers set due_at = clock_timestamp() where payload ->> 'schedule' = %s", slug
    )
    return last.astimezone(UTC)


def hours_of(core: Core, last: datetime) -> list[int]:
    """How many hours before the last fire each run was to start."""
    return [int((last - row.fire_at).total_seconds() // 3_600) for row in started(core)]


# -- fires ---------------------------------------------------------------------------------------------------


def test_a_fire_starts_a_run_and_sets_the_next(flow: Core) -> None:
    create(flow, input={"sku": "all"})
    assert [(timer.kind, timer.run_id) for timer in timers(flow)] == [("schedule", None)]
    last = let_pass(flow, 1)
    assert fire(flow).fired_count == 1
    (run,) = started(flow)
    assert (run.flow_slug, run.input, run.status, run.has_origin) == ("f", {"sku": "all"}, "started", True)
    assert (run.family, run.schedule_slug, run.fire_at) == ("f", "s", last)
    assert [message.message["run_id"] for message in flow.queue("f")] == [str(run.run_id)]
    row = schedule(flow)
    assert (row.last_fire, row.last_run_id, row.last_outcome) == (last, run.run_id, "started")
    assert row.next_fire == last + timedelta(hours=1)
    (timer,) = timers(flow)
    assert timer.due_at == row.next_fire
    assert fire(flow).fired_count == 0


def test_date_and_time_of_the_fire_stand_in_the_input(flow: Core) -> None:
    input = {"day": None, "deep": [{"at": None}], "sku": "all"}
    create(
        flow, input=input, timezone="Pacific/Kiritimati", dates=[["day"]], times=[["deep", "0", "at"]]
    )  # fourteen hours ahead
    last = let_pass(flow, 1)
    fire(flow)
    (run,) = started(flow)
    day = (last + timedelta(hours=14)).date().isoformat()
    assert run.input == {"day": day, "deep": [{"at": last.strftime("%Y-%m-%dT%H:%M:%SZ")}], "sku": "all"}


def test_the_whole_input_may_be_the_date(flow: Core) -> None:
    create(flow, input=None, dates=[[]])
    last = let_pass(flow, 1)
    fire(flow)
    assert [run.input for run in started(flow)] == [last.date().isoformat()]


def test_a_cron_expression_fires(flow: Core) -> None:
    soon = datetime.now(UTC) + timedelta(days=1)
    cron = Cron(
        frozenset({30}),
        frozenset({2}),
        frozenset(range(1, 32)),
        frozenset(range(1, 13)),
        frozenset(range(7)),
        False,
    )
    flow.run_sql(
        "select pgflow.create_schedule('f', 's', %s, '1')", Jsonb(cron.spec("UTC", cron="30 2 * * *"))
    )
    next_fire = schedule(flow).next_fire.astimezone(UTC)
    assert (next_fire.hour, next_fire.minute, next_fire <= soon) == (2, 30, True)


@pytest.mark.parametrize(("catch_up", "wanted"), [("latest", [0]), ("all", [4, 3, 2, 1, 0]), ("none", [])])
def test_what_was_missed(flow: Core, catch_up: str, wanted: list[int]) -> None:
    create(flow, catch_up=catch_up)
    last = let_pass(flow, 5)
    if catch_up == "none" and (flow.clock() - last).total_seconds() <= 60:
        wanted = [0]  # the hour has just begun: that is not late
    fire(flow)
    assert hours_of(flow, last) == wanted
    row = schedule(flow)
    assert row.next_fire == last + timedelta(hours=1)
    assert row.last_outcome == ("started" if wanted else "missed")


def test_without_catching_up_a_fire_may_be_a_little_late(flow: Core) -> None:
    create(flow, every=1, catch_up="none")
    flow.run_sql("update pgflow.schedules set next_fire = date_trunc('second', now()) - interval '20 s'")
    flow.run_sql("update pgflow.timers set due_at = clock_timestamp()")
    fire(flow)
    (run,) = started(flow)
    assert schedule(flow).last_fire == run.fire_at


def test_a_hundred_at_most_are_caught_up_on_in_one_call(flow: Core) -> None:
    create(flow, catch_up="all")
    last = let_pass(flow, 150)
    assert fire(flow).next_in == 0
    assert hours_of(flow, last) == list(range(149, 49, -1))
    fire(flow)
    assert hours_of(flow, last) == list(range(149, -1, -1))


def test_years_of_fires_are_passed_over_at_once(flow: Core) -> None:
    create(flow, every=1)
    flow.run_sql("update pgflow.schedules set next_fire = now() - interval '10 years'")
    flow.run_sql("update pgflow.timers set due_at = clock_timestamp()")
    fire(flow)
    assert len(started(flow)) == 1


# -- overlap -------------------------------------------------------------------------------------------------


def overlapping(core: Core, overlap: str, **spec: Any) -> tuple[Row, datetime]:
    """The run of a first fire, still under way when the next is due; when that is."""
    create(core, overlap=overlap, **spec)
    core.run_sql("select pgflow.fire_schedule('f', 's')")
    last = let_pass(core, 1)
    (first,) = started(core)
    return first, last


def test_runs_may_overlap(flow: Core) -> None:
    overlapping(flow, "allow")
    fire(flow)
    assert [run.status for run in started(flow)] == ["started", "started"]


def test_a_fire_is_skipped_while_a_run_is_under_way(flow: Core) -> None:
    first, last = overlapping(flow, "skip")
    fire(flow)
    assert [run.run_id for run in started(flow)] == [first.run_id]
    row = schedule(flow)
    assert (row.last_outcome, row.last_fire, row.next_fire) == ("skipped", last, last + timedelta(hours=1))
    flow.call("cancel_runs", run_ids=[first.run_id])
    let_pass(flow, 1)
    fire(flow)
    assert schedule(flow).last_outcome == "started"


def test_a_fire_ends_the_run_that_is_under_way(flow: Core) -> None:
    first, _ = overlapping(flow, "cancel_other")
    fire(flow)
    runs = {run.run_id: run.status for run in started(flow)}
    assert sorted(runs.values()) == ["cancelled", "started"]
    assert flow.run(first.run_id).cancel_reason == 'the schedule "s" has started another run'
    (action,) = flow.rows(
        "select * from pgflow.list_actions(only_run => %s) where action = 'cancel'", first.run_id
    )
    assert action.actor == "schedule s"


def test_a_fire_waits_for_the_run_that_is_under_way(flow: Core) -> None:
    first, last = overlapping(flow, "queue")
    fire(flow)
    assert len(started(flow)) == 1
    assert (schedule(flow).last_outcome, schedule(flow).next_fire) == ("queued", last)
    (timer,) = timers(flow)
    assert 0 < timer.seconds < 6
    flow.call("cancel_runs", run_ids=[first.run_id])
    flow.run_sql("update pgflow.timers set due_at = clock_timestamp()")
    fire(flow)
    assert [(run.fire_at, run.status) for run in started(flow) if run.run_id != first.run_id] == [
        (last, "started")
    ]
    assert schedule(flow).next_fire == last + timedelta(hours=1)


def test_of_fires_that_wait_all_start_one_after_the_other(flow: Core) -> None:
    create(flow, overlap="queue", catch_up="all")
    last = let_pass(flow, 3)
    for number in range(3):
        fire(flow)
        assert hours_of(flow, last) == [2, 1, 0][: number + 1]
        flow.call("cancel_runs", run_ids=[run.run_id for run in started(flow)])
        flow.run_sql("update pgflow.timers set due_at = clock_timestamp()")


# -- never twice ---------------------------------------------------------------------------------------------


def test_a_fire_that_has_started_a_run_never_starts_another(flow: Core) -> None:
    create(flow)
    last = let_pass(flow, 1)
    fire(flow)
    flow.run_sql("update pgflow.schedules set next_fire = %s", last)  # as by a restored table
    flow.run_sql("update pgflow.timers set due_at = clock_timestamp()")
    fire(flow)
    assert len(started(flow)) == 1
    assert schedule(flow).next_fire == last + timedelta(hours=1)


def test_a_schedule_that_somebody_else_has_at_hand_is_passed_over(live: Core, live_dsn: str) -> None:
    live.flow("f", "a")
    create(live)
    let_pass(live, 1)
    with Session(live_dsn) as other:
        other.do(lambda core: core.run_sql("select from pgflow.schedules for update"))
        row = fire(live)
        assert (row.fired_count, row.failed_count, row.next_in) == (0, 0, 0.2)
        other.rollback()
    assert fire(live).fired_count == 1


def test_a_fire_that_fails_is_tried_again_later(flow: Core) -> None:
    flow.create_flow("listed")
    flow.add_step("listed", "m", step_type="map")
    create(flow, "bad", flow="listed", input={"no": "array"})
    create(flow, "good")
    for slug in ("bad", "good"):
        last = let_pass(flow, 1, slug)
    row = fire(flow)
    assert (row.fired_count, row.failed_count) == (1, 1)
    shown = {row.schedule_slug: row for row in flow.rows("select * from pgflow.list_schedules()")}
    assert (shown["bad"].last_outcome, shown["bad"].last_fire, shown["bad"].next_fire) == (
        "failed",
        None,
        last,
    )
    assert "input is not an array" in shown["bad"].error_message
    assert (shown["good"].last_outcome, shown["good"].error_message) == ("started", None)
    (timer,) = [timer for timer in timers(flow) if timer.failures]
    assert 1 < timer.seconds < 3
    create(flow, "bad", flow="listed", input=[1])
    flow.run_sql("update pgflow.timers set due_at = clock_timestamp() where flow_slug = 'listed'")
    assert fire(flow).fired_count == 1


def test_schedules_and_other_timers_take_turns(flow: Core) -> None:
    """In calls of their own, of which none is kept waiting by the others."""
    flow.create_flow("timed", options=Jsonb({"run_timeout": 1}))
    flow.add_step("timed", "a")
    run = flow.start_flow("timed", 1)
    flow.run_sql("update pgflow.timers set due_at = clock_timestamp() - interval '1 s'")
    create(flow)
    let_pass(flow, 1)
    first = fire(flow)
    assert (first.fired_count, first.next_in, flow.run(run.run_id).status) == (1, 0, "started")
    fire(flow)
    assert flow.run(run.run_id).status == "failed"


# -- changes -------------------------------------------------------------------------------------------------


def test_a_schedule_is_changed_in_place(flow: Core) -> None:
    create(flow, input=1)
    let_pass(flow, 1)
    fire(flow)
    before = schedule(flow)
    create(flow, every=7_200, input=2)
    after = schedule(flow)
    assert (after.input, after.spec["every"], after.last_run_id) == (2, 7_200, before.last_run_id)
    assert after.next_fire.timestamp() % 7_200 == 0
    assert len(timers(flow)) == 1


def test_what_has_not_been_seen_to_outlasts_a_release(flow: Core) -> None:
    """A migration that changes the input only, while no worker was there for an hour."""
    create(flow, input=1)
    last = let_pass(flow, 1)
    create(flow, input=2)
    assert schedule(flow).next_fire == last
    fire(flow)
    assert [run.input for run in started(flow)] == [2]


def test_a_pause_outlasts_a_change_and_nothing_is_caught_up_on(flow: Core) -> None:
    create(flow)
    last = let_pass(flow, 3)
    assert flow.value("select pgflow.pause_schedule('f', 's', 'ops')") is True
    assert flow.value("select pgflow.pause_schedule('f', 's')") is False
    create(flow, input=2)
    assert (schedule(flow).next_fire, timers(flow)) == (None, [])
    assert fire(flow).fired_count == 0
    assert flow.value("select pgflow.resume_schedule('f', 's')") is True
    assert flow.value("select pgflow.resume_schedule('f', 's')") is False
    assert schedule(flow).next_fire == last + timedelta(hours=1)
    actions = flow.rows("select action, actor, arguments from pgflow.list_actions() order by action_id")
    assert [(row.action, row.actor, row.arguments["changed"]) for row in actions] == [
        ("pause_schedule", "ops", True),
        ("pause_schedule", None, False),
        ("resume_schedule", None, True),
        ("resume_schedule", None, False),
    ]


def test_an_operator_fires_one_now(flow: Core) -> None:
    create(flow, input={"day": None}, dates=[["day"]])
    flow.run_sql("select pgflow.pause_schedule('f', 's')")
    run_id = flow.value("select pgflow.fire_schedule('f', 's', 'ops')")
    assert flow.run(run_id).input["day"] == flow.clock().astimezone(UTC).date().isoformat()
    row = schedule(flow)
    assert (row.last_run_id, row.next_fire, row.is_paused) == (run_id, None, True)
    (action,) = flow.rows("select * from pgflow.list_actions(only_run => %s)", run_id)
    assert (action.action, action.actor, action.arguments) == ("fire_schedule", "ops", {"schedule": "s"})


def test_the_latest_version_takes_a_schedule_over(flow: Core) -> None:
    create(flow)
    last = let_pass(flow, 1)
    flow.flow("f_v2", "a")
    create(flow, flow="f_v2")
    assert flow.value("select pgflow.drop_schedule('f', 's')") is False
    assert flow.value("select count(*) from pgflow.list_schedules('f')") == 1
    fire(flow)
    assert [(run.flow_slug, run.family, run.fire_at) for run in started(flow)] == [("f_v2", "f", last)]
    assert flow.value("select pgflow.drop_schedule('f_v2', 's')") is True
    assert flow.value("select pgflow.drop_schedule('f_v2', 's')") is False
    assert timers(flow) == []


@pytest.mark.parametrize("function", ["pause_schedule", "resume_schedule", "fire_schedule"])
def test_a_schedule_that_is_not_there(flow: Core, function: str) -> None:
    with flow.refused('Flow "f" has no schedule "s"', sqlstate="PF001"):
        flow.run_sql(f"select pgflow.{function}('f', 's')")


def test_an_unknown_flow(flow: Core) -> None:
    with flow.refused('Unknown flow "nobody"', sqlstate="PF001"):
        create(flow, flow="nobody")


CRON = {"minutes": 1, "hours": 1, "days": 4294967294, "months": 8190, "weekdays": 127, "day_or": False}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"every": None}, 'either "every" or the masks'),
        ({"minutes": 1}, 'either "every" or the masks'),
        ({"every": 0}, "every must be a whole number of seconds"),
        ({"every": None} | CRON | {"hours": None}, "hours is no mask of a cron expression: missing"),
        ({"every": None} | CRON | {"minutes": 0}, "minutes is no mask"),
        ({"every": None} | CRON | {"days": 1}, "days is no mask"),
        ({"every": None} | CRON | {"weekdays": 128}, "weekdays is no mask"),
        ({"every": None} | CRON | {"day_or": 1}, "day_or must be true or false"),
        (
            {"every": None} | CRON | {"days": 1 << 30, "months": 4, "cron": "0 0 30 2 *"},
            "never fire: 0 0 30 2 *",
        ),
        ({"timezone": "Europe/Bonn"}, 'knows no time zone "Europe/Bonn"'),
        ({"timezone": None}, 'knows no time zone "null"'),
        ({"overlap": "maybe"}, "overlap must be allow, skip, queue or cancel_other"),
        ({"catch_up": None}, "catch_up must be none, latest or all, not missing"),
        ({"dates": ["day"]}, "dates must be a list of paths"),
        ({"when": 1}, 'A schedule has no option "when"'),
    ],
)
def test_wrong_specs_are_refused(flow: Core, spec: dict[str, Any], words: str) -> None:
    wrong = {key: value for key, value in (HOURLY | spec).items() if value is not None}
    with flow.refused(words, sqlstate="PF011"):
        flow.run_sql("select pgflow.create_schedule('f', 's', %s, '1')", Jsonb(wrong))


# -- what else there is --------------------------------------------------------------------------------------


def test_a_paused_flow_is_scheduled_all_the_same(flow: Core) -> None:
    create(flow)
    let_pass(flow, 1)
    flow.call("pause_flow", flow_slug="f")
    fire(flow)
    assert len(started(flow)) == 1


def test_runs_of_a_schedule_are_pruned_and_it_goes_on(flow: Core) -> None:
    create(flow)
    let_pass(flow, 1)
    fire(flow)
    (run,) = started(flow)
    flow.call("cancel_runs", run_ids=[run.run_id])
    flow.run_sql("select pgflow._prune_runs(%s)", [run.run_id])
    assert (started(flow), schedule(flow).last_run_id) == ([], run.run_id)
    assert flow.value("select last_run_id from pgflow.schedules_overview") == run.run_id


def test_a_deleted_flow_takes_its_schedules_with_it(flow: Core) -> None:
    create(flow)
    flow.run_sql("select pgflow.delete_flow_and_data('f')")
    assert flow.rows("select * from pgflow.list_schedules()") == []
    assert timers(flow) == []


def test_an_idle_worker_hears_of_the_next_fire(flow: Core) -> None:
    create(flow, every=60)
    worker: UUID = flow.worker("f")
    seconds = flow.value("select pgflow.announce_idle(array[%s]::uuid[], 10)", worker)
    assert 0 <= seconds <= 60
