"""A flow's migration in the clothes of a style: SQL as it stands, or a module of another tool."""

from __future__ import annotations

from pgflow_gen.render.environment import render_template
from pgflow_gen.render.sql import Script
from pgflow_shared.styles.style import Style


def dress(style: Style, script: Script, name: str, after: str | None, app: str) -> str:
    """The text of the file ``name``.

    ``after``: what it follows, in a chaining style; ``app``: what the tool calls the application.
    """
    if not style.is_chained:
        return style.frame(script.head, script.body)
    title = name.removesuffix(style.suffix)
    context = {"script": script, "title": title, "link": style.link(name), "after": after, "app": app}
    return render_template(f"migration.{style.name}.jinja", **context)
