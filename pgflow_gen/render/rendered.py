"""All generated files of a project at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pgflow_gen.ir.flow import Analysis
from pgflow_gen.render.docs import flow_document
from pgflow_gen.render.naming import stems
from pgflow_gen.render.places import WiringMap
from pgflow_gen.render.python import client_module, flow_module, package_module
from pgflow_gen.render.schemas import contract_schema
from pgflow_gen.render.views import flow_view
from pgflow_gen.render.wiring import wiring

if TYPE_CHECKING:
    from pgflow_gen.config import Config


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """``path`` is POSIX and relative to the folder of generated files; ``content`` is UTF-8 with LF."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Rendered:
    """Everything but migrations and manifest, which also depend on what was written before."""

    files: tuple[RenderedFile, ...]
    analysis: Analysis
    wiring: WiringMap = field(default_factory=dict)

    def text(self, path: str) -> str:
        return next(file.content for file in self.files if file.path == path).decode()


def render(analysis: Analysis, config: Config) -> Rendered:
    """The files for ``analysis``, sorted by path. Flows must be free of errors.

    Raises ValueError for a flow that has a type or a cycle which earned a finding.
    """
    del config  # what is rendered depends on the flows alone; where it goes is the plan's business
    named = stems(analysis.flows)
    flows = sorted(analysis.flows, key=lambda flow: (flow.slug, -flow.version))
    views = [flow_view(flow, named[flow.key], analysis.types) for flow in flows]
    texts = {"__init__.py": package_module(), "py.typed": "", "client.py": client_module(views)}
    texts["_typecheck.py"], lines = wiring(views, analysis.types)
    for view in views:
        texts[f"{view.stem}.py"] = flow_module(view)
        texts[f"schemas/{view.stem}.json"] = contract_schema(view, analysis.types)
        texts[f"docs/{view.stem}.md"] = flow_document(view.flow, analysis.types)
    files = tuple(RenderedFile(path, text.encode()) for path, text in sorted(texts.items()))
    return Rendered(files, analysis, lines)
