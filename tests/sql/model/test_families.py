"""The conformance suite for runs that start one another and are undone: the core by sets, the core task by
task, and the test kit.

`--conformance-seconds N` tells histories that long, `--model-seed N` others. A failure names its seed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest
from psycopg.types.json import Jsonb

from tests.sql.model.test_three_engines import Story
from tests.support.core import Core
from tests.support.engines import Engine
from tests.support.families import MemoryFamily, Place, SqlFamily, without_ids
from tests.support.random_flows import define, random_family, random_input
from tests.support.undo_flows import define as define_companions
from tests.support.undo_flows import options_of, random_companions

SHARE = 0.5
"""Of the seconds that the suite of single runs has."""
ENOUGH = 200
"""Histories after which every kind of run must have been met."""
LONGEST = 150
"""Turns of one history."""


def test_families_agree(
    core: Core, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    seconds = float(request.config.getoption("--conformance-seconds")) * SHARE
    seed = int(request.config.getoption("--model-seed"))
    first, met = seed, Counter[str]()
    deadline = time.monotonic() + seconds
    while seed == first or time.monotonic() < deadline:
        with core.connection.transaction(force_rollback=True):
            try:
                met += History(core, seed).tell()
            except Exception as error:
                raise AssertionError(f"seed {seed}: {error}") from error
        seed += 1
    record_property("met", {**met, "histories": seed - first})
    assert seed < first + ENOUGH or met.keys() == {"child", "end", "undo"}, met


class History:
    """One run and all that follow from it, to any of which things happen in turn."""

    def __init__(self, core: Core, seed: int) -> None:
        self.random = Random(f"families {seed}")
        self.seed = seed
        flows = random_family(self.random, most=6)
        while not any(step.subflow and step.subflow.slug in flows for step in flows["f"]):
            flows = random_family(self.random, most=6)
        for slug, steps in flows.items():
            define(core, slug, steps)
            deps = {step.slug: step.deps for step in steps}
            maps = [step.slug for step in steps if step.kind == "map"]
            companions = random_companions(self.random, steps, slug)
            core.call("alter_flow", flow_slug=slug, base_delay=0, options=Jsonb(options_of(companions)))
            define_companions(core, slug, companions, deps, maps)
        input = random_input(self.random, flows["f"])
        self.memory = MemoryFamily(core, "f", input)
        self.families = (
            self.memory,
            SqlFamily(core, "f", input, is_set_based=True),
            SqlFamily(core, "f", input, is_set_based=False),
        )
        self.stories: list[dict[Place, Story]] = [{} for _ in self.families]
        self.log: list[object] = []

    def tell(self) -> Counter[str]:
        """How many runs of which kind there were beside the first."""
        idle = 0
        places: list[Place] = []
        members: list[dict[Place, Engine]] = []
        for _ in range(LONGEST):
            if not idle:
                members = [self.settled(family) for family in self.families]
                if self.memory.is_open_ended:
                    break
                places = sorted(members[0])
                assert all(sorted(each) == places for each in members), (self.log, *map(sorted, members))
                self.compare(members, places)
            place = self.random.choice(places)
            told = self.turn(0, members[0][place], place)
            if told is None:  # then there is nothing to be done with it elsewhere, by the records
                idle += 1
                if idle > 3 * len(places):
                    break
                continue
            idle = 0
            self.log.append((place, told))
            others = [self.turn(number, members[number][place], place) for number in (1, 2)]
            assert others == [told, told], (self.log, others)
        return Counter(place[-1][0] for place in places if place)

    @staticmethod
    def settled(family: MemoryFamily | SqlFamily) -> dict[Place, Engine]:
        family.settle()
        return dict(family.members())

    def turn(self, number: int, engine: Engine, place: Place) -> object:
        if place not in self.stories[number]:
            steps = self.memory.steps(engine.flow)
            self.stories[number][place] = Story(engine, steps, f"families {self.seed} {place}")
        return without_ids(self.stories[number][place].turn())

    def compare(self, members: list[dict[Place, Engine]], places: list[Place]) -> None:
        for place in places:
            records = [without_ids(each[place].record()) for each in members]
            assert all(record == records[0] for record in records), (self.log, place, records)
