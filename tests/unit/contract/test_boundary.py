"""What may cross a boundary as JSON, and what is refused with its path."""

from __future__ import annotations

import json
from collections import OrderedDict, defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgflow_runtime.contract.boundary import MAX_DEPTH, decode, encode
from pgflow_runtime.errors import BoundaryError


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Text(str):
    __slots__ = ()


def nested(levels: int, core: Any = 0) -> Any:
    value = core
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        0,
        False,
        True,
        "",
        [],
        {},
        None,
        1.5,
        -0.0,
        2**70,
        -(2**70),
        "ä🎉\u2028\x7f",
        {"": [None, {"a": 1e300}]},
    ],
    ids=repr,
)
def test_json_values_survive(value: Any) -> None:
    found = decode(encode(value))
    assert found == value
    assert type(found) is type(value)


def test_subclasses_that_are_json_pass_as_what_they_are() -> None:
    counts: defaultdict[str, int] = defaultdict(int)
    counts["a"] += 1
    value = [counts, OrderedDict(b=2), Colour.RED, Level.HIGH]
    assert decode(encode(value)) == [{"a": 1}, {"b": 2}, "red", 3]


@pytest.mark.parametrize(
    ("value", "path", "reason"),
    [
        (float("nan"), "output", "is nan"),
        ({"a": [1.0, float("-inf")]}, "output.a[1]", "is -inf"),
        ({"a": (1, 2)}, "output.a", "is of type tuple, which is not JSON; return a list"),
        ({1, 2}, "output", "is of type set, which is not JSON; return a sorted list"),
        ({"a": {1: 2}}, "output.a", "has the key 1; keys must be str"),
        ({"a": {None: 2}}, "output.a", "has the key None"),
        ({"a": {True: 2}}, "output.a", "has the key True"),
        (["x", "a\0b"], "output[1]", "NUL or a lone surrogate"),
        ({"k": "\ud800"}, "output.k", "NUL or a lone surrogate"),
        ({"k\0": 1}, "output", "a key with a NUL"),
        ({"odd key": [b"x"]}, "output['odd key'][0]", "is of type bytes"),
        (Decimal("1.5"), "output", "is of type Decimal"),
        (datetime(2024, 1, 1, tzinfo=UTC), "output", "is of type datetime"),
        ([Text("x")], "output[0]", "is of type Text, which is not JSON; wrap it in str(...)"),
        (nested(MAX_DEPTH + 1), "output" + "[0]" * MAX_DEPTH, "is nested deeper than 500 levels"),
    ],
)
def test_what_is_not_json_is_refused_with_its_path(value: Any, path: str, reason: str) -> None:
    with pytest.raises(BoundaryError) as failure:
        encode(value)
    assert failure.value.path == path
    assert reason in failure.value.reason


def test_depth_is_counted_exactly_and_a_loop_is_too_deep() -> None:
    assert encode(nested(MAX_DEPTH)).count("[") == MAX_DEPTH
    with pytest.raises(BoundaryError, match="deeper"):
        encode(nested(MAX_DEPTH, core=[]))
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(BoundaryError, match="deeper"):
        encode(loop)


def test_size_is_limited_in_bytes() -> None:
    assert encode("é" * 10, max_bytes=22) == '"éééééééééé"'
    with pytest.raises(BoundaryError, match="22 bytes of JSON, the limit is 21"):
        encode("é" * 10, max_bytes=21)


def test_paths_start_with_the_given_root() -> None:
    with pytest.raises(BoundaryError, match=r"^input\.a\[0\]: "):
        encode({"a": [{1}]}, root="input")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0")), inner)
    ),
)


@given(json_values)
def test_every_json_value_survives(value: Any) -> None:
    assert json.loads(encode(value)) == value


@given(json_values, st.sampled_from([float("nan"), "\0", "\udfff", {1}, (1,), b"", object(), {2: 3}]))
def test_one_bad_value_anywhere_is_found(value: Any, bad: Any) -> None:
    for whole in ([value, bad], {"a": value, "b": [bad]}, [{"k": bad}, value]):
        with pytest.raises(BoundaryError):
            encode(whole)
