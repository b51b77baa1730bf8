"""Values as people read them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgflow_runtime.dashboard.lists.search import Search
from pgflow_runtime.dashboard.text import (
    SHOWN,
    ago,
    clamped,
    count,
    duration,
    json_markup,
    json_text,
    size,
    tick,
)
from pgflow_runtime.dashboard.types import type_words

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=40) | st.dictionaries(st.text(), inner, max_size=8),
    max_leaves=80,
)


class Text(HTMLParser):
    def __init__(self, markup: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: set[str] = set()
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(VALUES)
def test_json_says_the_same_in_every_form(value: Any) -> None:
    text = json_text(value)
    assert json.loads(text) == value
    read = Text(str(json_markup(json.dumps(value))))
    assert read.tags <= {"span"}
    if len(text) <= SHOWN:
        assert unescape(read.text) == unescape(text)


def test_json_is_laid_out_to_be_read() -> None:
    assert json_text({"a": [1, 2], "b": {}}) == '{\n  "a": [1, 2],\n  "b": {}\n}'
    assert json_text([[1, 2], []]) == "[\n  [1, 2],\n  []\n]"
    numbers = json_text(list(range(100)))
    assert max(map(len, numbers.splitlines())) <= 84
    assert len(numbers.splitlines()) < 10


def test_deep_and_long_values() -> None:
    deep: Any = 1
    for _ in range(400):
        deep = [deep]
    assert json.loads(json_text(deep)) == deep
    assert "and more" in str(json_markup(json.dumps("x" * (SHOWN + 100))))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""), (0, "0 ms"), (-1, "0 ms"), (0.0004, "0.4 ms"), (0.0841, "84 ms"), (0.9996, "1.0 s"),
        (2.46, "2.5 s"), (59.96, "1 min 00 s"), (65, "1 min 05 s"), (3599.7, "1 h 00 min"),
        (12_000, "3 h 20 min"), (187_200, "2 d 04 h"),
    ],
)  # fmt: skip
def test_duration(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_counts_sizes_and_ticks() -> None:
    assert [count(n) for n in (None, 0, 2.5, 1234567)] == ["–", "0", "2.5", count(1234567)]
    assert count(1234567).split() == ["1", "234", "567"]
    assert [size(n) for n in (12, 12_345, 12_345_678)] == ["12 bytes", "12 kB", "12.3 MB"]
    assert [tick(n) for n in (0, 0.2, 5, 120, 7200, 172800)] == ["0", "200 ms", "5 s", "2 min", "2 h", "2 d"]
    assert [tick(n) for n in (80, 90 * 60, 36 * 3600)] == ["1 min 20 s", "1 h 30 min", "1 d 12 h"]


def test_how_long_ago() -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    seconds = (0, 9, 10, 59, 60, 3599, 7200, 86_400, 200_000, -30, -0.5)
    assert [ago(now - timedelta(seconds=n), now) for n in seconds] == [
        "just now", "just now", "10 s ago", "59 s ago", "1 min ago", "59 min ago", "2 h ago", "1 day ago",
        "2 days ago", "in 30 s", "just now",
    ]  # fmt: skip
    assert ago(None, now) == ""


def test_a_long_message_is_clamped_between_lines() -> None:
    assert clamped("short") == ("short", "", False)
    message = "\n".join("x" * 99 for _ in range(100))
    shown, rest, is_cut = clamped(message)
    assert is_cut
    assert shown + rest == message
    assert len(shown) == 1499
    assert len(clamped("y" * 10_000)[0]) == 1500


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", Search()),
        ("01a2", Search(UUID("01a2" + "0" * 28), UUID("01a3" + "0" * 28))),
        (str(UUID(int=7)), Search(UUID(int=7), UUID(int=8))),
        ("ffff", Search(UUID("ffff" + "0" * 28), None)),
        ("abc", Search(in_input="abc")),
        (' {"a": 1} ', Search(input_contains='{"a": 1}')),
        ("[NaN]", Search(in_input="[NaN]")),
        ("{broken", Search(in_input="{broken")),
        ("ann@example.org", Search(in_input="ann@example.org")),
    ],
)
def test_what_is_typed_into_the_search_field(text: str, wanted: Search) -> None:
    assert Search.read(text) == wanted
    assert (wanted.only_id is not None) == (text == str(UUID(int=7)))


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({}, "anything"),
        (True, "anything"),
        ({"$ref": "#/$defs/Order"}, "Order"),
        ({"type": "array", "items": {"$ref": "#/$defs/Order"}}, "list of Order"),
        ({"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]}, "[text, integer]"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text or null"),
        ({"enum": ["a", 1]}, '"a" or 1'),
        ({"const": None}, "null"),
        ({"type": ["integer", "null"]}, "integer or null"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "{any name: number}"),
        ({"type": "object", "properties": {"a": {"type": "boolean"}}}, "{a?: true or false}"),
        ({"type": "object"}, "object"),
    ],
)
def test_types_in_words(schema: Any, words: str) -> None:
    assert type_words(schema) == words


def test_types_without_end_have_one() -> None:
    schema: Any = {"type": "string"}
    for _ in range(100):
        schema = {"type": "array", "items": schema}
    assert len(type_words(schema)) < 400
