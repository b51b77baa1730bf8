"""What has no parameter of its own is a key of `options`, for flows and for steps."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.support.core import Core, Json

OWNERS = ("create_flow", "alter_flow", "add_step", "alter_step")


def call(core: Core, function: str, options: Json) -> Any:
    """One of the four functions on flow or step; those that alter find theirs."""
    address = {"flow_slug": "f"}
    if function.endswith("step"):
        core.create_flow("f")
        address["step_slug"] = "a"
    if function == "alter_flow":
        core.create_flow("f", options=Jsonb({"run_timeout": 5}))
    if function == "alter_step":
        core.add_step("f", "a", options=Jsonb({"reads_input": True}))
    (row,) = core.call(function, **address, options=None if options is None else Jsonb(options))
    return row.options


def own(function: str) -> tuple[str, Json]:
    """The option that the function knows, with a value."""
    return ("run_timeout", 60) if function.endswith("flow") else ("reads_input", False)


@pytest.mark.parametrize("function", OWNERS)
def test_they_are_stored(core: Core, function: str) -> None:
    name, value = own(function)
    assert call(core, function, {name: value}) == {name: value}


@pytest.mark.parametrize("function", OWNERS)
@pytest.mark.parametrize("empty", [{}, None, "null of its own"])
def test_null_is_as_if_it_were_not_given(core: Core, function: str, empty: Json) -> None:
    """Also where an option was set: the functions set the complete set."""
    given = {own(function)[0]: None} if isinstance(empty, str) else empty
    assert call(core, function, given) == {}


@pytest.mark.parametrize("function", OWNERS)
def test_unknown_keys_are_refused_in_words(core: Core, function: str) -> None:
    name, value = own(function)
    owner = function.rpartition("_")[2]
    with core.refused(f'A {owner} has no option "loud"', sqlstate="PF011"):
        call(core, function, {name: value, "loud": True})


@pytest.mark.parametrize("function", OWNERS)
@pytest.mark.parametrize("options", [[], 1, "x", True])
def test_what_is_no_object_is_refused_in_words(core: Core, function: str, options: Json) -> None:
    with core.refused("are an object", sqlstate="PF011"):
        call(core, function, options)


@pytest.mark.parametrize("value", [0, -1, 31_536_001, 1.5, "60", True, [60], {}, 1e300])
@pytest.mark.parametrize("function", ["create_flow", "alter_flow"])
def test_a_run_timeout_is_a_second_to_a_year(core: Core, function: str, value: Json) -> None:
    with core.refused("run_timeout must be a whole number of seconds", sqlstate="PF011"):
        call(core, function, {"run_timeout": value})


@pytest.mark.parametrize("value", [1, 31_536_000, 60.0])
def test_run_timeouts_at_the_edge(core: Core, value: Json) -> None:
    call(core, "create_flow", {"run_timeout": value})
    assert core.value("select run_timeout from pgflow.prepared_flows") == value


@pytest.mark.parametrize("value", [0, "true", [], {}])
@pytest.mark.parametrize("function", ["add_step", "alter_step"])
def test_reading_the_input_is_true_or_false(core: Core, function: str, value: Json) -> None:
    with core.refused("reads_input must be true or false", sqlstate="PF011"):
        call(core, function, {"reads_input": value})


def test_steps_have_one_of_six_kinds(core: Core) -> None:
    core.flow("f", "a")
    assert core.value("select kind from pgflow.steps") == "task"
    for kind in ("signal", "sleep", "loop", "subflow", "pick", "task"):
        core.run_sql("update pgflow.steps set kind = %s", kind)
    with core.refused(constraint="kind_is_valid"):
        core.run_sql("update pgflow.steps set kind = 'other'")


class TestNotingWhichStepsReadTheInput:
    def test_those_that_are_there(self, core: Core) -> None:
        core.flow("f", "a", "b < a", "c < b")
        core.call("alter_step", flow_slug="f", step_slug="c", options=Jsonb({"reads_input": True}))
        reads = Jsonb({"a": True, "b": False, "nobody": True})
        for noted in (2, 0):
            assert core.value("select pgflow.note_input_readers('f', %s)", reads) == noted
        found = core.rows("select step_slug, options from pgflow.steps order by 1")
        assert [(row.step_slug, row.options["reads_input"]) for row in found] == [
            ("a", True), ("b", False), ("c", True),
        ]  # fmt: skip
        assert core.value("select pgflow.get_flow_definition('f')")["reads_input"]["b"] is False

    @pytest.mark.parametrize("reads", [None, [], 1, {"a": None}, {"a": 1}, {"a": "true"}])
    def test_what_is_no_such_object(self, core: Core, reads: Json) -> None:
        core.flow("f", "a")
        with core.refused("true and false", sqlstate="PF011"):
            core.value("select pgflow.note_input_readers('f', %s)", Jsonb(reads))

    def test_unknown_flow(self, core: Core) -> None:
        with core.refused(sqlstate="PF001"):
            core.value("select pgflow.note_input_readers('nope', '{}')")
