"""Numbered SQL files, each a transaction of its own."""

from __future__ import annotations

from pgflow_shared.styles.style import Style


class Plain(Style):
    name = "plain"


STYLE = Plain()
