"""One list of options: the language's types, the table, SQL's functions and the page say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pgflow_gen.ir.flow import Json
from pgflow_gen.render.settings.options import settings
from pgflow_gen.render.sql import create_script
from pgflow_runtime.dsl.options import (
    FlowOptions,
    LoopOptions,
    MapOptions,
    StepOptions,
    SubflowOptions,
    WaitOptions,
)
from pgflow_shared import options
from pgflow_shared.options import (
    FLOW_PARAMETERS,
    OPTIONS,
    STEP_PARAMETERS,
    Boolean,
    Key,
    Named,
    OptionRule,
    Owner,
    options_of,
)
from scripts.options_table import PAGE, page
from tests.support.ir import STR, Types, flow, param, step

SCHEMA = Path(__file__).parents[3] / "sql" / "pgflow_sql" / "schema"


def parameters(function: str) -> list[str]:
    """The names of a function's parameters, in order."""
    (file,) = SCHEMA.rglob(f"*{function}.sql")
    text = re.sub(r"--.*", "", file.read_text())
    signature = (
        text[text.index(f"{function}(") :].partition("(")[2].partition(") returns")[0].partition("\n)")[0]
    )
    return [line.split()[0] for line in signature.strip().split(",\n")]


def stored(owner: Owner) -> set[str]:
    return {
        option.sql.parameter for option in OPTIONS if owner in option.on and isinstance(option.sql, Named)
    }


def test_the_language_has_the_options_of_the_table() -> None:
    # Signatures name the rest: the slug of a flow, array= of a map, what decides on a step's type.
    waits = {*WaitOptions.__annotations__, "when_exhausted"}
    assert {*FlowOptions.__annotations__, "slug"} == set(options_of("flow"))
    subflow = {*SubflowOptions.__annotations__, "subflow"}
    assert {*StepOptions.__annotations__, "when_exhausted"} == set(options_of("array"))
    assert {*StepOptions.__annotations__, "when_exhausted"} | subflow == set(options_of("step"))
    assert {*MapOptions.__annotations__, "array", "when_exhausted"} | subflow == set(options_of("map"))
    assert {*LoopOptions.__annotations__, "max_rounds", "when_exhausted"} == set(options_of("loop"))
    assert waits | {"deadline", "key"} == set(options_of("signal"))
    assert waits | {"seconds", "until"} == set(options_of("sleep"))


def test_sql_takes_the_options_of_the_table() -> None:
    assert stored("flow") == set(FLOW_PARAMETERS)
    assert stored("step") | {"step_type"} == set(STEP_PARAMETERS)
    for function, order in (("create_flow", FLOW_PARAMETERS), ("add_step", STEP_PARAMETERS)):
        taken = [name for name in parameters(function) if name in order]
        assert tuple(taken) == order, function


def test_sql_knows_the_keys_of_the_table() -> None:
    """Each is in the list of keys that is not refused, as what the core calls it."""
    for option in OPTIONS:
        if isinstance(option.sql, Key):
            files = {f"_{'flow' if owner == 'flow' else 'step'}_options" for owner in option.on}
            for name in files:
                (file,) = SCHEMA.rglob(f"{name}.sql")
                assert f"'{option.sql.key}'" in file.read_text(), (option.name, name)


def test_the_page_is_up_to_date() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text)


def test_a_new_option_is_a_key_of_options_in_sql(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = OptionRule("loud", frozenset({"flow", "step"}), Boolean(), "says more", "False", Key("is_loud"))
    monkeypatch.setitem(options.BY_NAME, "loud", rule)
    given: dict[str, Json] = {"loud": True, "timeout": 30}
    crawl = flow(step("fetch", param("flow_input", STR), options=given), slug="crawl")
    script = create_script(crawl, Types().table)
    assert """timeout => 30, options => '{"is_loud": true}'""" in script.body.replace("\n", " ")
    assert settings(crawl)["steps"] == {"fetch": {"loud": True, "timeout": 30}}
