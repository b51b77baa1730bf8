"""Visibility timeouts of many messages at once (specification/core.md, "Messages")."""

from __future__ import annotations

import pytest

from tests.support.core import Core


@pytest.fixture
def queue(core: Core) -> Core:
    core.run_sql("select pgmq.create('q')")
    core.run_sql("select pgmq.send('q', jsonb_build_object('n', n)) from generate_series(1, 4) n")
    return core


def test_each_message_gets_its_offset(queue: Core) -> None:
    before = queue.clock().timestamp()
    rows = queue.rows("select * from pgflow.set_vt_batch('q', array[3, 1], array[100, -5])")
    after = queue.clock().timestamp()
    assert {row.msg_id for row in rows} == {1, 3}
    for row in rows:
        offset = {3: 100, 1: -5}[row.msg_id]
        assert before - 0.001 <= row.vt.timestamp() - offset <= after + 0.001
    stored = {row.msg_id: row.vt for row in queue.queue("q")}
    assert {row.msg_id: row.vt for row in rows}.items() <= stored.items()
    assert stored[2].timestamp() < before


def test_columns(queue: Core) -> None:
    row = queue.row(
        "select * from pgflow.set_vt_batch(queue_name => 'q', msg_ids => array[2], vt_offsets => array[0])"
    )
    assert row._fields == ("msg_id", "read_ct", "enqueued_at", "vt", "message", "headers")
    assert (row.msg_id, row.read_ct, row.message, row.headers) == (2, 0, {"n": 2}, None)


def test_bigint_ids(queue: Core) -> None:
    assert len(queue.rows("select * from pgflow.set_vt_batch('q', array[2::bigint], array[0])")) == 1


def test_ids_not_in_the_queue_are_left_out(queue: Core) -> None:
    rows = queue.rows("select * from pgflow.set_vt_batch('q', array[99, 2], array[1, 1])")
    assert [row.msg_id for row in rows] == [2]


@pytest.mark.parametrize(
    "arguments", ["null, null", "null, '{1}'", "'{1}', null", "'{}', '{}'", "null::bigint[], '{}'"]
)
def test_nothing_to_do(queue: Core, arguments: str) -> None:
    assert queue.rows(f"select * from pgflow.set_vt_batch('q', {arguments})") == []


def test_lengths_differ(queue: Core) -> None:
    with queue.refused(r"msg_ids length \(2\) must equal vt_offsets length \(1\)"):
        queue.rows("select * from pgflow.set_vt_batch('q', '{1,2}', '{1}')")
    with queue.refused(r"msg_ids length \(0\) must equal vt_offsets length \(1\)"):
        queue.rows("select * from pgflow.set_vt_batch('q', '{}', '{1}')")


def test_unknown_queue(queue: Core) -> None:
    with queue.refused('relation "pgmq.q_nope" does not exist', sqlstate="42P01"):
        queue.rows("select * from pgflow.set_vt_batch('nope', '{1}', '{1}')")


def test_queue_with_capitals(core: Core) -> None:
    core.run_sql("select pgmq.create('MyQueue')")
    core.run_sql("select pgmq.send('MyQueue', '{}')")
    assert len(core.rows("select * from pgflow.set_vt_batch('MyQueue', '{1}', '{1}')")) == 1


def test_a_hostile_name_is_only_a_name(queue: Core) -> None:
    with queue.refused():
        queue.rows("select * from pgflow.set_vt_batch('q set vt = now(); --', '{1}', '{1}')")
