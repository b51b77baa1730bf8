"""What happens outside is told to runs by what their input has of it."""

from __future__ import annotations

import pytest

from tests.support.control import cancel, retry
from tests.support.core import Core, Json
from tests.support.steps_that_wait import add_signal, send_by_key


def ordering(core: Core, flow: str = "order", key: list[str] | None = None) -> None:
    core.create_flow(flow)
    core.add_step(flow, "a")
    add_signal(core, flow, "paid", ["a"], key=key or ["order_id"])


def keys(core: Core) -> list[tuple[str, str]]:
    return [(row.step_slug, row.key) for row in core.rows("select * from pgflow.signal_keys order by key")]


def test_one_that_waits(core: Core) -> None:
    ordering(core)
    run = core.start_flow("order", {"order_id": "o-7"}).run_id
    core.work("order")
    assert send_by_key(core, "order", "paid", "o-7", {"cents": 5}) == {run: "taken"}
    assert core.run(run).output == {"paid": {"cents": 5}}


def test_one_that_does_not_wait_yet_loses_nothing(core: Core) -> None:
    ordering(core)
    run = core.start_flow("order", {"order_id": "o-7"}).run_id
    assert send_by_key(core, "order", "paid", "o-7", 1) == {run: "kept"}
    core.work("order")
    assert core.run(run).output == {"paid": 1}


def test_all_started_runs_of_all_versions(core: Core) -> None:
    ordering(core)
    ordering(core, "order_v2")
    ordering(core, "orders")
    runs = [core.start_flow(flow, {"order_id": "x"}).run_id for flow in ("order", "order_v2", "order")]
    core.start_flow("orders", {"order_id": "x"})
    core.start_flow("order", {"order_id": "y"})
    assert send_by_key(core, "order", "paid", "x") == dict.fromkeys(runs, "kept")
    assert send_by_key(core, "order_v2", "paid", "x", None, "m") == dict.fromkeys(runs, "kept")
    assert send_by_key(core, "order_v2", "paid", "x", None, "m") == dict.fromkeys(runs, "duplicate")


def test_one_that_has_had_it(core: Core) -> None:
    core.create_flow("order")
    add_signal(core, "order", "paid", key=["order_id"])
    core.add_step("order", "b", ["paid"])
    run = core.start_flow("order", {"order_id": "x"}).run_id
    assert [send_by_key(core, "order", "paid", "x") for _ in range(2)] == [{run: "taken"}, {run: "late"}]


def test_runs_that_have_ended_are_not_found(core: Core) -> None:
    ordering(core)
    run = core.start_flow("order", {"order_id": "x"}).run_id
    core.work("order")
    send_by_key(core, "order", "paid", "x")
    other = core.start_flow("order", {"order_id": "x"}).run_id
    cancel(core, other)
    assert core.run(run).status == "completed"
    assert (send_by_key(core, "order", "paid", "x"), keys(core)) == ({}, [])
    retry(core, other)
    assert send_by_key(core, "order", "paid", "x") == {other: "kept"}


def test_a_fork_has_the_key_of_its_input(core: Core) -> None:
    ordering(core)
    run = core.start_flow("order", {"order_id": "x"}).run_id
    (row,) = core.call("fork_run", run_id=run, from_steps=["a"])
    assert send_by_key(core, "order", "paid", "x") == {run: "kept", row.fork_run: "kept"}


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("x", "x"),
        (7, "7"),
        (7.0, "7"),
        (2**70, str(2**70)),
        (1.5, "1.5"),
        ("", ""),
        ("ä€ \n", "ä€ \n"),
        pytest.param("k" * 100_000, "k" * 100_000, id="long"),
    ],
)
def test_what_is_a_key(core: Core, value: Json, key: str) -> None:
    ordering(core)
    run = core.start_flow("order", {"order_id": value}).run_id
    assert keys(core) == [("paid", key)]
    assert send_by_key(core, "order", "paid", key) == {run: "kept"}


def test_long_keys_that_differ_late(core: Core) -> None:
    ordering(core)
    runs = [core.start_flow("order", {"order_id": "k" * 5000 + str(n)}).run_id for n in range(3)]
    assert send_by_key(core, "order", "paid", "k" * 5000 + "1") == {runs[1]: "kept"}


@pytest.mark.parametrize(
    "run_input",
    [None, 1, [], {}, {"order_id": None}, {"order_id": True}, {"order_id": {}}, {"order_id": [1]}],
)
def test_what_is_none(core: Core, run_input: Json) -> None:
    ordering(core)
    core.start_flow("order", run_input)
    assert keys(core) == []


def test_deep_in_the_input(core: Core) -> None:
    ordering(core, key=["cart", "ids", "1"])
    core.start_flow("order", {"cart": {"ids": ["a", "b"]}})
    assert keys(core) == [("paid", "b")]


def test_keys_of_several_signals(core: Core) -> None:
    core.create_flow("order")
    add_signal(core, "order", "paid", key=["order_id"])
    add_signal(core, "order", "sent", key=["parcel"])
    add_signal(core, "order", "free")
    run = core.start_flow("order", {"order_id": "x", "parcel": "x"}).run_id
    assert send_by_key(core, "order", "sent", "x", "s") == {run: "taken"}
    assert send_by_key(core, "order", "paid", "x", "p") == {run: "taken"}


class TestMistakes:
    def test_an_unknown_flow(self, core: Core) -> None:
        with core.refused('Unknown flow "order"', sqlstate="PF001"):
            send_by_key(core, "order", "paid", "x")

    @pytest.mark.parametrize("slug", ["a", "nothing", "free"])
    def test_a_step_that_is_no_signal_with_a_key(self, core: Core, slug: str) -> None:
        ordering(core)
        add_signal(core, "order", "free")
        with core.refused(f'Flow "order" has no signal "{slug}" with a key', sqlstate="PF011"):
            send_by_key(core, "order", slug, "x")

    @pytest.mark.parametrize("key", [[], "order_id", [1], {}, [None]])
    def test_what_no_path_of_a_key_can_be(self, core: Core, key: Json) -> None:
        core.create_flow("order")
        with core.refused("key must be a path", sqlstate="PF011"):
            add_signal(core, "order", "paid", key=key)


def test_a_key_is_found_however_many_others_there_are(core: Core) -> None:
    ordering(core)
    run = core.start_flow("order", {"order_id": "x"}).run_id
    core.run_sql("analyze pgflow.signal_keys")
    assert send_by_key(core, "order", "paid", "nobody") == {}  # a plan is kept that was made for one key
    core.run_sql(
        """insert into pgflow.signal_keys (run_id, step_slug, family, key)
           select gen_random_uuid(), 'paid', 'order', 'y' || n from generate_series(1, 3000) n"""
    )
    before = core.rows_read("pgflow.signal_keys")
    assert send_by_key(core, "order", "paid", "x") == {run: "kept"}
    assert core.rows_read("pgflow.signal_keys") - before < 100
