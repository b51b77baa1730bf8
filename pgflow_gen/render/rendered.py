"""All generated files of a project at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING

from pgflow_gen.ir.flow import Analysis, FlowKey, FlowSpec
from pgflow_gen.render.naming import FlowNames, stems
from pgflow_gen.render.pages import Pages, Text, calls, proofs, texts
from pgflow_gen.render.places import WiringMap
from pgflow_gen.render.python import client_module, package_module
from pgflow_gen.render.views import FlowView, flow_view
from pgflow_gen.render.wiring import Part, Wiring, wiring_map

if TYPE_CHECKING:
    from pgflow_gen.config import Config


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """``path`` is POSIX and relative to the folder of generated files; ``content`` is UTF-8 with LF."""

    path: str
    content: bytes


@dataclass(frozen=True)
class Rendered:
    """Everything but migrations and manifest, which also depend on what was written before."""

    files: tuple[RenderedFile, ...]
    analysis: Analysis
    pages: Mapping[FlowKey, Pages]
    _views: tuple[Callable[[], FlowView], ...] = field(repr=False, compare=False)

    @cached_property
    def wiring(self) -> WiringMap:
        """What the lines of ``_typecheck.py`` are about; worked out when mypy has something to say."""
        return wiring_map([view() for view in self._views])

    def text(self, path: str) -> str:
        return next(file.content for file in self.files if file.path == path).decode()


def render(analysis: Analysis, config: Config, kept: Mapping[FlowKey, Pages] | None = None) -> Rendered:
    """The files for ``analysis``, sorted by path. Flows must be free of errors.

    ``kept`` are pages of the very same flows, from an earlier rendering. Raises ValueError for a flow that
    has a type or a cycle which earned a finding.
    """
    del config  # what is rendered depends on the flows alone; where it goes is the plan's business
    wiring, views = Wiring(), _views(analysis)
    pages = _pages(views, wiring, kept or {})
    client = client_module(
        (page.text.stem, FlowNames.for_stem(slug), page.text.has_input)
        for slug, page in zip((flow.slug for flow in _ordered(analysis)), pages.values(), strict=True)
    )
    contents = {"__init__.py": package_module().encode(), "py.typed": b"", "client.py": client.encode()}
    contents["_typecheck.py"] = wiring.text().encode()
    for page in pages.values():
        contents |= page.text.files
    ordered = tuple(RenderedFile(path, content) for path, content in sorted(contents.items()))
    return Rendered(ordered, analysis, pages, tuple(view for _, view in views.values()))


def render_pages(analysis: Analysis) -> dict[FlowKey, Pages]:
    """What is made of each flow alone. Raises ValueError like ``render``."""
    return _pages(_views(analysis), Wiring(), {})


def _ordered(analysis: Analysis) -> list[FlowSpec]:
    return sorted(analysis.flows, key=lambda flow: (flow.slug, -flow.version))


def _views(analysis: Analysis) -> dict[FlowKey, tuple[str, Callable[[], FlowView]]]:
    """Each flow's stem, and its view for when that is needed."""
    named = stems(analysis.flows)
    return {
        flow.key: (named[flow.key], cache(partial(_view, flow, named[flow.key], analysis)))
        for flow in _ordered(analysis)
    }


def _pages(
    views: Mapping[FlowKey, tuple[str, Callable[[], FlowView]]],
    wiring: Wiring,
    kept: Mapping[FlowKey, Pages],
) -> dict[FlowKey, Pages]:
    """All pages; their parts of the wiring go into ``wiring``, the calls of all flows first."""
    known = {key: page for key, page in kept.items() if key in views and page.text.stem == views[key][0]}
    text_of = {key: known[key].text if key in known else texts(view()) for key, (_, view) in views.items()}
    called = {key: calls(wiring, known.get(key), view) for key, (_, view) in views.items()}
    proved = {key: proofs(wiring, known.get(key), view) for key, (_, view) in views.items()}
    return {key: _page(known.get(key), text_of[key], called[key], proved[key]) for key in views}


def _page(known: Pages | None, text: Text, called: Part, proved: Part) -> Pages:
    """``known`` itself where it is all as it was, which need not be kept again."""
    if known is not None and called is known.calls and proved is known.proofs:
        return known
    return Pages(text, called, proved)


def _view(flow: FlowSpec, stem: str, analysis: Analysis) -> FlowView:
    return flow_view(flow, stem, analysis.types_of(flow))
