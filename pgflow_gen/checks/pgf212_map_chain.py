"""PGF212: a chain of maps that an empty array could not run through."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule

MAX_MAP_CHAIN = 49
"""The database completes maps over empty arrays in at most 50 rounds (SQL contract, empty-array cascade)."""


def _example(length: int) -> str:
    steps = "".join(
        f"\n\n@chain.map(array=m{index - 1})\ndef m{index}(item: str) -> str:\n    return item\n"
        for index in range(2, length + 1)
    )
    return f"""\
from pgflow_runtime import Flow

chain = Flow[list[str]]("chain")


@chain.map
def m1(item: str) -> str:
    return item
{steps}"""


RULE = Rule(
    code="PGF212",
    title=f"chain of more than {MAX_MAP_CHAIN} maps",
    text=f"""\
When an array is empty, the maps over it complete at once, one after the other, and the database follows
such a chain for at most 50 rounds. A chain of maps directly over maps may therefore have at most
{MAX_MAP_CHAIN} of them; any other step in between starts a new chain.""",
    bad=_example(MAX_MAP_CHAIN + 1),
    good=_example(MAX_MAP_CHAIN),
)


def check(checked: CheckedFlow) -> None:
    length: dict[str, int] = {}
    for slug in checked.steps:
        _measure(checked, slug, length)
    for slug, count in length.items():
        step = checked.steps[slug]
        if count == MAX_MAP_CHAIN + 1:
            checked.findings.add(
                "PGF212",
                step.span,
                f"map {slug!r} is number {count} in a chain of maps; a chain has at most {MAX_MAP_CHAIN}",
                help="do the work of several of these maps in one handler, or put a step in between",
            )


def _measure(checked: CheckedFlow, slug: str, length: dict[str, int]) -> None:
    """The number of maps in the longest unbroken chain that ends with each step up to ``slug``."""
    chain: list[str] = []
    current: str | None = slug
    while current is not None and current in checked.steps and current not in length and current not in chain:
        step = checked.steps[current]
        if not step.is_map:
            length[current] = 0
            break
        chain.append(current)
        current = step.array.slug if step.array is not None else None
    for name in reversed(chain):
        array = checked.steps[name].array
        length[name] = 1 + (length.get(array.slug, 0) if array is not None else 0)
