"""All that is made of one flow alone. It follows from the flow, its types and its stem, and can be kept."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from pgflow_gen.render.docs import flow_document
from pgflow_gen.render.facts import Facts
from pgflow_gen.render.proofs import add_proofs
from pgflow_gen.render.python import flow_module
from pgflow_gen.render.schemas import contract_schema
from pgflow_gen.render.views import FlowView
from pgflow_gen.render.wiring import Part, Wiring, add_calls


class Text(msgspec.Struct, frozen=True, array_like=True):
    """What a flow's own files hold."""

    stem: str
    has_input: bool
    facts: Facts
    files: dict[str, bytes]
    """Path in the folder of generated files -> content."""


class Pages(msgspec.Struct, frozen=True, array_like=True):
    """A flow's files, and its parts of the wiring."""

    text: Text
    calls: Part
    proofs: Part


def texts(view: FlowView) -> Text:
    """Render the files of one flow."""
    facts, stem = Facts.of(view.flow, view.types), view.stem
    files = {
        f"{stem}.py": flow_module(view),
        f"schemas/{stem}.json": contract_schema(view, facts),
        f"docs/{stem}.md": flow_document(view.flow, view.types),
    }
    return Text(stem, view.has_input, facts, {path: text.encode() for path, text in files.items()})


def calls(wiring: Wiring, known: Pages | None, view: Callable[[], FlowView]) -> Part:
    """The flow's calls, added to the wiring."""
    return wiring.add(known.calls if known else None, lambda modules, page: add_calls(view(), modules, page))


def proofs(wiring: Wiring, known: Pages | None, view: Callable[[], FlowView]) -> Part:
    """The proofs about the flow's records, added to the wiring."""
    return wiring.add(
        known.proofs if known else None, lambda modules, page: add_proofs(view(), modules, page)
    )
