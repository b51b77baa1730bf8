"""Flows with undos and ends, for tests: their companions, as the compiler writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from pgflow_runtime.testing.engine.companions import Companions, EndRule, UndoRule
from pgflow_runtime.testing.engine.model import Step
from pgflow_runtime.testing.engine.waits import WaitRule
from tests.support.batch import claim, complete, fail, register
from tests.support.core import Core, Row
from tests.support.timers import fire


def options_of(companions: Companions) -> dict[str, Any]:
    """The options of the flow that has them."""
    options: dict[str, Any] = {}
    if companions.undo is not None:
        steps = {
            slug: {"by": rule.by} | ({} if rule.when == "completed" else {"when": rule.when})
            for slug, rule in companions.undone.items()
        }
        options["undo"] = {"flow": companions.undo, "steps": steps}
        options["undo"] |= {"reads": list(companions.reads)} if companions.reads else {}
        options["undo"] |= {"flow_input": True} if companions.undo_reads_input else {}
    if companions.ends:
        options["ends"] = {slug: _end(rule) for slug, rule in companions.ends.items()}
    return options


def _end(rule: EndRule) -> dict[str, Any]:
    found: dict[str, Any] = {"on": rule.on}
    found |= {"steps": list(rule.steps)} if rule.steps else {}
    return found | ({"flow_input": True} if rule.reads_input else {})


def behind(deps: Mapping[str, Iterable[str]], slug: str) -> set[str]:
    """The steps that depend on one, however far away."""
    found = {slug}
    grown = True
    while grown:
        more = {step for step, wanted in deps.items() if found & set(wanted)} - found
        found |= more
        grown = bool(more)
    return found - {slug}


def undo_steps(companions: Companions, deps: Mapping[str, Iterable[str]], maps: Iterable[str]) -> list[Step]:
    """The steps of the undo's flow: the transpose of the flow's closure, and the elements of maps."""
    steps: list[Step] = []
    left = dict(companions.undone)
    while left:  # those first that depend on none that is left
        slug = next(one for one in left if not behind(deps, one) & left.keys())
        rule = left.pop(slug)
        before = tuple(
            companions.undone[other].by for other in companions.undone if other in behind(deps, slug)
        )
        done = {"steps": {slug: {"done": True}}}
        array = f"{rule.by}_items" if slug in set(maps) else None
        if array is not None:
            pick = WaitRule("pick", until=("steps", slug, "elements"))
            steps.append(Step(array, required=(done,), when_unmet="skip", wait=pick))
        steps.append(
            Step(
                rule.by,
                kind="single" if array is None else "map",
                deps=before if array is None else (array, *before),
                required=({"flow_input": done},) if before or array else (done,),
                when_unmet="skip",
                array=array,
            )
        )
    return steps


def define(
    core: Core, flow: str, companions: Companions, deps: Mapping[str, Iterable[str]], maps: Iterable[str] = ()
) -> list[Step]:
    """Create the companions of a flow in the database; returns the steps of its undo's."""
    of = {"options": Jsonb({"companion": {"of": flow}}), "max_attempts": 1, "base_delay": 0}
    steps = undo_steps(companions, deps, maps)
    if companions.undo is not None:
        core.create_flow(companions.undo, **of)
        for step in steps:
            _add(core, companions.undo, step)
    for slug in companions.ends:
        core.create_flow(slug, **of)
        core.add_step(slug, "handler")
    return steps


def _add(core: Core, flow: str, step: Step) -> None:
    options: dict[str, Any] = {} if step.array is None else {"array": step.array}
    if step.wait is not None:
        options = {"kind": "pick", "pick": list(step.wait.until)}
    assert step.required is not None
    core.add_step(
        flow,
        step.slug,
        list(step.deps),
        step_type=step.kind,
        required_input_pattern=step.required[0],
        when_unmet="skip",
        options=Jsonb(options),
    )


def chain(core: Core, **undone: UndoRule) -> Companions:
    """a -> m (a map) -> b, of which these are undone, with an end on every end."""
    companions = Companions(
        undo="f__undo" if undone else None,
        undone=undone,
        ends={"f__end_tell": EndRule("always", ("a", "m"), True)},
    )
    core.create_flow("f", options=Jsonb(options_of(companions)), max_attempts=1, base_delay=0)
    core.add_step("f", "a")
    core.add_step("f", "m", ["a"], step_type="map")
    core.add_step("f", "b", ["m"])
    define(core, "f", companions, {"a": (), "m": ("a",), "b": ("m",)}, ("m",))
    return companions


