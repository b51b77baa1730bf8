"""Array literals and stored messages hold anything a handler may produce, and nothing PostgreSQL refuses."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from pgflow_runtime.database.arrays import fences, flags, optional, plain, slugs, texts
from pgflow_runtime.dsl.retry_control import NonRetryable, RetryAfter
from pgflow_runtime.errors import BoundaryError
from pgflow_runtime.worker.protocol.failure import MAX_BYTES, clean, cut, describe, headline, leaf
from pgflow_runtime.worker.protocol.outcome import failed, timed_out
from pgflow_runtime.worker.protocol.rows import Fence, TaskRow

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


def test_numbers_flags_and_numbers_that_may_be_missing(db: psycopg.Connection[tuple[object, ...]]) -> None:
    row = db.execute(
        "select %s::int[] as a, %s::boolean[] as b, %s::int[] as c",
        (plain([1, -2]), flags([True, False]), optional([None, 3])),
    ).fetchone()
    assert row is not None
    assert tuple(row) == ([1, -2], [True, False], [-1, 3])  # what a statement makes NULL of -1


def test_fences_are_turned_into_columns() -> None:
    columns = fences([Fence("w1", "r1", "a", 0, 1), Fence("w2", "r2", "null", 5, 2)])
    assert columns == ("{w1,w2}", "{r1,r2}", '{"a","null"}', "{0,5}", "{1,2}")


def test_slugs_are_never_taken_for_null() -> None:
    assert (slugs(["NULL", "a"]), slugs([])) == ('{"NULL","a"}', "{}")


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


def _in_group(*errors: Exception) -> BaseException:
    async def fail(error: Exception) -> None:
        raise error

    async def together() -> None:
        async with asyncio.TaskGroup() as group:
            for error in errors:
                group.create_task(fail(error))

    with pytest.raises(BaseExceptionGroup) as caught:
        asyncio.run(together())
    return caught.value


def test_a_group_tells_of_the_first_exceptions_in_it_with_their_tracebacks() -> None:
    message = describe(_in_group(*[ValueError(f"no {n}") for n in range(5)]))
    lines = message.splitlines()
    assert lines[0] == (
        "ExceptionGroup: unhandled errors in a TaskGroup (5 sub-exceptions); ValueError: no 0"
    )
    assert [line for line in lines if " of 5: " in line] == [
        f"{n + 1} of 5: ValueError: no {n}" for n in range(3)
    ]
    assert message.count(", in fail\n") == 3
    assert lines[-1] == "and 2 more in ExceptionGroup"


def test_groups_in_groups_are_looked_into_as_far_as_it_helps() -> None:
    error: Exception = KeyError("innermost")
    for _ in range(5_000):
        error = ExceptionGroup("layer", [error])
    message = describe(error)
    assert message.count("1 of 1: ") == 3
    assert isinstance(leaf(error), KeyError)


def test_all_of_a_chain_with_notes_and_tracebacks() -> None:
    first = _raised(KeyError("first"))
    try:
        try:
            raise second_error() from first
        except OSError:
            raise ValueError("third") from None
    except ValueError as error:
        alone = error
    try:
        raise RuntimeError("last")
    except RuntimeError as error:
        error.__context__ = _raised(second_error(), first)
        error.add_note("row 17")
        error.add_note("of file\n a.csv")
        message = describe(error)
    lines = message.splitlines()
    assert lines[:5] == [
        "RuntimeError: last", "note: row 17", "note: of file", " a.csv", "while handling OSError: second"
    ]  # fmt: skip
    assert lines[5] == "caused by KeyError: 'first'"
    assert "where OSError was raised:\n  File" in message
    assert "where KeyError was raised:\n  File" in message
    assert "second" not in describe(alone)


def second_error() -> OSError:
    return OSError("second")


class Hostile(Exception):
    """Raises wherever it can."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__

    @property
    def __notes__(self) -> list[str]:  # type: ignore[override]
        raise KeyboardInterrupt


class HostileText(str):
    def __format__(self, spec: str) -> str:
        raise RuntimeError

    encode = replace = isascii = __format__  # type: ignore[assignment]


class Formatted(Exception):
    def __str__(self) -> str:
        return HostileText("text")


def _odd_notes() -> Exception:
    error = ValueError("x")
    error.__notes__ = [7, None, "\0" * 20_000, *["n"] * 100_000]  # type: ignore[list-item]
    return error


class HostileGroup(ExceptionGroup[Exception]):
    @property
    def exceptions(self) -> tuple[Exception, ...]:
        raise RuntimeError


def _circle() -> Exception:
    first, second = ValueError("first"), ValueError("second")
    first.__context__, second.__context__ = second, first
    return first


@pytest.mark.parametrize(
    "error",
    [
        Hostile(), Formatted(), _odd_notes(), _circle(),
        ExceptionGroup("g", [Hostile(), Formatted(), _odd_notes()]), HostileGroup("h", [Hostile()]),
        ExceptionGroup("g" * 50_000, [ValueError("\ud800" * 50_000) for _ in range(2_000)]),
    ],
    ids=["hostile", "text", "notes", "circle", "group", "hostile group", "large"],
)  # fmt: skip
def test_whatever_an_exception_does_there_is_a_message_that_can_be_stored(error: Exception) -> None:
    message = describe(_raised(error))
    assert message.startswith(type(error).__name__)
    assert 0 < len(message.encode()) <= MAX_BYTES
    assert "\0" not in message
    if isinstance(error, ExceptionGroup):
        assert "1 of " in message


def test_a_group_of_one_steers_as_what_is_in_it() -> None:
    assert not failed(ROW, _in_group(NonRetryable("no")), 0.1).retryable
    assert failed(ROW, _in_group(RetryAfter(7)), 0.1).retry_after == 7
    assert failed(ROW, ExceptionGroup("two", [NonRetryable("no"), ValueError()]), 0.1).retryable


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
