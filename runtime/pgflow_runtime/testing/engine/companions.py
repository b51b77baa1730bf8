"""What follows the ends of a run: its undo, then its ends. What of it starts when, with which input.

A companion is a run of another flow; who has this starts it, and tells when an undo is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from pgflow_runtime.testing.engine.model import Attempt, Run, State

Json: TypeAlias = Any


@dataclass(frozen=True)
class UndoRule:
    """``by``: the step of the undo's flow. ``when``: ``completed`` or ``started``."""

    by: str
    when: str = "completed"


@dataclass(frozen=True)
class EndRule:
    """``on``: failed, cancelled, completed or always. ``steps``: whose outputs its handler takes."""

    on: str
    steps: tuple[str, ...] = ()
    reads_input: bool = False


@dataclass(frozen=True)
class Companions:
    """What a flow says is to follow the ends of its runs; slugs of companions are the database's."""

    undo: str | None = None
    undone: Mapping[str, UndoRule] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    undo_reads_input: bool = False
    ends: Mapping[str, EndRule] = field(default_factory=dict)

    @property
    def any(self) -> bool:
        return self.undo is not None or bool(self.ends)

    def follow(self, status: str) -> bool:
        """Whether a run that ended so may have companions."""
        return (self.undo is not None and status != "completed") or bool(list(self.ends_on(status)))

    def ends_on(self, status: str) -> Iterable[str]:
        return (slug for slug, rule in self.ends.items() if rule.on in (status, "always"))


@dataclass(frozen=True)
class Start:
    """A companion that is to be started now."""

    kind: Literal["undo", "end"]
    slug: str
    number: int
    """Of which end of the run, from 1 on."""
    input: Json


