"""What `init` leaves behind where nothing else is said."""

from __future__ import annotations

from pgflow_gen.cli.init.scaffold import ProjectKind
from pgflow_shared.project import SECTION

_CONFIGURATION = f"""\
[{SECTION}]
flows = ["flows"]
src = ["."]
out = "generated"
"""
_FLOW = '''\
"""Greet people: the flow that `pgflow-gen init` leaves behind, to be changed."""

from typing import TypedDict

from pgflow_runtime import Flow


class GreetingInput(TypedDict):
    names: list[str]


class Letter(TypedDict):
    to: str
    text: str


class Summary(TypedDict):
    letters: int
    longest: str


greeting = Flow[GreetingInput]("greeting", max_attempts=3)


@greeting.array
def people(flow_input: GreetingInput) -> list[str]:
    """Everybody once, in the order given."""
    names = [name.strip() for name in flow_input["names"]]
    return list(dict.fromkeys(name for name in names if name))


@greeting.map(array=people)
async def write(name: str) -> Letter:
    """One letter; each is a task of its own, retried by itself."""
    return {"to": name, "text": f"Dear {name}, welcome!"}


@greeting.step
def summary(write: list[Letter]) -> Summary:
    """How many letters there are, and who got the longest."""
    longest = max(write, key=lambda letter: len(letter["text"]), default=None)
    to = longest["to"] if longest is not None else ""
    return {"letters": len(write), "longest": to}
'''
_TEST = '''\
"""Handlers are plain functions: a test calls them. And a whole flow runs in memory."""

import asyncio

from pgflow_runtime.testing import run_flow

from flows.greeting import greeting, people, summary, write


def test_people_are_listed_once() -> None:
    assert people({"names": ["Ada", " Ada", "", "Grace"]}) == ["Ada", "Grace"]


def test_a_letter_names_its_reader() -> None:
    assert asyncio.run(write("Ada")) == {"to": "Ada", "text": "Dear Ada, welcome!"}


def test_the_summary_of_no_letters() -> None:
    assert summary([]) == {"letters": 0, "longest": ""}


def test_a_letter_is_tried_again() -> None:
    run = asyncio.run(
        run_flow(
            greeting,
            {"names": ["Ada", "Grace"]},
            failures={write: [ConnectionError("away"), None]},  # first attempt, second
        )
    )
    assert run.output == {"summary": {"letters": 2, "longest": "Grace"}}
    assert run.attempts("write") == 4
'''
PLAIN = ProjectKind(
    _CONFIGURATION,
    {"flows/greeting.py": _FLOW, "tests/test_greeting.py": _TEST},
    (".pgflow/", "__pycache__/"),
    "pgflow-gen dev, which builds, migrates and works while you write",
)
