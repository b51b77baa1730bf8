# ruff: noqa: E501 - tables of SQL
"""Steps that wait, loops, conditions and schedules in SQL: what is structure, what is a setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgflow_gen.ir.flow import FlowSpec
from pgflow_gen.ir.structure import structure
from pgflow_gen.ir.types import TypeTable
from pgflow_gen.render.settings.options import settings
from pgflow_gen.render.sql import alter_script
from pgflow_shared.structure import changes, structure_hash
from tests.support.analysis import read_flow

HEAD = """
from pgflow_runtime import FIRE_TIME, Again, Failed, Flow, JsonValue, Signal, Sleep

flow = Flow[JsonValue]("flow")

@flow.step(when_exhausted="skip")
def first() -> JsonValue: ...

"""
PLAIN = "@flow.step\ndef second(first: JsonValue = None) -> int: ...\n"


def read(root: Path, code: str) -> tuple[FlowSpec, TypeTable]:
    found = read_flow(root, HEAD + code).clean()
    return found.flow, found.analyzed.analysis.types


def calls(root: Path, before: str, after: str) -> list[str]:
    """The calls that lead from one source to another of the same structure; none of them create anything."""
    old, types = read(root / "old", before)
    new, new_types = read(root / "new", after)
    assert structure(old, types) == structure(new, new_types)
    script = alter_script(new, new_types, settings(old))
    return [] if script is None else script.body.strip().splitlines()


def test_flows_of_tasks_keep_the_hash_they_have_always_had(tmp_path: Path) -> None:
    flow, types = read(tmp_path, PLAIN)
    assert structure(flow, types) == {
        "steps": [
            {"slug": "first", "type": "single", "dependencies": []},
            {"slug": "second", "type": "single", "dependencies": ["first"]},
        ]
    }
    assert (
        structure_hash(structure(flow, types))
        == "sha256:2984c1c42d6d7d3171adff154650334a21dd5ceb3236ee98e09ea39a7586f764"
    )


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (PLAIN, 'second = Sleep(flow, "second", seconds=3, depends_on=[first])\n',
         "step 'second' is a sleep now; it was a single task"),
        ('second = Sleep(flow, "second", seconds=3)\n', 'second = Signal[int](flow, "second")\n',
         "step 'second' is a signal now; it was a sleep"),
        (PLAIN, "@flow.loop(max_rounds=3)\ndef second(first: JsonValue = None) -> Again[None] | int: ...\n",
         "step 'second' is a loop now; it was a single task"),
        ('second = Sleep(flow, "second", until="flow_input.a")\n',
         'second = Sleep(flow, "second", until="first.a")\n',
         "step 'second' depends on 'first' now; it depended on nothing"),
        ("@flow.step\ndef second() -> int: ...\n", "@flow.step(if_ran=[first])\ndef second() -> int: ...\n",
         "step 'second' depends on 'first' now; it depended on nothing"),
        ("@flow.step\ndef second() -> int: ...\n", "@flow.step(if_skipped=[first])\ndef second() -> int: ...\n",
         "step 'second' depends on 'first' now; it depended on nothing"),
    ],
)  # fmt: skip
def test_a_kind_and_what_a_step_rests_on_are_structure(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    old, types = read(tmp_path / "old", before)
    new, new_types = read(tmp_path / "new", after)
    assert list(changes(structure(old, types), structure(new, new_types))) == [said]


@pytest.mark.parametrize(
    ("before", "after", "call"),
    [
        ('a = Sleep(flow, "a", seconds=3)\n', 'a = Sleep(flow, "a", seconds=4)\n',
         """alter_step('flow', 'a', options => '{"seconds": 4}'::jsonb)"""),
        ('a = Sleep(flow, "a", seconds=3)\n', 'a = Sleep(flow, "a", until="flow_input.x.y")\n',
         """alter_step('flow', 'a', options => '{"until": ["flow_input", "x", "y"]}'::jsonb)"""),
        ('a = Signal[int](flow, "a", deadline=3, key="flow_input.x")\n', 'a = Signal[int](flow, "a")\n',
         "alter_step('flow', 'a')"),
        ('a = Signal[int](flow, "a")\n', 'a = Signal[str](flow, "a", key="flow_input.x.y")\n',
         """alter_step('flow', 'a', options => '{"key": ["x", "y"]}'::jsonb)"""),
        ("@flow.loop(max_rounds=3)\ndef a() -> Again[None] | int: ...\n",
         "@flow.loop(max_rounds=4, every=5, deadline=6, timeout=7)\ndef a() -> Again[None] | int: ...\n",
         """alter_step('flow', 'a', timeout => 7, options => '{"deadline": 6, "every": 5, "max_rounds": 4}'::jsonb)"""),
        (PLAIN, PLAIN.replace("@flow.step", '@flow.step(if_=[{"flow_input": 1}, {"first": 2}])'),
         """alter_step('flow', 'second', options => '{"if_any": [{"flow_input": 1}, {"first": 2}]}'::jsonb)"""),
        (PLAIN.replace("@flow.step", '@flow.step(if_=[{"first": 2}])'),
         PLAIN.replace("@flow.step", '@flow.step(if_={"first": 2}, if_not=[{"first": None}])'),
         """alter_step('flow', 'second', required_input_pattern => '{"first": 2}'::jsonb,"""
         """ options => '{"if_not_any": [{"first": null}]}'::jsonb)"""),
        (PLAIN, PLAIN.replace("@flow.step", "@flow.step(if_ran=[first])").replace(" = None", ""),
         """alter_step('flow', 'second', options => '{"if_ran": ["first"]}'::jsonb)"""),
        (PLAIN, PLAIN.replace("@flow.step", '@flow.step(when_exhausted="value")'),
         "alter_step('flow', 'second', when_exhausted => 'value')"),
    ],
)  # fmt: skip
def test_everything_else_is_a_setting(tmp_path: Path, before: str, after: str, call: str) -> None:
    assert calls(tmp_path, before, after) == [f"select pgflow.{call};"]


def schedule(slug: str, rest: str = "every=60, input=None") -> str:
    return f"flow.schedule({slug!r}, {rest})\n"


SPEC = '"timezone": "UTC", "overlap": "skip", "catch_up": "latest"'


@pytest.mark.parametrize(
    ("before", "after", "made"),
    [
        ("", schedule("a"),
         [f"""create_schedule('flow', 'a', '{{{SPEC}, "every": 60, "dates": [], "times": []}}'::jsonb, 'null'::jsonb)"""]),
        (schedule("a"), "", ["drop_schedule('flow', 'a')"]),
        (schedule("a"), schedule("b"),
         ["drop_schedule('flow', 'a')",
          f"""create_schedule('flow', 'b', '{{{SPEC}, "every": 60, "dates": [], "times": []}}'::jsonb, 'null'::jsonb)"""]),
        (schedule("a") + schedule("b"), schedule("b") + schedule("a"), []),
        (schedule("a"), schedule("a", "every=60, input={'x': FIRE_TIME}"),
         [f"""create_schedule('flow', 'a', '{{{SPEC}, "every": 60, "dates": [], "times": [["x"]]}}'::jsonb,"""
          """ '{"x": null}'::jsonb)"""]),
    ],
)  # fmt: skip
def test_a_schedule_that_changed_is_written_anew_and_one_that_is_gone_is_dropped(
    tmp_path: Path, before: str, after: str, made: list[str]
) -> None:
    assert calls(tmp_path, before, after) == [f"select pgflow.{call};" for call in made]


def test_masks_are_bits(tmp_path: Path) -> None:
    flow, _ = read(tmp_path, schedule("a", "cron='5 */12 1,31 12 sun', timezone='Asia/Tokyo', input=1"))
    found = settings(flow)["schedules"]
    assert found == {
        "a": {
            "spec": {
                "cron": "5 */12 1,31 12 sun",
                "minutes": 1 << 5,
                "hours": 1 | 1 << 12,
                "days": 1 << 1 | 1 << 31,
                "months": 1 << 12,
                "weekdays": 1,
                "day_or": True,
                "timezone": "Asia/Tokyo",
                "overlap": "skip",
                "catch_up": "latest",
                "dates": [],
                "times": [],
            },
            "input": 1,
        }
    }


def test_a_flow_without_schedules_says_nothing_of_them(tmp_path: Path) -> None:
    flow, _ = read(tmp_path, PLAIN)
    assert settings(flow) == {"steps": {"first": {"when_exhausted": "skip"}, "second": {}}}
