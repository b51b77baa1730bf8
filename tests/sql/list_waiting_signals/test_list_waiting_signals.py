"""Who waits for what is found without looking at those who do not."""

from __future__ import annotations

from psycopg.types.json import Jsonb

from tests.support.control import cancel
from tests.support.core import Core, Row
from tests.support.steps_that_wait import add_signal, send


def listed(core: Core, **arguments: object) -> list[Row]:
    return core.call("list_waiting_signals", **arguments)


def asking(core: Core, flow: str, *slugs: str) -> None:
    core.create_flow(flow)
    for slug in slugs:
        add_signal(core, flow, slug, key=["id"], deadline=60)


def test_those_that_have_waited_longest_first(core: Core) -> None:
    asking(core, "f", "yes", "no")
    runs = [core.start_flow("f", {"id": number}).run_id for number in range(3)]
    rows = listed(core)
    assert [(row.run_id, row.step_slug, row.key) for row in rows] == [
        (run, slug, str(number)) for number, run in enumerate(runs) for slug in ("no", "yes")
    ]
    assert {row.flow_slug for row in rows} == {"f"}
    assert all(59 < (row.deadline_at - row.since).total_seconds() <= 60 for row in rows)


def test_of_a_flow_in_any_version_and_of_a_step(core: Core) -> None:
    for flow in ("f", "f_v2", "g"):
        asking(core, flow, "yes", "no")
        core.start_flow(flow)
    assert [row.flow_slug for row in listed(core, only_flow="f_v2", only_step="no")] == ["f", "f_v2"]
    assert [row.flow_slug for row in listed(core, only_flow="g")] == ["g", "g"]
    assert [row.flow_slug for row in listed(core, only_step="yes")] == ["f", "f_v2", "g"]
    assert listed(core, only_flow="nobody") == []


def test_page_by_page(core: Core) -> None:
    asking(core, "f", "a", "b", "c")
    for _ in range(4):
        core.start_flow("f")
    for only in ({}, {"only_flow": "f"}):
        found: list[Row] = []
        while page := listed(
            core,
            **only,
            max_count=5,
            **(
                {}
                if not found
                else {
                    "after_since": found[-1].since,
                    "after_run_id": found[-1].run_id,
                    "after_step_slug": found[-1].step_slug,
                }
            ),
        ):
            found += page
        assert found == listed(core)
        assert len(found) == 12


def test_who_waits_no_more_is_not_listed(core: Core) -> None:
    asking(core, "f", "yes")
    core.add_step("f", "b", ["yes"])
    answered, cancelled, waiting = (core.start_flow("f").run_id for _ in range(3))
    send(core, answered, "yes")
    cancel(core, cancelled)
    assert [row.run_id for row in listed(core)] == [waiting]


def test_a_key_longer_than_an_index_takes(core: Core) -> None:
    asking(core, "f", "yes")
    key = "x" * 100_000
    core.start_flow("f", {"id": key})
    assert listed(core)[0].key == key


def test_a_page_costs_the_same_however_many_wait(core: Core) -> None:
    asking(core, "f", "yes")
    core.add_step("f", "no", options=Jsonb({"kind": "signal"}))
    core.run_sql(
        """insert into pgflow.waiting_signals (run_id, step_slug, flow_slug, since)
           select gen_random_uuid(), 'yes', 'f', now() - n * interval '1 s' from generate_series(1, 3000) n"""
    )
    before = core.rows_read("pgflow.waiting_signals")
    assert len(listed(core, only_flow="f", only_step="yes", max_count=20)) == 20
    assert len(listed(core, max_count=20)) == 20
    assert core.rows_read("pgflow.waiting_signals") - before < 300
