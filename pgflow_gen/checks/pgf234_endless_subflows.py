"""PGF234: flows that start each other without an end."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_shared.options import MAX_DEPTH

RULE = Rule(
    code="PGF234",
    title="flows start each other without max_depth",
    text=f"""\
A flow may start itself, or flows that start it: a folder's flow one for each folder inside it. Such a
circle ends where a condition skips the step, or a map has no elements, which nobody can see from here. So it
says how deep it may go: at least one of its steps has `max_depth=`, 1 to {MAX_DEPTH}. What would lie deeper
fails its step.""",
    bad="""\
from typing import TypedDict

from pgflow_runtime import Flow


class Folder(TypedDict):
    folders: list[str]


scan = Flow[Folder]("scan")


@scan.array
def folders(flow_input: Folder) -> list[str]:
    return flow_input["folders"]


@scan.map(array=folders, subflow=scan)
def inside(folder: str) -> Folder:
    return {"folders": []}
""",
    good="""\
from typing import TypedDict

from pgflow_runtime import Flow


class Folder(TypedDict):
    folders: list[str]


scan = Flow[Folder]("scan")


@scan.array
def folders(flow_input: Folder) -> list[str]:
    return flow_input["folders"]


@scan.map(array=folders, subflow=scan, max_depth=5)
def inside(folder: str) -> Folder:
    return {"folders": []}
""",
)


def check(checked: CheckedFlow) -> None:
    flow = checked.flow
    for step in flow.steps:
        if step.subflow is None or step.child is None or not step.child.way_back:
            continue
        way = " -> ".join((flow.db_slug, *step.child.way_back))
        itself = len(step.child.way_back) == 1
        checked.findings.add(
            "PGF234",
            step.subflow.span,
            f"flow {flow.slug!r} starts itself: {way}" if itself else f"flows start each other: {way}",
            help=f"say how deep they may go: max_depth=..., 1 to {MAX_DEPTH}, at one of the steps"
            if not itself
            else f"say how deep it may go: max_depth=..., 1 to {MAX_DEPTH}",
        )
