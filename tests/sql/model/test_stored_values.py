"""Values in memory are what jsonb makes of them: their texts, and what contains what."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgflow_runtime.testing.engine.model import contains
from pgflow_runtime.testing.engine.stored import normalised, store
from tests.support.core import Core

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
NUMBERS = st.one_of(
    st.integers(),
    st.integers(-3, 3),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 1.0, 1e22, 1e300, 5e-324, 1.5e3, 10**40, -(10**30)]),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
KEYS = st.one_of(TEXTS, st.sampled_from(["a", "b", "aa", "é", "z", "id"]))


def _nested(scalars: st.SearchStrategy[Any], keys: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        scalars,
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4)),
        max_leaves=12,
    )


VALUES = _nested(SCALARS, KEYS)
FEW = _nested(st.sampled_from([None, True, False, 1, 1.0, 0, -0.0, "a", ""]), st.sampled_from("ab"))


def _of(core: Core, value: str) -> str:
    text: str = core.value("select %s::jsonb::text", value)
    return text


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES, spaced=st.booleans())
def test_a_value_is_stored_as_by_the_server(core: Core, value: Any, spaced: bool) -> None:
    text = json.dumps(value, ensure_ascii=not spaced, indent=1 if spaced else None)
    assert normalised(text) == _of(core, text)


@pytest.mark.parametrize(
    "text",
    [
        '{"b": 1, "a": 2, "aa": 3, "a": 4}', '"\\u0041\\ud83d\\ude00\\u007f\\u0001\\/\\b"', " [ ] ", "{}",
        '""', "1e22", "1.50", "-0", "-0.0", "-0e5", "0e10", "1E-7", "12e-1", "1.0e2", "1e400",
        "1234567890123456789012345.5",
    ],
)  # fmt: skip
def test_odd_spellings_are_stored_as_by_the_server(core: Core, text: str) -> None:
    assert normalised(text) == _of(core, text)


@pytest.mark.parametrize(
    "text",
    [
        '"\\u0000"',
        '{"\\u0000": 1}',
        '"\\ud800"',
        "NaN",
        "Infinity",
        "1e131072",
        "1e-16384",
        "",
        "[1,]",
        "1e999999999",
    ],
)
def test_what_the_server_refuses_is_refused(core: Core, text: str) -> None:
    with pytest.raises(psycopg.DataError), core.connection.transaction():
        _of(core, text)
    with pytest.raises(ValueError, match=r"."):
        store(text)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=FEW, pattern=st.dictionaries(st.sampled_from("ab"), FEW, max_size=2))
def test_containment_is_the_servers(core: Core, value: Any, pattern: Any) -> None:
    texts = json.dumps(value), json.dumps(pattern)
    assert contains(store(texts[0]), store(texts[1])) == core.value("select %s::jsonb @> %s::jsonb", *texts)
