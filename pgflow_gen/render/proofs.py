"""Proofs that the client's records equal the handlers': each is returned for the other, also in lists."""

from __future__ import annotations

from pgflow_gen.render.module_names import ModuleNames
from pgflow_gen.render.places import Page, Place
from pgflow_gen.render.views import FlowView


def add_proofs(view: FlowView, modules: ModuleNames, page: Page) -> None:
    """Each record as declared again, and lists of it, returned for the user's own and the other way round."""
    again = modules.module(f".{view.stem}")
    for number, (key, name) in enumerate(view.record_names.items(), start=1):
        ours, theirs = f"{again}.{name}", modules.record(key)
        place = Place("record", view.flow.key, record=key)
        for direction, given, wanted in (("ours", theirs, ours), ("theirs", ours, theirs)):
            page.add("")
            page.add("")
            page.add(f"def _{view.stem}_{number}_as_{direction}(")
            page.add(f"    value: {given}, values: list[{given}]", place)
            page.add(f") -> tuple[{wanted}, list[{wanted}]]:", place)
            page.add("    return value, values", place)
