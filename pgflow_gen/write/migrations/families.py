"""The versions of a flow share its schedules: what one version's migration may not take from another.

Only the highest version declares schedules. Where it takes over one that an older version has brought into
databases, that version's migration does not drop it; where an older version's source is gone, the new one's
first migration drops what nobody declares any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pgflow_gen.ir.flow import FlowSpec, Json
from pgflow_gen.write.migrations.ledger import Ledger
from pgflow_shared.slugs import db_slug


class Families:
    """The versions that a project's sources hold."""

    def __init__(self, flows: Iterable[FlowSpec]) -> None:
        self._highest: dict[str, FlowSpec] = {}
        self._alive: set[str] = set()
        for flow in flows:
            self._alive.add(flow.db_slug)
            known = self._highest.setdefault(flow.slug, flow)
            if flow.version > known.version:
                self._highest[flow.slug] = flow

    def left_behind(self, flow: FlowSpec, ledger: Ledger) -> list[tuple[str, str]]:
        """The schedules in databases of versions before ``flow`` whose sources are gone, and that it has not.

        Each with its version's slug in the database.
        """
        older = [db_slug(flow.slug, version) for version in range(1, flow.version)]
        gone = [ledger.shipped(slug) for slug in older if slug not in self._alive]
        found = [
            (entry.flow, name)
            for entry in gone
            if entry is not None
            for name in sorted(_schedules(entry.settings))
        ]
        # Asked for last: a flow out of the cache is opened for it.
        own = {schedule.slug for schedule in flow.schedules} if found else set[str]()
        return [(version, name) for version, name in found if name not in own]

    def without_taken(self, flow: FlowSpec, settings: Mapping[str, Json]) -> Mapping[str, Json]:
        """``settings`` of ``flow`` in databases, without the schedules that its highest version declares."""
        highest, known = self._highest[flow.slug], _schedules(settings)
        if highest.version == flow.version or not known:
            return settings
        taken = {schedule.slug for schedule in highest.schedules}
        kept = {slug: schedule for slug, schedule in known.items() if slug not in taken}
        apart = {name: value for name, value in settings.items() if name != "schedules"}
        return {**apart, "schedules": kept} if kept else apart


def _schedules(settings: Mapping[str, Json]) -> Mapping[str, Json]:
    found = settings.get("schedules")
    return found if isinstance(found, dict) else {}
