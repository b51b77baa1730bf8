"""IR in, bytes out: every generated file as a pure function of the flows.

No clock, no tool version, no absolute path and no hash order enters what is rendered here. Names are decided
in ``naming`` and ``views``; templates only arrange them.
"""

from pgflow_gen.render.docs import render_graph
from pgflow_gen.render.dot import render_dot
from pgflow_gen.render.flow_files import FlowFiles
from pgflow_gen.render.python.collisions import report_collisions
from pgflow_gen.render.rendered import Client, Rendered, RenderedFile, render, render_flow_files
from pgflow_gen.render.sql import compile_sql
from pgflow_gen.render.wiring.source_map import Subject, WiringMap

__all__ = [
    "Client",
    "FlowFiles",
    "Rendered",
    "RenderedFile",
    "Subject",
    "WiringMap",
    "compile_sql",
    "render",
    "render_dot",
    "render_flow_files",
    "render_graph",
    "report_collisions",
]