class Aftermath:
    """What follows the ends of ``run``, which is called ``run_id`` in its companions' inputs."""

    def __init__(self, run: Run, companions: Companions, run_id: str) -> None:
        self.run = run
        self.companions = companions
        self._run_id = run_id
        self.undone: set[Attempt] = set()
        """What undos have undone so far."""
        self.has_undo = False
        """Whether any has started."""
        self._due: list[tuple[int, str | None]] = []
        self._seen = 0

    def note(self) -> None:
        """The run may have ended since the last time."""
        if self.run.end_count > self._seen:
            self._seen = self.run.end_count
            if self.companions.follow(self.run.status):
                self._due.append((self._seen, None))

    def undo_ended(self, start: Start, completed: Mapping[str, Iterable[int]], status: str) -> None:
        """An undo has ended: of its steps these tasks have completed."""
        for slug, rule in self.companions.undone.items():
            tasks = start.input["steps"][slug].get("tasks", [])
            self.undone |= {
                (slug, int(index), int(attempt))
                for index, attempt in (tasks[place] for place in completed.get(rule.by, ()))
            }
        self._due.append((start.number, "completed" if status == "completed" else "failed"))

    @property
    def is_open(self) -> bool:
        """Whether something is still to be started."""
        return bool(self._due)

    @property
    def may_undo(self) -> bool:
        """Whether an undo is still to be started, if there is something to undo."""
        return (
            self.companions.undo is not None
            and self.run.status != "completed"
            and any(undone is None for _, undone in self._due)
        )

    @property
    def waits(self) -> bool:
        """Whether tasks are under way whose reports an undo waits for."""
        return (
            bool(self._due)
            and self._due[0][1] is None
            and bool(self._under_way() - self.run.reported - self.run.given_up)
            and self.run.status != "completed"
        )

    def start(self) -> list[Start]:
        """What starts now, nobody being waited for any longer."""
        found: list[Start] = []
        self.run.given_up |= self.run.under_way if self._due else set()
        for number, undone in self._due:
            undo = self._undo(number) if undone is None else None
            if undo is not None:
                self.has_undo = True
                found.append(undo)
                continue
            for slug in self.companions.ends_on(self.run.status):
                rule = self.companions.ends[slug]
                steps = {one: self._output(one) for one in rule.steps}
                found.append(
                    Start("end", slug, number, self._input(undone or "nothing", steps, rule.reads_input))
                )
        self._due.clear()
        return found

    def _under_way(self) -> set[Attempt]:
        return {attempt for attempt in self.run.under_way if attempt[0] in self.companions.undone}

    def _undo(self, number: int) -> Start | None:
        if self.companions.undo is None or self.run.status == "completed":
            return None
        undone = {slug: self._step_to_undo(slug) for slug in self.companions.undone}
        if not any(step["done"] for step in undone.values()):
            return None
        steps = {slug: self._output(slug) for slug in self.companions.reads} | undone
        return Start(
            "undo",
            self.companions.undo,
            number,
            self._input("nothing", steps, self.companions.undo_reads_input),
        )

    def _input(self, undone: str, steps: Json, reads_input: bool) -> Json:
        run = self.run
        step, task = run.failure if run.status == "failed" else (None, None)
        end = {
            "run_id": self._run_id,
            "status": run.status,
            "error": None if run.error is None else run.error.partition("\n")[0][:500],
            "failed_step": step,
            "failed_task": task,
            "reason": run.reason,
            "undone": undone,
        }
        return {"run_end": end, "steps": steps} | ({"flow_input": run.input} if reads_input else {})

    def _output(self, slug: str) -> Json:
        state = self.run.states[slug]
        return {"done": True, "output": state.output} if state.status == "completed" else {"done": False}

    def _step_to_undo(self, slug: str) -> Json:
        """Whether there is something to undo, and which tasks that is about; and the step's output.

        Of a map the elements to undo besides. A single step is undone by one task: the latest attempt that
        is known to have done something counts.
        """
        state, is_map = self.run.states[slug], self.run.steps[slug].kind == "map"
        left = sorted(
            (one for one in self._undoable(slug, state) if (slug, *one[:2]) not in self.undone),
            key=lambda one: one[:2],
        )
        told: dict[str, Json] = {"done": bool(left)}
        if left and not is_map:
            index, attempt, known, output = max(left, key=lambda one: (one[2], one[1]))
            return told | {"tasks": [[index, attempt]]} | ({"output": output} if known else {})
        if left:
            told["tasks"] = [[index, attempt] for index, attempt, *_ in left]
            told["elements"] = [output for *_, output in left]
        if state.status != "completed" or (not is_map and _is_failure(state.output)):
            return told
        output = [one for one in state.output if not _is_failure(one)] if is_map else state.output
        return told | {"output": output}

    def undone_among(self, slugs: Iterable[str]) -> list[str]:
        """Those of which the run undoes what they did, or has undone it: no fork may take them over."""
        is_undone = self.run.status in ("failed", "cancelled")
        return [
            slug
            for slug in slugs
            if slug in self.companions.undone
            and (
                (is_undone and any(self._undoable(slug, self.run.states[slug])))
                or any(done[0] == slug for done in self.undone)
            )
        ]

    def _undoable(self, slug: str, state: State) -> Iterable[tuple[int, int, bool, Json]]:
        """Tasks that did something: index, attempt, whether it is known what, and that."""
        is_own = state.status == "completed" and not state.reused
        if is_own and not state.tasks and self.run.steps[slug].kind != "map":
            yield 0, 0, True, state.output
        for index, task in enumerate(state.tasks):
            late = {one[2]: output for one, output in self.run.late.items() if one[:2] == (slug, index)}
            for attempt in sorted(late.keys() - {task.attempts}):
                yield index, attempt, True, late[attempt]
            if task.status == "completed" and not task.is_tolerated:
                yield index, task.attempts, True, task.output
            elif task.attempts in late:
                yield index, task.attempts, True, late[task.attempts]
            elif (child := self.run.children.all.get((slug, index, task.attempts))) and (
                child.status == "completed"
            ):
                yield index, task.attempts, True, {} if child.output is None else child.output
            elif self.companions.undone[slug].when == "started" and task.attempts and not task.is_tolerated:
                yield index, task.attempts, False, None


def _is_failure(output: Json) -> bool:
    return isinstance(output, dict) and "$failed" in output
