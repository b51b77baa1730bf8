"""PGF204: a cycle of dependencies."""

from __future__ import annotations

from collections import deque

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF204",
    title="cycle of dependencies",
    text="""\
A flow is a directed acyclic graph. Steps that wait for each other would wait for ever. The message shows
the whole path; a cycle is reported once, at its step that is defined first.""",
    bad="""\
from pgflow_runtime import Flow

ping = Flow[str]("ping")


@ping.step
def serve(back: str) -> str:
    return back


@ping.step
def back(serve: str) -> str:
    return serve
""",
    good="""\
from pgflow_runtime import Flow

ping = Flow[str]("ping")


@ping.step
def serve(flow_input: str) -> str:
    return flow_input


@ping.step
def back(serve: str) -> str:
    return serve
""",
)


def check(checked: CheckedFlow) -> None:
    graph = {
        slug: [other.slug for other in checked.known_dependencies(step)]
        for slug, step in checked.steps.items()
    }
    reported: set[str] = set()
    for slug, step in checked.steps.items():
        if slug in reported:
            continue
        path = _shortest_way_back(graph, slug)
        if path is None:
            continue
        # All that hangs together in cycles is one fault: mend this, and the rest shows next.
        reported |= _reachable(graph, slug) & {other for other in graph if slug in _reachable(graph, other)}
        checked.findings.add(
            "PGF204",
            step.span,
            f"step {slug!r} depends on itself: {' -> '.join(path)}"
            if len(path) == 2
            else f"steps of flow {checked.flow.slug!r} depend on each other: {' -> '.join(path)}",
            notes=[checked.note(checked.steps[other]) for other in path[1:-1]],
            help="remove one of these dependencies",
        )


def _shortest_way_back(graph: dict[str, list[str]], start: str) -> list[str] | None:
    """The shortest cycle through ``start``, in the direction of dependencies; None when there is none."""
    came_from: dict[str, str] = {}
    queue = deque([start])
    while queue:
        current = queue.popleft()
        for following in graph[current]:
            if following == start:
                path = [current, start]
                while path[0] != start:
                    path.insert(0, came_from[path[0]])
                return path
            if following not in came_from:
                came_from[following] = current
                queue.append(following)
    return None


def _reachable(graph: dict[str, list[str]], start: str) -> set[str]:
    seen: set[str] = set()
    stack = [start]
    while stack:
        for following in graph[stack.pop()]:
            if following not in seen:
                seen.add(following)
                stack.append(following)
    return seen
