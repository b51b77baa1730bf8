"""Migrations of undos and ends: companions of their own, before their flow, whose options tell of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgflow_gen.ir.flow import CompanionHandler, FlowSpec, Json
from pgflow_gen.ir.types import NONE
from tests.support.history import History, codes
from tests.support.ir import STR, element, end, flow, list_of, param, step, undo, with_companions


def order(*handlers: CompanionHandler, **options: Json) -> FlowSpec:
    spec = flow(
        step("prices", param("flow_input", STR), returns=list_of(STR)),
        step("stock", element("price", STR), kind="map", array="prices"),
        step("charge", param("prices", list_of(STR))),
        slug="order",
        options=options,
    )
    return with_companions(spec, *handlers)


def refund(name: str = "refund", **options: Json) -> CompanionHandler:
    return undo("charge", step(name, param("charge", STR), returns=NONE, options=options))


def put_back() -> CompanionHandler:
    return undo(
        "stock", step("put_back", param("stock", STR), param("charge", STR, default=True), returns=NONE)
    )


def tell(name: str = "tell", on: str = "failed") -> CompanionHandler:
    return end(step(name, param("run_end", None), returns=NONE, options={"on": on}))


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


def test_companions_are_created_before_their_flow(history: History) -> None:
    history.build(order(refund(), put_back(), tell(), max_attempts=2))
    assert history.files() == ["0001_order__undo.sql", "0002_order__end_tell.sql", "0003_order.sql"]
    assert history.calls("0001_order__undo.sql") == [
        "select pgflow.create_flow('order__undo', max_attempts => 2,"
        """ options => '{"companion": {"of": "order"}}'::jsonb);""",
        "select pgflow.add_step('order__undo', 'refund',"
        """ required_input_pattern => '{"steps": {"charge": {"done": true}}}'::jsonb);""",
        "select pgflow.add_step('order__undo', 'put_back_items',"
        """ required_input_pattern => '{"steps": {"stock": {"done": true}}}'::jsonb,"""
        """ options => '{"kind": "pick", "pick": ["steps", "stock", "elements"]}'::jsonb);""",
        "select pgflow.add_step('order__undo', 'put_back', array['put_back_items'], step_type => 'map',"
        """ required_input_pattern => '{"flow_input": {"steps": {"stock": {"done": true}}}}'::jsonb);""",
    ]
    assert history.calls("0002_order__end_tell.sql") == [
        "select pgflow.create_flow('order__end_tell', max_attempts => 2,"
        """ options => '{"companion": {"of": "order"}}'::jsonb);""",
        "select pgflow.add_step('order__end_tell', 'tell');",
    ]
    assert history.calls("0003_order.sql")[0] == (
        "select pgflow.create_flow('order', max_attempts => 2, options => '"
        '{"ends": {"order__end_tell": {"on": "failed"}}, "undo": {"flow": "order__undo",'
        ' "steps": {"charge": {"by": "refund"}, "stock": {"by": "put_back"}}, "reads": ["charge"]}}'
        "'::jsonb);"
    )
    assert set(history.manifest()["shapes"]) == {"order", "order__undo", "order__end_tell"}


def test_a_new_end_is_its_migration_and_an_alter_of_the_flow(history: History) -> None:
    history.build(order(refund()))
    history.release()
    history.build(order(refund(), tell()))
    assert history.files()[2:] == ["0003_order__end_tell.sql", "0004_alter_order.sql"]
    (call,) = history.calls("0004_alter_order.sql")
    assert '"ends": {"order__end_tell": {"on": "failed"}}' in call


def test_an_end_that_is_gone_is_an_alter_of_the_flow_and_may_come_again(history: History) -> None:
    history.build(order(refund(), tell()))
    history.release()
    history.build(order(refund()))
    assert history.files()[3:] == ["0004_alter_order.sql"]
    assert "ends" not in history.text("0004_alter_order.sql")
    history.release()
    history.build(order(refund(), tell(on="cancelled")))
    assert history.files()[4:] == ["0005_alter_order.sql"]


def test_an_end_that_was_never_released_takes_its_draft_with_it(history: History) -> None:
    history.build(order(tell()))
    history.build(order(tell("say")))
    assert history.files() == ["0002_order.sql", "0003_order__end_say.sql"]
    history.build()
    assert history.files() == ["0002_order.sql", "0003_order__end_say.sql"]  # as of any flow that is gone


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([], [refund()], "step 'charge' is undone by 'refund' now; it was undone by nothing"),
        ([refund()], [], "step 'charge' is undone by nothing now; it was undone by 'refund'"),
        ([refund()], [refund("give_back")], "step 'charge' is undone by 'give_back' now"),
    ],
    ids=["added", "taken away", "renamed"],
)
def test_another_undo_is_another_structure_of_the_flow_alone(
    before: list[CompanionHandler], after: list[CompanionHandler], told: str, history: History
) -> None:
    history.build(order(*before))
    history.release()
    (finding,) = history.plan(order(*after)).findings
    assert codes([finding]) == [("PGF401", finding.span.path)]
    assert told in finding.notes[0]


def test_which_tasks_are_undone_and_what_is_read_are_settings(history: History) -> None:
    history.build(order(refund(), put_back()))
    history.release()
    history.build(order(refund(when="started"), put_back()))
    assert history.files()[2:] == ["0003_alter_order.sql"]
    assert '"charge": {"by": "refund", "when": "started"}' in history.text("0003_alter_order.sql")


def test_the_flows_defaults_are_those_of_its_companions(history: History) -> None:
    history.build(order(refund(), tell(), timeout=30))
    history.release()
    history.build(order(refund(), tell(), timeout=40, run_timeout=600))
    assert history.files()[3:] == [
        "0004_alter_order__undo.sql",
        "0005_alter_order__end_tell.sql",
        "0006_alter_order.sql",
    ]
    (call,) = history.calls("0005_alter_order__end_tell.sql")
    assert call == (
        "select pgflow.alter_flow('order__end_tell', timeout => 40,"
        """ options => '{"companion": {"of": "order"}}'::jsonb);"""
    )


def test_versions_have_companions_of_their_own(history: History) -> None:
    first = order(refund(), tell())
    history.build(first)
    history.release()
    second = with_companions(flow(step("charge"), slug="order", version=2, line=500), refund("other"), tell())
    history.build(first, second)
    assert history.files()[3:] == [
        "0004_order_v2__undo.sql",
        "0005_order_v2__end_tell.sql",
        "0006_order_v2.sql",
    ]
