"""Array literals and stored messages hold anything a handler may produce, and nothing PostgreSQL refuses."""

from __future__ import annotations

import psycopg
import pytest

from pgflow_runtime.arrays import fences, flags, optional, plain, texts
from pgflow_runtime.errors import BoundaryError
from pgflow_runtime.steering import NonRetryable, RetryAfter
from pgflow_runtime.worker.failure import MAX_BYTES, clean, cut, describe, headline
from pgflow_runtime.worker.outcome import failed, timed_out
from pgflow_runtime.worker.rows import Fence, TaskRow

ROW = TaskRow("claimed", "f", "r", "s", 0, 1, "w", 7, "{}", None, 30, None, 3)


@pytest.mark.parametrize(
    "items",
    [
        [],
        [""],
        ["a", "b,c", "{d}", "NULL", "null", " e "],
        ['say "hi"', "back\\slash", '\\"', "new\nline", "tab\t"],
        ["äöü 😀", '{"a": ["\\u00e4", "\\\\"]}'],
    ],
)
def test_texts_survive_the_way_to_postgres(
    db: psycopg.Connection[tuple[object, ...]], items: list[str]
) -> None:
    row = db.execute("select %s::text[]", (texts(items),)).fetchone()
    assert row is not None
    assert row[0] == items


def test_numbers_flags_and_nulls(db: psycopg.Connection[tuple[object, ...]]) -> None:
    row = db.execute(
        "select %s::int[] as a, %s::boolean[] as b, %s::int[] as c",
        (plain([1, -2]), flags([True, False]), optional([None, 3])),
    ).fetchone()
    assert row is not None
    assert tuple(row) == ([1, -2], [True, False], [None, 3])


def test_fences_are_turned_into_columns() -> None:
    columns = fences([Fence("w1", "r1", "a", 0, 1), Fence("w2", "r2", "b", 5, 2)])
    assert columns == ("{w1,w2}", "{r1,r2}", "{a,b}", "{0,5}", "{1,2}")


def _raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except BaseException as caught:
        return caught


def test_a_message_names_type_text_cause_and_place() -> None:
    message = describe(_raised(ValueError("bad"), KeyError("k")))
    lines = message.splitlines()
    assert lines[:2] == ["ValueError: bad", "caused by KeyError: 'k'"]
    assert f'File "{__file__}", line' in lines[2]
    assert "in _raised" in lines[2]


def test_an_exception_without_text_is_its_type() -> None:
    assert headline(TimeoutError()) == "TimeoutError"


def test_frames_are_the_last_ones() -> None:
    def down(levels: int) -> None:
        if levels:
            down(levels - 1)
        raise RuntimeError("deep")

    with pytest.raises(RuntimeError) as caught:
        down(50)
    assert describe(caught.value).count("in down") == 6


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("a\0b", "a\ufffdb"), ("\ud800x", "\ufffdx"), ("ok 😀", "ok 😀"), ("\ud83d\ude00", "😀")],
)
def test_what_postgres_cannot_store_is_replaced(given: str, wanted: str) -> None:
    assert clean(given) == wanted
    clean(given).encode()


@pytest.mark.parametrize("text", ["x" * MAX_BYTES, "ä" * MAX_BYTES, "😀" * MAX_BYTES])
def test_a_cut_text_fits_and_says_so(text: str) -> None:
    short = cut(text)
    assert len(short.encode()) <= MAX_BYTES
    assert short == text or short.endswith("... (cut)")


def test_steering_exceptions_decide_about_the_retry() -> None:
    plain_one = failed(ROW, ValueError("x"), 0.1)
    assert (plain_one.retryable, plain_one.retry_after) == (True, None)
    assert not failed(ROW, NonRetryable("x"), 0.1).retryable
    assert not failed(ROW, BoundaryError("output", "bad"), 0.1).retryable
    later = failed(ROW, RetryAfter(10, "busy"), 0.1)
    assert (later.retryable, later.retry_after) == (True, 10)
    assert timed_out(ROW, 30.0).message.startswith("TimeoutError: ")
    assert timed_out(ROW, 30.0).retryable
