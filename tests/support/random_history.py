"""Random lives of a project: flows are written, changed, released, versioned and given up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from pgflow_gen.ir.flow import FlowSpec, Json
from pgflow_gen.ir.structure import structure
from pgflow_gen.render.settings.options import settings
from pgflow_shared.structure import Structure
from tests.support.ir import STR, Types, element, flow, list_of, param, step

TYPES = Types().table
_FLOW_OPTIONS: dict[str, tuple[Json, ...]] = {
    "max_attempts": (1, 2, 3, 7),
    "base_delay": (1, 5, 9),
    "timeout": (3, 60, 90),
    "backoff": ("fixed", "exponential"),
    "max_delay": (100, 200),
}
_STEP_OPTIONS: dict[str, tuple[Json, ...]] = {
    **_FLOW_OPTIONS,
    "start_delay": (0, 5),
    "if_": ({"a": 1}, {"a": True}, {"a": 1.0}, {"a": None}, {"it's": ["\\", '"""', "%s :x"]}),
    "if_not": ({}, {"b": []}),
    "when_unmet": ("fail", "skip", "skip-cascade"),
    "when_exhausted": ("fail", "skip", "skip-cascade"),
}


@dataclass
class Step:
    is_map: bool = False
    dependencies: list[str] = field(default_factory=list)
    options: dict[str, Json] = field(default_factory=dict)


@dataclass
class Flow:
    slug: str
    version: int = 1
    steps: dict[str, Step] = field(default_factory=dict)
    options: dict[str, Json] = field(default_factory=dict)

    @property
    def db_slug(self) -> str:
        return self.spec().db_slug

    def spec(self) -> FlowSpec:
        made = []
        for slug, one in self.steps.items():
            if one.is_map:
                array = one.dependencies[0] if one.dependencies else None
                made.append(step(slug, element("x", STR), kind="map", array=array, options=one.options))
            else:
                params = [param(name, STR) for name in one.dependencies] or [param("flow_input", STR)]
                made.append(step(slug, *params, options=one.options))
        return flow(*made, slug=self.slug, input=list_of(STR), version=self.version, options=self.options)

    def shape(self) -> Structure:
        return structure(self.spec(), TYPES)

    def copy(self) -> Flow:
        steps = {
            slug: Step(one.is_map, [*one.dependencies], {**one.options}) for slug, one in self.steps.items()
        }
        return replace(self, steps=steps, options={**self.options})


def expected_definition(of: Flow) -> dict[str, Any]:
    """What ``get_flow_definition`` must say: what was set, and the database's defaults."""
    told: dict[str, Any] = settings(of.spec())
    steps = {
        slug: {"when_unmet": "skip", "when_exhausted": "fail", **options}
        for slug, options in told.pop("steps").items()
    }
    defaults = {"max_attempts": 3, "base_delay": 5, "timeout": 60}
    return {"structure": of.shape(), "settings": {**defaults, **told, "steps": steps}}


class Author:
    """Edits flows at random; a slug is never used for two flows."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.flows: list[Flow] = [self._new_flow(0)]
        self._count = 1

    def edit(self) -> None:
        """One change of the source; it may be of structure, which a release forbids."""
        kinds = [self.change_options] * 5 + [self.change_structure] * 4 + [self.add_flow, self.reorder]
        self.random.choice(kinds + [self.add_version] * 2 + [self.give_up])()

    def add_flow(self) -> None:
        self.flows.append(self._new_flow(self._count))
        self._count += 1

    def add_version(self) -> None:
        if not self.flows:
            return
        old = self.random.choice(self.flows)
        top = max(one.version for one in self.flows if one.slug == old.slug)
        new = replace(old.copy(), version=top + 1)
        self.flows.append(new)
        self.change_structure(new)

    def give_up(self) -> None:
        """Delete a flow's source for good: its slug does not come back with another shape."""
        if len(self.flows) > 1:
            gone = self.random.choice(self.flows)
            if gone.version < max(one.version for one in self.flows if one.slug == gone.slug):
                self.flows.remove(gone)

    def reorder(self) -> None:
        self.random.shuffle(self.flows)

    def change_options(self, of: Flow | None = None) -> None:
        one = of or self.random.choice(self.flows)
        target, known = one.options, _FLOW_OPTIONS
        if self.random.random() < 0.7:
            target, known = self.random.choice([*one.steps.values()]).options, _STEP_OPTIONS
        name = self.random.choice([*known])
        if self.random.random() < 0.3:
            target.pop(name, None)
        else:
            target[name] = self.random.choice(known[name])

    def change_structure(self, of: Flow | None = None) -> None:
        one = of or self.random.choice(self.flows)
        slugs = [*one.steps]
        last = one.steps[slugs[-1]]
        match self.random.randrange(4):
            case 0:
                one.steps[f"s{len(slugs)}_{self.random.choice('abc')}"] = self._new_step(slugs)
            case 1 if len(slugs) > 1:
                del one.steps[slugs[-1]]  # no other step depends on the last
            case 2 if len(last.dependencies) < 2:
                last.is_map = not last.is_map
            case _:
                one.steps[slugs[-1]] = replace(self._new_step(slugs[:-1]), options=last.options)

    def _new_flow(self, number: int) -> Flow:
        made = Flow(f"f{number}", steps={"s0": self._new_step([])})
        for count in range(self.random.randrange(3)):
            made.steps[f"s{count + 1}"] = self._new_step([*made.steps])
        return made

    def _new_step(self, before: list[str]) -> Step:
        is_map = self.random.random() < 0.3
        most = min(len(before), 1 if is_map else 2)
        return Step(is_map, self.random.sample(before, self.random.randint(0, most)))
