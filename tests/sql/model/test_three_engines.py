"""One story, three engines: what a test sees in memory is what production does, however it reports results.

`--model-flows N` tells N stories, `--model-seed N` others. A failure names its seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from pgflow_runtime.testing.engine.model import Step
from tests.support.core import Core
from tests.support.engines import Engine, Key, MemoryEngine, Record, SqlEngine
from tests.support.random_flows import define, random_flow, random_input, random_output

BATCH = 20  # stories a test


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seeds" in metafunc.fixturenames:
        first, count = metafunc.config.getoption("--model-seed"), metafunc.config.getoption("--model-flows")
        ranges = [range(n, min(n + BATCH, first + count)) for n in range(first, first + count, BATCH)]
        metafunc.parametrize("seeds", ranges, ids=[f"{seeds[0]}-{seeds[-1]}" for seeds in ranges])


def test_the_engines_agree(core: Core, seeds: range) -> None:
    for seed in seeds:
        random = Random(f"engines {seed}")
        steps = random_flow(random, most=15)
        input = random_input(random, steps)
        with core.connection.transaction(force_rollback=True):
            for slug in ("sets", "ones"):
                define(core, slug, steps)
            memory = MemoryEngine(steps, input)
            engines: list[Engine] = [
                memory,
                SqlEngine(core, "sets", input, is_set_based=True),
                SqlEngine(core, "ones", input, is_set_based=False),
            ]
            told = [Story(engine, steps, seed) for engine in engines]
            for chapter, chapters in enumerate(zip(*told, strict=True)):
                assert all(found == chapters[0] for found in chapters), (seed, chapter, chapters)
                if memory.timed.model.open_ended:
                    break  # how far the rest came is left open


class Story:
    """What happens to a run, by its seed. A chapter: what was done, what went in or out, what came of it."""

    def __init__(self, engine: Engine, steps: list[Step], seed: int) -> None:
        self.engine, self.steps = engine, steps
        self.random = Random(f"story {seed}")
        self.trouble = self.random.choice((0.0, 0.2, 0.5))
        self.control = self.random.choice((0.0, 0.0, 0.1))
        self.retries = self.random.choice((0, 1, 3))
        self.heard = 0

    def __iter__(self) -> Iterator[tuple[str, object, list[str], Record]]:
        yield "start", None, self.news(), self.engine.record()
        while (found := self.turn()) is not None:
            yield *found, self.news(), self.engine.record()

    def turn(self) -> tuple[str, object] | None:
        queued, started = self.engine.tasks("queued"), self.engine.tasks("started")
        resting = self.engine.waits("sleep") + self.engine.waits("signal")
        if resting and (not (queued or started) or self.random.random() < 0.3):
            return self.rest(self.random.choice(resting))
        if not queued and not started:
            if not self.retries:
                return None
            self.retries -= 1
            self.engine.retry()
            return "retry", None
        if self.random.random() < self.control:
            self.engine.cancel("enough")
            return "cancel", None
        if queued and (not started or self.random.random() < 0.5):
            key = self.random.choice(queued)
            return f"start {key}", self.engine.start(key)
        return self.end(self.random.choice(started))

    def rest(self, slug: str) -> tuple[str, object]:
        """Somebody sends what the step waits for, or its time is over."""
        timed = self.engine.waits("sleep") + self.engine.waits("deadline")
        if (slug in timed and self.random.random() < 0.5) or slug in self.engine.waits("sleep"):
            self.engine.end_wait(slug)
            return f"time passes for {slug}", None
        payload = random_output(self.random, self.steps, slug, violate=0.0)
        return f"send {payload} to {slug}", self.engine.send(slug, payload)

    def end(self, key: Key) -> tuple[str, object]:
        if self.random.random() < self.trouble:
            self.engine.fail(key, f"boom at {key}")
            return f"fail {key}", None
        output = random_output(self.random, self.steps, key[0])
        self.engine.complete(key, output)
        return f"complete {key}", output

    def news(self) -> list[str]:
        """The events since the last time; those of one change are in no order that anybody relies on."""
        events = self.engine.events()
        news, self.heard = sorted(events[self.heard :]), len(events)
        return news
