"""PGF238: an executor, or what a handler needs there, that cannot go with the rest."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_gen.ir.flow import FlowSpec, Option, StepSpec
from pgflow_shared.executors import CLUSTERS, EXECUTORS, executor_of

RULE = Rule(
    code="PGF238",
    title="executor that does not go with transactional, or resources without a cluster",
    text="""\
A `transactional` step shares its transaction with the worker, so its handler runs there and takes no
`executor`; one of its flow's does not apply to it. `resources` say what a cluster is to set aside for a
handler: they need `executor="dask"` or `executor="ray"`, of the step or of its flow. In a process of the
worker's own a handler takes what it takes.""",
    bad="""\
from pgflow_runtime import Flow

order = Flow[int]("order")


@order.step(executor="process", transactional=True)
def charge(flow_input: int) -> int:
    return flow_input
""",
    good="""\
from pgflow_runtime import Flow

order = Flow[int]("order", executor="process")


@order.step(transactional=True)
def charge(flow_input: int) -> int:
    return flow_input


@order.step
def report(charge: int) -> str:
    return f"{charge} charged"
""",
)


def check(checked: CheckedFlow) -> None:
    flow = checked.flow
    reached = [_executor(flow, step) for step in flow.steps]
    for step, executor in zip(flow.steps, reached, strict=True):
        _check_transactional(checked, step)
        resources = _written(step.options, "resources")
        if resources is not None and not step.hides("executor") and not _takes_resources(executor):
            _report(checked, f"step {step.slug!r}", resources, executor)
    resources = _written(flow.options, "resources")
    if resources is not None and not any(map(_takes_resources, reached)):
        executor = flow.option("executor")
        if not _takes_resources(executor):
            _report(checked, f"flow {flow.slug!r}", resources, executor)


def _check_transactional(checked: CheckedFlow, step: StepSpec) -> None:
    written = _written(step.options, "executor")
    if written is None or written.value is None or step.option("transactional") is not True:
        return
    checked.findings.add(
        "PGF238",
        written.span,
        f"step {step.slug!r} is transactional, so its handler runs in the worker, not with executor"
        f" {written.value!r}",
        help="remove one of the two; write what belongs together in a step of its own",
    )


def _executor(flow: FlowSpec, step: StepSpec) -> object:
    def values(options: tuple[Option, ...]) -> dict[str, object]:
        return {option.name: option.value for option in options}

    return executor_of(values(step.options), values(flow.options))


def _takes_resources(executor: object) -> bool:
    """Also where the executor is none that there is, which is a finding of its own."""
    return executor in CLUSTERS or not (executor is None or executor in EXECUTORS)


def _report(checked: CheckedFlow, owner: str, resources: Option, executor: object) -> None:
    where = "runs in the worker" if executor is None else "runs in a process of the worker's own"
    if owner.startswith("flow"):
        where = "has no step that runs on a cluster"
    checked.findings.add(
        "PGF238",
        resources.span,
        f"{owner} has resources, but {where}",
        help='add executor="dask" or executor="ray", or remove resources',
    )


def _written(options: tuple[Option, ...], name: str) -> Option | None:
    return next((option for option in options if option.name == name), None)
