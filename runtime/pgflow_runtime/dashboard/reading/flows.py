"""The flows a dashboard knows: those in the database, with the types of those in the project's contracts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pgflow_runtime.contract import FlowContract
from pgflow_runtime.dashboard.reading import statements
from pgflow_runtime.dashboard.reading.reader import Reader
from pgflow_runtime.errors import ProjectError
from pgflow_shared.project import contract_files


@dataclass(frozen=True, slots=True)
class DashboardFlow:
    """A flow as the database defines it. Steps are sorted so that each stands after what it depends on."""

    slug: str
    definition: Mapping[str, Any]

    @property
    def dependencies(self) -> dict[str, list[str]]:
        """Step slug -> what it depends on, in an order in which the steps could run."""
        rows = {row["slug"]: list(row["dependencies"]) for row in self.definition["structure"]["steps"]}
        order: dict[str, list[str]] = {}
        while rows:
            ready = [slug for slug, needs in rows.items() if all(need in order for need in needs)] or list(
                rows
            )
            for slug in ready:
                order[slug] = rows.pop(slug)
        return order

    @property
    def types(self) -> dict[str, str]:
        """Step slug -> ``single`` or ``map``."""
        return {row["slug"]: row["type"] for row in self.definition["structure"]["steps"]}

    @property
    def kinds(self) -> dict[str, str]:
        """Step slug -> what it does: ``task``, ``signal``, ``sleep``, ``loop``, ``subflow``, ``pick``."""
        return {row["slug"]: row.get("kind", "task") for row in self.definition["structure"]["steps"]}

    @property
    def has_ends(self) -> bool:
        """Whether the end of a run starts companions."""
        return not self.settings.keys().isdisjoint({"undo", "ends"})

    @property
    def settings(self) -> Mapping[str, Any]:
        settings: Mapping[str, Any] = self.definition["settings"]
        return settings


class Flows:
    """Reads definitions and contracts. A contract that cannot be used counts as not there."""

    def __init__(self, reader: Reader, schemas: Path) -> None:
        self._reader = reader
        self._schemas = schemas

    async def slugs(self) -> list[str]:
        return [row["flow_slug"] for row in await self._reader.rows(statements.FLOWS)]

    async def find(self, slug: str) -> DashboardFlow | None:
        row = await self._reader.row(statements.DEFINITION, flow=slug)
        return DashboardFlow(slug, row["definition"]) if row is not None and row["definition"] else None

    async def is_paused(self, slug: str) -> bool:
        rows = await self._reader.rows(statements.FLOWS)
        return any(row["is_paused"] for row in rows if row["flow_slug"] == slug)

    def contract(self, slug: str) -> FlowContract | None:
        """The contract of a flow by its slug in the database."""
        return next((found for found in self._contracts() if found.slug == slug), None)

    def contracts(self) -> dict[str, FlowContract]:
        return {found.slug: found for found in self._contracts()}

    def _contracts(self) -> Sequence[FlowContract]:
        found = []
        for path in contract_files(self._schemas):
            try:
                found.append(FlowContract.load(path))
            except ProjectError:
                continue
        return found
