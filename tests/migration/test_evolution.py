"""Whatever the history of a project: its migrations, in order, make the flows that its source has."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from pgflow_gen.ir.flow import FlowSpec
from pgflow_runtime.migrate.files import FlowMigration, read_flow_migrations
from pgflow_runtime.migrate.flows import apply_flows
from tests.support.core import Connection
from tests.support.history import History
from tests.support.random_history import Author, Flow, Step, expected_definition

STYLES = ("plain", "plain", "supabase", "dbmate")


@dataclass
class Moment:
    """The source and its migrations after a build; ``is_release``: no draft among them."""

    flows: list[Flow]
    files: tuple[FlowMigration, ...]
    is_release: bool = False


@dataclass
class Life:
    history: History
    author: Author
    random: Random
    moments: list[Moment] = field(default_factory=list)
    refused: int = 0

    def live(self, builds: int) -> None:
        for _ in range(builds):
            before = [flow.copy() for flow in self.author.flows]
            for _ in range(self.random.randint(1, 4)):
                self.author.edit()
            self._build(before)
            if self.random.random() < 0.35:
                self.history.release()
                assert self.history.plan(*self._specs()).is_clean
                self.moments[-1].is_release = True

    def _build(self, before: list[Flow]) -> None:
        """A build; flows whose released shape changed are told, and get their old source back."""
        told = {item.message.split("'")[1] for item in self.history.plan(*self._specs()).findings}
        if told:
            self.refused += 1
            assert told == self._reshaped()
            old = {flow.db_slug: flow for flow in before}
            self.author.flows = [old.get(flow.db_slug, flow) if flow.db_slug in told else flow
                                 for flow in self.author.flows]  # fmt: skip
        assert self._reshaped() == set()
        shipped = self._shipped_texts()
        self.history.build(*self._specs(), renumber=self.random.random() < 0.2)
        assert self.history.plan(*self._specs()).is_clean
        assert self._shipped_texts() == shipped
        files = read_flow_migrations(self.history.folder, self.history.style)
        self.moments.append(Moment([flow.copy() for flow in self.author.flows], files))

    def _specs(self) -> list[FlowSpec]:
        return [flow.spec() for flow in self.author.flows]

    def _shipped_texts(self) -> dict[str, str]:
        if not self.history.manifest_path.exists():
            return {}
        return {name: self.history.text(name) for name, shipped in self.history.ledger() if shipped}

    def _reshaped(self) -> set[str]:
        """Flows that have another shape than when they were last part of a release."""
        released: dict[str, object] = {}
        for moment in self.moments:
            if moment.is_release:
                released |= {flow.db_slug: flow.shape() for flow in moment.flows}
        return {
            flow.db_slug
            for flow in self.author.flows
            if flow.db_slug in released and flow.shape() != released[flow.db_slug]
        }


def assert_is(db: Connection, flows: list[Flow]) -> None:
    for flow in flows:
        row = db.execute("select pgflow.get_flow_definition(%s) as it", [flow.db_slug]).fetchone()
        assert row is not None
        assert row.it == expected_definition(flow), flow.db_slug


def test_migrations_in_order_make_the_flows_of_the_source(
    db: Connection, tmp_path: Path, evolution_examples: int, evolution_seed: int
) -> None:
    refused = releases = altered = 0
    for seed in range(evolution_seed, evolution_seed + evolution_examples):
        random = Random(seed)
        life = Life(History(tmp_path / str(seed), random.choice(STYLES)), Author(random), random)
        life.history.root.mkdir()
        try:
            life.live(builds=random.randint(1, 8))
            check_databases(db, life.moments)
        except Exception as error:
            error.add_note(f"--evolution-examples 1 --evolution-seed {seed}")
            raise
        refused += life.refused
        releases += sum(moment.is_release for moment in life.moments)
        altered += sum("alter_" in file.name for file in life.moments[-1].files)
        shutil.rmtree(life.history.root)
    if evolution_examples >= 20:
        assert min(refused, releases, altered) > 0, "nothing was put to the test"


def check_databases(db: Connection, moments: list[Moment]) -> None:
    """A developer's database after each build, a production's after each release, and a new one."""
    with db.transaction(force_rollback=True):
        for moment in moments:
            apply_flows(db, moment.files, recreate=True)
            assert_is(db, moment.flows)
            assert apply_flows(db, moment.files, recreate=True) == ([], [])
    with db.transaction(force_rollback=True):
        for moment in moments:
            if moment.is_release:
                apply_flows(db, moment.files, recreate=False)
                assert_is(db, moment.flows)
    with db.transaction(force_rollback=True):
        apply_flows(db, moments[-1].files, recreate=False)
        assert_is(db, moments[-1].flows)


@pytest.mark.parametrize("style", ["plain", "supabase"])
def test_a_draft_that_is_not_needed_any_more_leaves_a_development_database(
    style: str, db: Connection, tmp_path: Path
) -> None:
    history, crawl = History(tmp_path, style), Flow("crawl", steps={"s0": Step()})
    for timeout in (30, 40, 30):
        crawl.options["timeout"] = timeout
        history.build(crawl.spec())
        if timeout == 30:
            history.release()
        _, recreated = apply_flows(db, read_flow_migrations(history.folder, style), recreate=True)
        assert_is(db, [crawl])
    assert recreated == ["crawl"]