def companions_of(core: Core, run: UUID) -> list[Row]:
    """Those there are, with their inputs."""
    return [
        core.row(
            "select c.*, r.input from pgflow.list_companions(%s) c join pgflow.runs r using (run_id) "
            "where c.run_id = %s",
            run,
            row.run_id,
        )
        for row in core.call("list_companions", parent_id=run)
    ]


def failed_chain(core: Core) -> tuple[UUID, UUID]:
    """A run of ``chain`` that has failed once a was done, and the undo of a that its end has started."""
    chain(core, a=UndoRule("undo_a"))
    run: UUID = core.start_flow("f").run_id
    work(core, "f", [[]])
    fail(core, claim(core, (register(core, "f"), "f")), retryable=[False])
    fire(core)
    (undo,) = companions_of(core, run)
    return run, undo.run_id


def fail_undo(core: Core, message: str = "no way back") -> None:
    """The undo of ``failed_chain`` fails for good; what is done at the end follows."""
    fail(core, claim(core, (register(core, "f__undo"), "f__undo")), [message], retryable=[False])
    fire(core)


def work(core: Core, flow: str, outputs: Sequence[Any] = (None,)) -> list[Row]:
    """The queued tasks of a flow complete, in turn with these; then what is due is done."""
    tasks = claim(core, (register(core, flow), flow), max_tasks=1000)
    complete(core, tasks, [outputs[place % len(outputs)] for place in range(len(tasks))])
    fire(core)
    return tasks


def undos_of(core: Core, run: UUID) -> list[UUID]:
    """The undos of a run."""
    return [row.run_id for row in core.call("list_companions", parent_id=run) if row.kind == "undo"]


def covered(core: Core, companions: Companions, undo: UUID) -> list[tuple[str, int, int]]:
    """What an undo has undone: step, index and attempt of each task."""
    steps: Any = core.run(undo).input["steps"]
    done = {(task.step_slug, task.task_index) for task in core.tasks(undo) if task.status == "completed"}
    return [
        (slug, index, attempt)
        for slug, rule in companions.undone.items()
        for place, (index, attempt) in enumerate(steps[slug].get("tasks", []))
        if (rule.by, place) in done
    ]


def to_undo(core: Core, companions: Companions, run: UUID) -> set[tuple[str, int, int]]:
    """What a run has done that can be undone, and that is known."""
    return {
        (task.step_slug, task.task_index, task.attempts_count)
        for task in core.tasks(run)
        if task.status == "completed" and not task.is_tolerated and task.step_slug in companions.undone
    }


def assert_undone(core: Core, companions: Companions, deps: Mapping[str, Iterable[str]], run: UUID) -> int:
    """Everything that an ended run did was undone once, after what used it; returns how much that was."""
    row, undos = core.run(run), undos_of(core, run)
    found = [one for undo in undos for one in covered(core, companions, undo)]
    assert len(found) == len(set(found)), f"run {run}: undone twice: {found}"
    whole = all(core.run(undo).status == "completed" for undo in undos)
    if row.status in ("failed", "cancelled") and whole:
        left = to_undo(core, companions, run) - set(found)
        assert not left, f"run {run}: not undone: {left}"
    for undo in undos:
        place = {event: number for number, event in enumerate(core.event_names(undo))}
        for slug, rule in companions.undone.items():
            for other in behind(deps, slug) & companions.undone.keys():
                last = place.get(f"step:{companions.undone[other].by}:completed")
                first = place.get(f"step:{rule.by}:started")
                assert last is None or first is None or last < first, f"undo {undo}: {slug} before {other}"
    return len(found)


def random_companions(random: Random, steps: list[Step], flow: str = "f") -> Companions:
    """Of a flow: any steps undone, any ends."""
    slugs = [step.slug for step in steps]
    undone = random.sample(slugs, random.choice((0, len(slugs) // 2, len(slugs), len(slugs))))
    ends = {
        f"{flow}__end_{number}": EndRule(
            random.choice(("failed", "cancelled", "completed", "always")),
            tuple(random.sample(slugs, min(len(slugs), random.randint(0, 2)))),
            random.random() < 0.5,
        )
        for number in range(random.choice((0, 1, 3)))
    }
    if not undone:
        return Companions(ends=ends)
    return Companions(
        undo=f"{flow}__undo",
        undone={slug: UndoRule(f"un_{slug}", random.choice(("completed", "started"))) for slug in undone},
        reads=tuple(random.sample(slugs, min(len(slugs), random.randint(0, 2)))),
        undo_reads_input=random.random() < 0.5,
        ends=ends,
    )
