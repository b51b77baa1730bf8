"""IR in, bytes out: every generated file as a pure function of the flows.

No clock, no tool version, no absolute path and no hash order enters what is rendered here. Names are decided
in ``naming`` and ``views``; templates only arrange them.
"""

from pgflow_gen.render.collisions import report_collisions
from pgflow_gen.render.docs import render_graph
from pgflow_gen.render.dot import render_dot
from pgflow_gen.render.pages import Pages
from pgflow_gen.render.places import Place, WiringMap
from pgflow_gen.render.rendered import Client, Rendered, RenderedFile, render, render_pages
from pgflow_gen.render.sql import compile_sql

__all__ = [
    "Client",
    "Pages",
    "Place",
    "Rendered",
    "RenderedFile",
    "WiringMap",
    "compile_sql",
    "render",
    "render_dot",
    "render_graph",
    "render_pages",
    "report_collisions",
]
