"""All that is made of one flow alone. It follows from the flow, its types and its stem, and can be kept.

What a flow's files hold is most of it by far, and hardly ever asked for again: kept are its digests.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import msgspec

from pgflow_gen.ir.companions import Companion, companions
from pgflow_gen.render.docs import flow_document
from pgflow_gen.render.python.modules import flow_module
from pgflow_gen.render.python.views import FlowView
from pgflow_gen.render.schemas import companion_schema, contract_schema
from pgflow_gen.render.summary import Summary
from pgflow_gen.render.wiring.calls import Part, Wiring, add_calls
from pgflow_gen.render.wiring.proofs import add_proofs
from pgflow_shared.system.digest import digest


class FilesSummary(msgspec.Struct, frozen=True, array_like=True):
    """What is known of a flow's own files."""

    stem: str
    has_input: bool
    step_slugs: tuple[str, ...]
    """In order of definition."""
    signals: tuple[tuple[str, bool], ...]
    """Each signal's slug, and whether it has a key."""
    summary: Summary
    companions: tuple[tuple[str, Summary], ...]
    """The same of each companion, by its slug in the database; they come before their flow."""
    digests: dict[str, str]
    """Path in the folder of generated files -> digest of the content."""


class FlowFiles(msgspec.Struct, frozen=True, array_like=True):
    """A flow's files, and its parts of the wiring."""

    text: FilesSummary
    calls: Part
    proofs: Part
    contents: dict[str, bytes] | None = None
    """The files themselves, on the way from one process to the other."""


class FlowFilesRenderer:
    """One flow on its way to its files: each part is worked out when it is asked for, and once.

    ``known`` are flow_files of the very same flow, from an earlier rendering.
    """

    def __init__(self, stem: str, view: Callable[[], FlowView], known: FlowFiles | None) -> None:
        self.stem = stem
        self.known = known if known is not None and known.text.stem == stem else None
        self._view = view

    @cached_property
    def view(self) -> FlowView:
        return self._view()

    @cached_property
    def summary(self) -> Summary:
        return self.known.text.summary if self.known else Summary.of(self.view.flow, self.view.types)

    @cached_property
    def companions(self) -> tuple[Companion, ...]:
        return companions(self.view.flow, self.view.types)

    @cached_property
    def companion_summaries(self) -> tuple[tuple[str, Summary], ...]:
        if self.known:
            return self.known.text.companions
        return tuple((item.slug, Summary.of(item.flow, self.view.types)) for item in self.companions)

    @cached_property
    def contents(self) -> dict[str, bytes]:
        """The flow's own files by their paths."""
        if self.known is not None and self.known.contents is not None:
            return self.known.contents
        view, stem = self.view, self.stem
        files = {
            f"{stem}.py": flow_module(view),
            f"schemas/{stem}.json": contract_schema(view, self.summary),
            f"docs/{stem}.md": flow_document(view.flow, view.types),
        }
        for companion, (slug, summary) in zip(self.companions, self.companion_summaries, strict=True):
            files[f"schemas/{slug}.json"] = companion_schema(view, companion, summary)
        return {path: text.encode() for path, text in files.items()}

    @cached_property
    def text(self) -> FilesSummary:
        if self.known is not None:
            return self.known.text
        digests = {path: digest(content) for path, content in self.contents.items()}
        steps = tuple(step.slug for step in self.view.flow.steps)
        signals = tuple((signal.slug, signal.has_key) for signal in self.view.signals)
        summaries = (self.summary, self.companion_summaries)
        return FilesSummary(self.stem, self.view.has_input, steps, signals, *summaries, digests)

    def calls(self, wiring: Wiring) -> Part:
        """The flow's calls, added to the wiring."""
        known = self.known.calls if self.known else None
        return wiring.add(known, lambda modules, lines: add_calls(self.view, modules, lines))

    def proofs(self, wiring: Wiring) -> Part:
        """The proofs about the flow's records, added to the wiring."""
        known = self.known.proofs if self.known else None
        return wiring.add(known, lambda modules, lines: add_proofs(self.view, modules, lines))

    def flow_files(self, calls: Part, proofs: Part) -> FlowFiles:
        """``known`` itself where it is all as it was, which need not be kept again."""
        known = self.known
        if known is not None and calls is known.calls and proofs is known.proofs:
            return known
        return FlowFiles(self.text, calls, proofs)
