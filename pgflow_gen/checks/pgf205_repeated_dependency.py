"""PGF205: the same dependency twice in depends_on."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF205",
    title="the same dependency twice in depends_on",
    text="""\
`depends_on` lists the steps to wait for without taking their output. Naming one twice is usually a slip
for another step. (A step named both by a parameter and in `depends_on` is fine and counts once.)""",
    bad="""\
from pgflow_runtime import Flow

shop = Flow[str]("shop")


@shop.step
def charge(flow_input: str) -> bool:
    return True


@shop.step(depends_on=[charge, "charge"])
def ship(flow_input: str) -> str:
    return flow_input
""",
    good="""\
from pgflow_runtime import Flow

shop = Flow[str]("shop")


@shop.step
def charge(flow_input: str) -> bool:
    return True


@shop.step(depends_on=[charge])
def ship(flow_input: str) -> str:
    return flow_input
""",
)


def check(checked: CheckedFlow) -> None:
    for step in checked.flow.steps:
        lists = {"depends_on": step.depends_on, "if_ran": step.if_ran, "if_skipped": step.if_skipped}
        for option, names in lists.items():
            seen: set[tuple[object, str]] = set()
            for name in names:
                identity = (name.flow or checked.flow.key, name.slug)
                if identity in seen:
                    checked.findings.add(
                        "PGF205",
                        name.span,
                        f"step {step.slug!r} lists {name.slug!r} twice in {option}",
                        help="remove one of them",
                    )
                seen.add(identity)
