"""Pages of what waits: runs that wait for somebody are answered, schedules paused, resumed and fired."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.types.json import Jsonb

from tests.integration.dashboard.test_control import said, send
from tests.support.core import Core, connect
from tests.support.crawl import write_contract
from tests.support.dashboard import Dashboard, running
from tests.support.orders import DOCUMENT, add_order
from tests.support.project import Project


@pytest.fixture
def hand(plain_database_dsn: str) -> Iterator[Core]:
    with connect(plain_database_dsn) as connection:
        core = Core(connection)
        add_order(core, deadline=3600)
        yield core


@pytest.fixture
def dashboard(hand: Core, plain_database_dsn: str, tmp_path: Path) -> Iterator[Dashboard]:
    project = Project.make(tmp_path, {})
    write_contract(tmp_path / "generated", DOCUMENT)
    with running(project, plain_database_dsn, tmp_path, "--allow-control") as found:
        yield found


def words(dashboard: Dashboard, path: str) -> str:
    return " ".join(dashboard.page(path).words.split())


def test_who_waits_is_listed_and_answered_from_a_form(dashboard: Dashboard, hand: Core) -> None:
    assert "No run waits for anybody" in words(dashboard, "/waiting")
    run = hand.start_flow("order", {"order_id": "order-7"}).run_id
    hand.work("order")
    assert "order approval order-7" in words(dashboard, "/waiting")
    assert "waits for somebody (order-7)" in words(dashboard, f"/runs/{run}")
    form = f"/runs/{run}/steps/approval/send"
    (start,) = (found for found in dashboard.page(form).all("form") if found.get("id") == "start")
    assert json.loads(start["data-schema"])["$defs"]["Approval"]["required"] == ["by"]

    wrong = send(dashboard, form, form, input='{"by": 5}')
    assert wrong.status == 422
    assert "payload.by" in wrong.page.words
    done = send(dashboard, form, form, input='{"by": "ann"}')
    assert "Your answer was sent: the step completes with it." in said(dashboard, done)
    assert hand.step(run, "approval").output == {"by": "ann"}
    late = send(dashboard, form, form, input='{"by": "bob"}')
    assert "Your answer was not sent: the step waits no more" in said(dashboard, late)


def test_the_list_of_runs_says_what_they_wait_for(dashboard: Dashboard, hand: Core) -> None:
    run = hand.start_flow("order", {"order_id": "order-7"}).run_id
    hand.work("order")
    options = Jsonb({"begins_at": "2099-01-01T00:00:00Z"})
    hand.row("select pgflow.start_flows('order', array['{}'::jsonb], options => %s)", options)
    shown = words(dashboard, "/runs")
    assert re.search(rf"{run} waits for approval, over in (59 min|1 h)", shown)
    assert "not begun order" in shown
    assert re.search(r"begins in \d+ days", shown)
    assert "waits for" not in words(dashboard, "/runs?status=failed")


def test_a_graph_shows_what_its_steps_do(dashboard: Dashboard, hand: Core) -> None:
    run = hand.start_flow("order", {"order_id": "order-7"}).run_id
    hand.work("order")
    page = dashboard.page(f"/runs/{run}")
    names = [link["aria-label"] for link in page.all("a") if link.get("class", "").startswith("node")]
    assert "approval, signal, unanswered" in names
    assert "charge, completed" in names
    assert {use["href"] for use in page.all("use") if use["href"].startswith("#k-")} == {"#k-signal"}
    page = dashboard.page("/flows/order")
    names = [link["aria-label"] for link in page.all("a") if link.get("class", "").startswith("node")]
    assert "approval, signal" in names


def test_a_step_that_is_no_signal_has_no_form(dashboard: Dashboard, hand: Core) -> None:
    run = hand.start_flow("order", {"order_id": "1"}).run_id
    assert dashboard.ask(f"/runs/{run}/steps/charge/send").status == 404
    assert dashboard.ask(f"/runs/{run}/steps/nothing/send").status == 404


def test_schedules_are_shown_paused_resumed_and_fired(dashboard: Dashboard, hand: Core) -> None:
    assert "No schedules yet" in words(dashboard, "/schedules")
    spec = {"every": 3600, "timezone": "UTC", "overlap": "skip", "catch_up": "latest"}
    hand.row("select pgflow.create_schedule('order', 'hourly', %s, '{}')", json.dumps(spec))
    shown = words(dashboard, "/schedules")
    assert "hourly order every 3,600 s" in shown
    assert all(f"in {hours} h" in shown for hours in (1, 2, 3, 4))
    paused = send(dashboard, "/schedules", "/schedules/order/hourly/pause")
    assert "The schedule is paused" in said(dashboard, paused)
    again = send(dashboard, "/schedules", "/schedules/order/hourly/pause")
    assert "Nothing was done: the schedule was paused already." in said(dashboard, again)
    fired = send(dashboard, "/schedules", "/schedules/order/hourly/fire")
    assert "This is the run that the schedule started." in said(dashboard, fired)
    assert len(hand.rows("select * from pgflow.runs")) == 1
    resumed = send(dashboard, "/schedules", "/schedules/order/hourly/resume")
    assert "fires again, from now on" in said(dashboard, resumed)
    unknown = send(dashboard, "/schedules", "/schedules/order/nothing/fire")
    assert (unknown.status, "has no schedule" in unknown.page.words) == (409, True)
