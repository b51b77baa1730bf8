"""The conformance suite: what a test sees in memory is what production does, however it reports results.

A history is told on three engines: the SQL core by sets, the SQL core task by task, memory. It is about
some runs of one random flow, to which things happen in turn. `--conformance-seconds N` tells them that long,
`--model-seed N` others. A failure names its seed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from random import Random

import pytest

from pgflow_runtime.testing.engine.model import Step
from tests.support.core import Core
from tests.support.engines import Engine, Key, MemoryEngine, Record, SqlEngine, record_of
from tests.support.random_flows import define, random_flow, random_input, random_output, random_value
from tests.support.recorded_histories import ending, followed

RECORDED = 40
"""Runs that are recorded and followed, at least."""
USUAL = 25.0
"""Seconds; those who ask for more are told how much was done."""


def test_the_engines_agree(
    core: Core, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    seconds = float(request.config.getoption("--conformance-seconds"))
    seed = int(request.config.getoption("--model-seed"))
    counts = {"flows": 0, "runs": 0, "events": 0}
    deadline = time.monotonic() + seconds
    while not counts["flows"] or time.monotonic() < deadline:
        with core.connection.transaction(force_rollback=True):
            told = History(core, seed + counts["flows"]).tell()
        counts["flows"] += 1
        counts["runs"] += told.run_count
        counts["events"] += told.turns
    for name, count in counts.items():
        record_property(name, count)
    if seconds > USUAL:
        with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            print(f"\nthe engines agree: {counts}", file=sys.stderr, flush=True)


async def test_what_was_recorded_is_followed_to_the_same_end(
    live: Core, live_dsn: str, pytestconfig: pytest.Config
) -> None:
    """Runs of random flows in the database, each change in its own transaction; then without it."""
    first = pytestconfig.getoption("--model-seed")
    count = max(RECORDED, int(pytestconfig.getoption("--conformance-seconds") - USUAL))
    for seed in range(first, first + count):
        random = Random(f"recorded {seed}")
        steps = random_flow(random, most=10)
        slug = f"f{seed}"
        define(live, slug, steps)
        engine = SqlEngine.start_run(
            live, slug, random_input(random, steps), is_set_based=random.random() < 0.8
        )
        for _ in Story(engine, steps, f"recorded {seed}"):
            pass
        run = await followed(live_dsn, slug, engine.run_id, steps)
        assert ending(record_of(run.timed.model)) == ending(engine.record()), seed


class History:
    """Some runs of one flow, their turns taken at random; each is the same on all engines, at each turn."""

    def __init__(self, core: Core, seed: int) -> None:
        self.core, self.seed = core, seed
        self.random = Random(f"engines {seed}")
        self.steps = random_flow(self.random, most=15)
        self.run_timeout = self.random.choice((None, 3600))
        self.run_count = self.random.choice((1, 2, 4))
        self.turns = 0

    def tell(self) -> History:
        for slug in ("sets", "ones"):
            define(self.core, slug, self.steps, run_timeout=self.run_timeout)
        tellers = [self.teller(number) for number in range(self.run_count)]
        while tellers:
            teller = self.random.choice(tellers)
            if next(teller, None) is None:
                tellers.remove(teller)
            self.turns += 1
        return self

    def teller(self, number: int) -> Iterator[bool]:
        """One run; a turn at a time."""
        input = random_input(self.random, self.steps)
        memory = MemoryEngine.start_run(self.steps, input, run_timeout=self.run_timeout)
        engines: list[Engine] = [
            memory,
            SqlEngine.start_run(self.core, "sets", input, is_set_based=True),
            SqlEngine.start_run(self.core, "ones", input, is_set_based=False),
        ]
        told = [Story(engine, self.steps, f"{self.seed} {number}") for engine in engines]
        for chapter, chapters in enumerate(zip(*told, strict=True)):
            assert all(found == chapters[0] for found in chapters), (self.seed, number, chapter, chapters)
            if memory.timed.model.open_ended:
                return  # how far the rest came is left open
            yield True


class Story:
    """What happens to a run, by its seed. A chapter: what was done, what went in or out, what came of it."""

    def __init__(self, engine: Engine, steps: list[Step], seed: str) -> None:
        self.engine, self.steps = engine, steps
        self.random = Random(f"story {seed}")
        self.trouble = self.random.choice((0.0, 0.2, 0.5))
        self.control = self.random.choice((0.0, 0.0, 0.1))
        self.holds = self.random.choice((0.0, 0.0, 0.1, 0.3))
        self.is_held = False
        self.lateness = self.random.choice((0.0, 0.0, 0.2))
        self.retries = self.random.choice((0, 1, 3))
        self.heard = 0

    def __iter__(self) -> Iterator[tuple[str, object, list[str], Record]]:
        yield "start", None, self.news(), self.engine.record()
        while (found := self.turn()) is not None:
            yield *found, self.news(), self.engine.record()

    def turn(self) -> tuple[str, object] | None:
        queued, started = self.engine.tasks("queued"), self.engine.tasks("started")
        resting = self.engine.waits("sleep") + self.engine.waits("signal")
        waiting = self.engine.waiting()
        if waiting and (not (queued or started) or self.random.random() < 0.3):
            key = self.random.choice(waiting)
            self.engine.wake(key)
            return f"the next round of {key}", None
        if resting and (not (queued or started) or self.random.random() < 0.3):
            return self.rest(self.random.choice(resting))
        if not queued and not started:
            if self.is_held:
                return self.let_go()
            if not self.retries:
                return None
            self.retries -= 1
            self.engine.retry()
            return "retry", None
        if self.random.random() < self.holds:
            return self.let_go() if self.is_held else self.hold()
        if self.random.random() < self.control:
            return self.end_from_outside()
        late = self.late_loops(queued + started + waiting)
        if late and self.random.random() < self.lateness:
            slug = self.random.choice(late)
            self.engine.end_loop(slug)
            return f"time is over for {slug}", None
        if queued and (not started or self.random.random() < 0.5):
            key = self.random.choice(queued)
            return f"start {key}", self.engine.start(key)
        return self.end(self.random.choice(started))

    def hold(self) -> tuple[str, object]:
        self.is_held = True
        self.engine.hold()
        return "hold", None

    def let_go(self) -> tuple[str, object]:
        self.is_held = False
        self.engine.let_go()
        return "release", None

    def end_from_outside(self) -> tuple[str, object]:
        """Somebody cancels the run, or its time is over, if it had any."""
        if self.random.random() < 0.5:
            self.engine.cancel("enough")
            return "cancel", None
        self.engine.time_out()
        return "time is over", None

    def rest(self, slug: str) -> tuple[str, object]:
        """Somebody sends what the step waits for, or its time is over."""
        timed = self.engine.waits("sleep") + self.engine.waits("deadline")
        if (slug in timed and self.random.random() < 0.5) or slug in self.engine.waits("sleep"):
            self.engine.end_wait(slug)
            return f"time passes for {slug}", None
        payload = random_output(self.random, self.steps, slug, violate=0.0)
        return f"send {payload} to {slug}", self.engine.send(slug, payload)

    def late_loops(self, keys: list[Key]) -> list[str]:
        """Loops under way that have a deadline."""
        limited = {step.slug for step in self.steps if step.max_rounds is not None and step.deadline}
        return sorted(limited & {slug for slug, _ in keys})

    def end(self, key: Key) -> tuple[str, object]:
        if self.random.random() < self.trouble:
            self.engine.fail(key, f"boom at {key}")
            return f"fail {key}", None
        is_loop = any(step.slug == key[0] and step.max_rounds is not None for step in self.steps)
        if is_loop and self.random.random() < 0.5:
            state, seconds = random_value(self.random), self.random.choice((0, 0, 60))
            self.engine.again(key, state, seconds)
            return f"again {key} after {seconds} s", state
        output = random_output(self.random, self.steps, key[0])
        self.engine.complete(key, output)
        return f"complete {key}", output

    def news(self) -> list[str]:
        """The events since the last time; those of one change are in no order that anybody relies on."""
        events = self.engine.events()
        news, self.heard = sorted(events[self.heard :]), len(events)
        return news
